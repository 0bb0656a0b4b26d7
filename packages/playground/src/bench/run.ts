/** Runs the sessions of a bench, two at a time. */

import { fileURLToPath } from 'node:url'
import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import { startOrderProcess } from '../order-process.ts'
import type { Progress } from '../progress.ts'
import { titleOf } from './contestants.ts'
import type { SessionRun } from './facts.ts'
import type { BenchOptions } from './options.ts'
import type { ProcessOrder } from './session-process.ts'

const SCRIPT = fileURLToPath(new URL('./session-process.ts', import.meta.url))
/** Sessions at a time, each in a process of its own: the database keeps a third core busy. */
const PROCESSES = 2

/** Runs every session that was asked for; the results are in the order of the traces, agents and stores. */
export async function runSessions(
  { traces, agents, stores, turns, prices }: BenchOptions,
  clientConfig: DynamoDBClientConfig,
  progress: Progress,
): Promise<SessionRun[]> {
  const orders = traces.flatMap((trace) =>
    agents.flatMap((mode) =>
      stores.map((contestant): ProcessOrder => ({ trace, agents: mode, contestant, turns, clientConfig, prices })),
    ),
  )
  const sessions: SessionRun[] = []
  const last = turns.at(-1) ?? 0
  let begun = 0
  const work = async (): Promise<void> => {
    const process = startOrderProcess(SCRIPT)
    try {
      for (let order = orders[begun]; order !== undefined; order = orders[begun]) {
        const index = begun++
        const what = `[${begun} of ${orders.length}] ${order.trace}, ${order.agents} agents, ${titleOf(order.contestant)}`
        sessions[index] = await process.order<SessionRun>(order, (turn: number) => progress.step(what, turn, last))
      }
    } catch (error) {
      begun = orders.length
      throw error
    } finally {
      await process.end()
    }
  }
  // Each ends what it has begun before a failure is told: none is left behind without its database.
  const results = await Promise.allSettled(Array.from({ length: Math.min(PROCESSES, orders.length) }, work))
  progress.end()
  for (const result of results) if (result.status === 'rejected') throw result.reason
  return sessions
}
