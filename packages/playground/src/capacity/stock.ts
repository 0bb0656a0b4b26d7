/** Measures what the trace costs in the SDK's own session manager, on a store of one item per snapshot. */

import { DeleteTableCommand, DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import { type Agent, SessionManager } from '@strands-agents/sdk'
import { ByteStorage, createByteTable } from '../byte-storage.ts'
import { countRequests } from '../count-requests.ts'
import { costOf, type StockFacts, type TurnCost } from './facts.ts'
import { runTrace } from './run.ts'
import { traceTurn } from './trace.ts'

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
  await createByteTable(client, tableName)
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

/** The service's refusal of an item of more than 400 KB, however often it was wrapped. */
function overLimitError(error: unknown): Error | undefined {
  if (!(error instanceof Error)) return undefined
  return error.name === 'ValidationException' && /item size/i.test(error.message) ? error : overLimitError(error.cause)
}
