/** Measures what the trace costs in this library's store. */

import { DeleteTableCommand, DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import type { Agent } from '@strands-agents/sdk'
import { createSessionTable, DynamoDBSessionManager } from 'strands-session-dynamodb'
import { countRequests, type RequestCounter } from '../count-requests.ts'
import { type NotedWrite, noteWrites, type WriteNotes } from '../note-writes.ts'
import { runTrace, type TurnRequests } from '../traces/run.ts'
import { MESSAGES_PER_TURN } from '../traces/turns.ts'
import { averagesOf, costOf, type SampledTurn, type SessionFacts } from './facts.ts'
import { countMessages, type MessageRows, windowReadUnits } from './rows.ts'

const MESSAGE_ROW = /^agent#agent#msg#\d+$/
const STATE = 'agent#agent#msg#state'

/** How to measure. */
export interface SessionBench {
  readonly clientConfig: DynamoDBClientConfig
  /** Table to create, and to delete at the end. */
  readonly tableName: string
  readonly turns: number
  /** Turns to look at more closely. */
  readonly sampled: ReadonlySet<number>
  readonly onTurn?: (turn: number) => void
}

/** Runs the trace on a session of this library, and one more turn after a pause. */
export async function measureSession(bench: SessionBench): Promise<SessionFacts> {
  const { clientConfig, tableName } = bench
  const client = new DynamoDBClient(clientConfig)
  const observer = new DynamoDBClient(clientConfig)
  await createSessionTable({ tableName, client: observer })
  try {
    return await measure(bench, { client, observer, counter: countRequests(client), notes: noteWrites(client) })
  } finally {
    await observer.send(new DeleteTableCommand({ TableName: tableName }))
    client.destroy()
    observer.destroy()
  }
}

interface Instruments {
  /** The session managers' client, counted. */
  readonly client: DynamoDBClient
  /** Looks at the table without being counted. */
  readonly observer: DynamoDBClient
  readonly counter: RequestCounter
  readonly notes: WriteNotes
}

async function measure(
  { tableName, turns: lastTurn, sampled, onTurn }: SessionBench,
  { client, observer, counter, notes }: Instruments,
): Promise<SessionFacts> {
  const rows: MessageRows = { tableName, sessionId: 'bench' }
  const createManager = (): DynamoDBSessionManager =>
    new DynamoDBSessionManager({ sessionId: rows.sessionId, tableName, client })
  const samples: SampledTurn[] = []
  const writes: (readonly NotedWrite[])[] = []
  let ownReadUnits = 0
  const onResumed = async (turn: number, agent: Agent): Promise<void> => {
    if (sampled.has(turn)) ownReadUnits = await windowReadUnits(observer, rows, agent.messages)
  }
  const onRequests = async (requests: TurnRequests): Promise<void> => {
    const { turn } = requests
    writes.push(notes.reset())
    if (sampled.has(turn)) {
      const tableMessages = await countMessages(observer, rows)
      samples.push({ ...costOf(requests), windowReadUnits: ownReadUnits, tableMessages })
    }
    onTurn?.(turn)
  }
  const turns = (await runTrace({ lastTurn, counter, createManager, onResumed, onTurn: onRequests })).map(costOf)

  const further = await later(() =>
    runTrace({ firstTurn: lastTurn + 1, lastTurn: lastTurn + 1, counter, createManager }),
  )
  const afterPause = { writeUnits: further.map(costOf)[0]?.writeUnits ?? 0, writes: notes.reset() }
  const averages = averagesOf(turns)
  return {
    turns,
    sampled: samples,
    ...(averages !== undefined && { averages }),
    lastTurnWrites: writes.at(-1) ?? [],
    afterPause,
    mostResumeRequests: Math.max(...turns.map(({ resumeRequests }) => resumeRequests)),
    irregularAppends: writes.reduce((sum, each) => sum + irregularAppends(each), 0),
    stateWrites: writes.slice(1).reduce((sum, each) => sum + writesOf(each, STATE), 0),
  }
}

/** Runs a task as if the session had last been active ten minutes ago: this process's clock is put forward for it. */
async function later<T>(task: () => Promise<T>): Promise<T> {
  const { now } = Date
  Date.now = () => now() + 600_000
  try {
    return await task()
  } finally {
    Date.now = now
  }
}

/** How far the writes of a turn are from one `PutItem` for each of its messages. */
function irregularAppends(writes: readonly NotedWrite[]): number {
  const appends = writes.filter(({ sortKey }) => MESSAGE_ROW.test(sortKey))
  const regular = new Set(appends.filter(({ operation }) => operation === 'PutItem').map(({ sortKey }) => sortKey))
  return appends.length - regular.size + Math.abs(regular.size - MESSAGES_PER_TURN)
}

function writesOf(writes: readonly NotedWrite[], sortKey: string): number {
  return writes.filter((write) => write.sortKey === sortKey).length
}
