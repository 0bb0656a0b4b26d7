/** A session table whose requests are counted, for tests of what a session costs. */

import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBSessionManager, type DynamoDBSessionManagerOptions } from 'strands-session-dynamodb'
import type { MessageRows } from 'strands-session-dynamodb-playground/bench-rows'
import { noteWrites, type WriteNotes } from 'strands-session-dynamodb-playground/note-writes'
import { countRequests, createTestTable, type RequestCounter, type TestTable, testClientConfig } from './table.ts'

/** Sort keys of the trace's agent, which has the SDK's own id. */
export const HEAD = 'agent#agent#msg#head'
export const STATE = 'agent#agent#msg#state'

/** Sort key of a message of the trace's agent. */
export function rowOf(seq: number): string {
  return `agent#agent#msg#${String(seq).padStart(10, '0')}`
}

/** A table, what was asked of it, and managers that ask. */
export interface CapacityBench extends Pick<TestTable, 'drop'> {
  /** Looks at the table without being counted. */
  readonly observer: DynamoDBClient
  /** Counts the requests of the managers. */
  readonly counter: RequestCounter
  /** Notes the managers' writes of single items. */
  readonly notes: WriteNotes
  /** A manager as a new process makes it; all of them share one counted client. */
  readonly createManager: (
    sessionId: string,
    options?: Omit<DynamoDBSessionManagerOptions, 'sessionId' | 'tableName' | 'client' | 'clientConfig'>,
  ) => DynamoDBSessionManager
  /** Where the messages of a session's agent are. */
  readonly rowsOf: (sessionId: string) => MessageRows
}

/** Creates an empty table. Call it in `beforeAll`, and `drop()` in `afterAll`. */
export async function createCapacityBench(): Promise<CapacityBench> {
  const { tableName, client: observer, drop } = await createTestTable()
  const client = new DynamoDBClient(testClientConfig())
  return {
    observer,
    counter: countRequests(client),
    notes: noteWrites(client),
    createManager: (sessionId, options = {}) =>
      new DynamoDBSessionManager({ ...options, sessionId, tableName, client }),
    rowsOf: (sessionId) => ({ tableName, sessionId }),
    drop: async () => {
      client.destroy()
      await drop()
    },
  }
}
