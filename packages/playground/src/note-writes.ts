/** Notes which item each write of a client went to, and what it cost. */

import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { ATTRIBUTE } from 'strands-session-dynamodb/schema'

/** One write of one item. */
export interface NotedWrite {
  /** `PutItem`, `UpdateItem` or `DeleteItem`. */
  readonly operation: string
  readonly sortKey: string
  /** Write capacity units of the table and its index, as the service reports them. */
  readonly writeUnits: number
}

/** The writes of a client since {@link noteWrites} or the last `reset()`. */
export interface WriteNotes {
  readonly writes: readonly NotedWrite[]
  /** Forgets the writes noted so far and returns them. */
  readonly reset: () => readonly NotedWrite[]
}

const SINGLE_WRITES = new Set(['PutItem', 'UpdateItem', 'DeleteItem'])

/** Adds a middleware to the client that notes each write of a single item that succeeds; batches are left out. */
export function noteWrites(client: Pick<DynamoDBClient, 'middlewareStack'>): WriteNotes {
  const writes: NotedWrite[] = []
  client.middlewareStack.add(
    (next, context) => async (call) => {
      const operation = (context.commandName ?? '').replace(/Command$/, '')
      if (!SINGLE_WRITES.has(operation)) return next(call)
      Object.assign(call.input, { ReturnConsumedCapacity: 'TOTAL' })
      const sortKey = sortKeyOf(property(call.input, operation === 'PutItem' ? 'Item' : 'Key'))
      const result = await next(call)
      const units = property(property(result.output, 'ConsumedCapacity'), 'CapacityUnits')
      writes.push({ operation, sortKey, writeUnits: typeof units === 'number' ? units : 0 })
      return result
    },
    { step: 'initialize', name: 'noteWrites', priority: 'high' },
  )
  return { writes, reset: () => writes.splice(0) }
}

/** The sort key as a document client writes it, or as a plain client does. */
function sortKeyOf(item: unknown): string {
  const value = property(item, ATTRIBUTE.sortKey)
  return typeof value === 'string' ? value : String(property(value, 'S') ?? '')
}

function property(value: unknown, name: string): unknown {
  return value !== null && typeof value === 'object' ? Reflect.get(value, name) : undefined
}
