/** Measures what the trace costs in the SDK's own session manager, on a store of one item per snapshot. */

import { DeleteTableCommand, DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import { type Agent, SessionManager } from '@strands-agents/sdk'
import { createSessionTable } from 'strands-session-dynamodb'
import { ByteStorage } from '../byte-storage.ts'
import { countRequests } from '../count-requests.ts'
import { overLimitError } from '../over-limit-error.ts'
import { runTrace } from '../traces/run.ts'
import { traceTurn } from '../traces/turns.ts'
import { costOf, type StockFacts, type TurnCost } from './facts.ts'

/** Runs the trace until a save fails, or all turns are done. */
export async function measureStock(bench: {
  readonly clientConfig: DynamoDBClientConfig
  /** Table to create, and to delete at the end. */
  readonly tableName: string
  readonly saveLatestOn: StockFacts['saveLatestOn']
  readonly turns: number
  readonly onTurn?: (turn: number) => void
}): Promise<StockFacts> {
  const { tableName, saveLatestOn, onTurn } = bench
  const client = new DynamoDBClient(bench.clientConfig)
  await createSessionTable({ client, tableName })
  const turns: TurnCost[] = []
  let current: Agent | undefined
  try {
    await runTrace({
      lastTurn: bench.turns,
      counter: countRequests(client),
      createManager: () =>
        new SessionManager({ sessionId: 'bench', storage: new ByteStorage(client, tableName), saveLatestOn }),
      onResumed: async (_turn, agent) => {
        current = agent
      },
      onTurn: async (requests) => {
        turns.push(costOf(requests))
        onTurn?.(requests.turn)
      },
    })
    return { saveLatestOn, turns }
  } catch (error) {
    const refusal = overLimitError(error)
    if (refusal === undefined) throw error
    const turn = turns.length + 1
    // The model had spoken when the message is there, but invoke() rejected: the caller never saw it.
    const answerLost = JSON.stringify(current?.messages.at(-1) ?? null).includes(traceTurn(turn).answer)
    return { saveLatestOn, turns, end: { turn, error: `${refusal.name}: ${refusal.message}`, answerLost } }
  } finally {
    await client.send(new DeleteTableCommand({ TableName: tableName }))
    client.destroy()
  }
}
