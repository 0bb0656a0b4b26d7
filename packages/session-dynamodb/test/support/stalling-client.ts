/** A client of a process that dies: from one request on it sends nothing any more, and never answers. */

import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { testClientConfig } from './table.ts'

/** A client that stops at a request. */
export interface StallingClient {
  readonly client: DynamoDBClient
  /** Resolves when the request was about to be sent. */
  readonly stalled: Promise<void>
}

/** @param text - What the request holds, as JSON; it and all later ones are never sent. */
export function stallingClient(text: string): StallingClient {
  const client = new DynamoDBClient(testClientConfig())
  const stalled = Promise.withResolvers<void>()
  let isDead = false
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (call) => {
        const isWrite = /^(Put|Delete|Update|Transact|Batch)/.test(commandName)
        isDead ||= isWrite && JSON.stringify(call.input).includes(text)
        if (!isDead) return next(call)
        stalled.resolve()
        return new Promise(() => undefined)
      },
    { step: 'initialize', name: 'stall', priority: 'high' },
  )
  return { client, stalled: stalled.promise }
}
