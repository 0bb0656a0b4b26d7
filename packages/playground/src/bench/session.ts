/** Runs one session of the bench on a table of its own. */

import { randomUUID } from 'node:crypto'
import {
  DeleteTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  type DynamoDBClientConfig,
} from '@aws-sdk/client-dynamodb'
import { createSessionTable } from 'strands-session-dynamodb'
import { countRequests, roundTripsOf, sumCapacity } from '../count-requests.ts'
import { overLimitError } from '../over-limit-error.ts'
import { countTurns, type TurnRequests } from '../traces/run.ts'
import { TRACES, type TraceName } from '../traces/turns.ts'
import { contestantOf } from './contestants.ts'
import type { AgentMode, Prices, SessionRun, TurnSample } from './facts.ts'
import { playerOf } from './player.ts'
import { monthlyPrice } from './price.ts'

/** Turns that processor time is averaged over: a single one is too short to tell. */
const AVERAGED_TURNS = 10

/** Which session to run. */
export interface SessionOrder {
  readonly trace: TraceName
  /** Its id. */
  readonly contestant: string
  readonly agents: AgentMode
  /** Turns to look at, ascending; the last one ends the session. */
  readonly turns: readonly number[]
}

/** Where to run it, and who wants to know. */
export interface SessionBench {
  readonly clientConfig: DynamoDBClientConfig
  readonly prices: Prices
  readonly onTurn?: (turn: number) => void
}

/** Runs a session until its last turn, or until its store refuses it. */
export async function runSession(
  order: SessionOrder,
  { clientConfig, prices, onTurn }: SessionBench,
): Promise<SessionRun> {
  const { trace, contestant, agents } = order
  const { createManager } = contestantOf(contestant)
  const client = new DynamoDBClient(clientConfig)
  const observer = new DynamoDBClient(clientConfig)
  const tableName = `bench-${randomUUID()}`
  await createSessionTable({ tableName, client: observer })
  const done: TurnRequests[] = []
  const samples: TurnSample[] = []
  const look = async (): Promise<void> => {
    // DynamoDB Local knows a table's size at any time; the service, which is not meant here, updates it every six hours.
    const { Table } = await observer.send(new DescribeTableCommand({ TableName: tableName }))
    samples.push(sampleOf(done, { bytes: Table?.TableSizeBytes ?? 0, items: Table?.ItemCount ?? 0 }, agents, prices))
  }
  const run = { trace, contestant, agents, samples }
  try {
    await countTurns({
      lastTurn: order.turns.at(-1) ?? 0,
      counter: countRequests(client),
      turnOf: TRACES[trace].turnOf,
      play: playerOf(TRACES[trace], agents, () => createManager(client, tableName)),
      onTurn: async (requests) => {
        done.push(requests)
        if (order.turns.includes(requests.turn)) await look()
        onTurn?.(requests.turn)
      },
    })
    return run
  } catch (error) {
    const refusal = overLimitError(error)
    if (refusal === undefined) throw error
    if (done.length > 0 && samples.at(-1)?.turn !== done.length) await look()
    return { ...run, end: { turn: done.length + 1, error: `${refusal.name}: ${refusal.message}` } }
  } finally {
    await observer.send(new DeleteTableCommand({ TableName: tableName }))
    client.destroy()
    observer.destroy()
  }
}

/** What the last of some turns cost. */
export function sampleOf(
  turns: readonly TurnRequests[],
  stored: { readonly bytes: number; readonly items: number },
  agents: AgentMode,
  prices: Prices,
): TurnSample {
  const costs = turns.map(({ resume, save }) => sumCapacity([...resume, ...save]))
  const { turn = 0, resume = [], save = [] } = turns.at(-1) ?? {}
  const { writeUnits = 0, readUnits = 0 } = costs.at(-1) ?? {}
  const mean = {
    writeUnits: meanOf(costs.map((cost) => cost.writeUnits)),
    readUnits: meanOf(costs.map((cost) => cost.readUnits)),
  }
  const storedBytes = stored.bytes
  const storedItems = stored.items
  return {
    turn,
    writeUnits,
    readUnits,
    roundTrips: roundTripsOf(resume) + roundTripsOf(save),
    ...(agents === 'cold' && {
      resume: { readUnits: sumCapacity(resume).readUnits, roundTrips: roundTripsOf(resume) },
    }),
    storedBytes,
    storedItems,
    cpuMs: meanOf(turns.slice(-AVERAGED_TURNS).map(({ cpuMs }) => cpuMs)),
    mean,
    monthlyPrice: monthlyPrice({ turns: turn, mean, storedBytes, storedItems }, prices),
  }
}

function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length
}
