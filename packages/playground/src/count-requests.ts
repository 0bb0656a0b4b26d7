/** Counts the DynamoDB requests of a client, and what each consumed. */

import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'

/** One request, after the SDK's own retries. */
export interface CountedRequest {
  /** Name of the API operation, e.g. `PutItem`. */
  readonly operation: string
  /** Absent for requests that name no single table. */
  readonly tableName?: string
  /** Read capacity units, as the service reports them. */
  readonly readUnits: number
  /** Write capacity units, as the service reports them. A failed request reports none, though it is billed. */
  readonly writeUnits: number
  /** Name of the error that the request ended with. */
  readonly error?: string
}

/** The requests of a client since {@link countRequests} or the last `reset()`. */
export interface RequestCounter {
  readonly requests: readonly CountedRequest[]
  /** Forgets the requests counted so far and returns them. */
  readonly reset: () => readonly CountedRequest[]
}

/** Capacity units of several requests. */
export interface Capacity {
  readonly readUnits: number
  readonly writeUnits: number
}

const READS = new Set(['BatchGetItem', 'GetItem', 'Query', 'Scan', 'TransactGetItems'])
const WRITES = new Set(['BatchWriteItem', 'DeleteItem', 'PutItem', 'TransactWriteItems', 'UpdateItem'])

/**
 * Adds a middleware to the client that asks for the consumed capacity of each request and notes it. A document client
 * made from this client shares its middleware, and so is counted too.
 */
export function countRequests(client: Pick<DynamoDBClient, 'middlewareStack'>): RequestCounter {
  const requests: CountedRequest[] = []
  client.middlewareStack.add(
    (next, context) => async (call) => {
      const operation = (context.commandName ?? '').replace(/Command$/, '')
      const tableName = property(call.input, 'TableName')
      const facts = { operation, ...(typeof tableName === 'string' && { tableName }) }
      if (READS.has(operation) || WRITES.has(operation)) {
        Object.assign(call.input, { ReturnConsumedCapacity: 'TOTAL' })
      }
      try {
        const result = await next(call)
        const units = capacityUnits(operation, property(result.output, 'ConsumedCapacity'))
        const isRead = READS.has(operation)
        requests.push({ ...facts, readUnits: isRead ? units : 0, writeUnits: isRead ? 0 : units })
        return result
      } catch (error) {
        requests.push({ ...facts, readUnits: 0, writeUnits: 0, error: error instanceof Error ? error.name : 'unknown' })
        throw error
      }
    },
    { step: 'initialize', name: 'countRequests', priority: 'high' },
  )
  return { requests, reset: () => requests.splice(0) }
}

/** Sums the capacity units of requests. */
export function sumCapacity(requests: readonly CountedRequest[]): Capacity {
  return {
    readUnits: requests.reduce((sum, request) => sum + request.readUnits, 0),
    writeUnits: requests.reduce((sum, request) => sum + request.writeUnits, 0),
  }
}

/** Batches and transactions report one entry per table. */
function capacityUnits(operation: string, consumed: unknown): number {
  if (Array.isArray(consumed)) return consumed.reduce<number>((sum, entry) => sum + capacityUnits(operation, entry), 0)
  const units = property(consumed, 'CapacityUnits')
  if (typeof units !== 'number') return 0
  // DynamoDB Local forgets that a transactional write costs double; unlike the service, it also leaves out this detail.
  const isSinglePrice = operation === 'TransactWriteItems' && property(consumed, 'WriteCapacityUnits') === undefined
  return isSinglePrice ? units * 2 : units
}

function property(value: unknown, name: string): unknown {
  return value !== null && typeof value === 'object' ? Reflect.get(value, name) : undefined
}
