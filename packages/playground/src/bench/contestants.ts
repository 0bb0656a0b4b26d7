/** The stores that are compared: this library, and the SDK's own session manager on one item per session. */

import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { SessionManager } from '@strands-agents/sdk'
import { DynamoDBSessionManager } from 'strands-session-dynamodb'
import { ByteStorage } from '../byte-storage.ts'
import { GzipStorage } from '../gzip-storage.ts'

/** A way to keep a session in a table. */
export interface Contestant {
  /** Names it on command lines and in JSON. */
  readonly id: string
  /** Names it for people. */
  readonly title: string
  /** Makes a session manager for one session, as a new process does. */
  readonly createManager: (client: DynamoDBClient, tableName: string) => SessionManager
}

const sessionId = 'bench'

/** This library first. */
export const CONTESTANTS: readonly Contestant[] = [
  {
    id: 'ours',
    title: 'this library',
    createManager: (client, tableName) => new DynamoDBSessionManager({ sessionId, tableName, client }),
  },
  stock('message', false),
  stock('invocation', false),
  stock('message', true),
  stock('invocation', true),
]

/**
 * Finds a contestant by its id.
 *
 * @throws RangeError when there is none.
 */
export function contestantOf(id: string): Contestant {
  const contestant = CONTESTANTS.find((each) => each.id === id)
  if (contestant === undefined) throw new RangeError(`There is no store '${id}'.`)
  return contestant
}

/** Names a contestant for people. */
export function titleOf(id: string): string {
  return contestantOf(id).title
}

/** The SDK's manager; of a graph it saves after each node instead of each message. */
function stock(saveLatestOn: 'message' | 'invocation', isCompressed: boolean): Contestant {
  return {
    id: `stock-${saveLatestOn}${isCompressed ? '-gzip' : ''}`,
    title: `stock, per ${saveLatestOn}${isCompressed ? ', gzip' : ''}`,
    createManager: (client, tableName) => {
      const bytes = new ByteStorage(client, tableName)
      return new SessionManager({
        sessionId,
        storage: isCompressed ? new GzipStorage(bytes) : bytes,
        saveLatestOn,
        multiAgentSaveLatestOn: saveLatestOn === 'message' ? 'node' : 'invocation',
      })
    },
  }
}
