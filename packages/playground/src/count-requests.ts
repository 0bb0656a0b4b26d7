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
  /** How many requests had to end before this one could begin, and itself: requests at the same time share a round. */
  readonly round: number
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

const WRITE_ACTIONS = ['Put', 'Update', 'Delete', 'ConditionCheck'] as const
/** Write capacity units of an item of up to 1 KB in a transaction. */
const TRANSACTION_PRICE = 2

/**
 * Adds a middleware to the client that asks for the consumed capacity of each request and notes it. A document client
 * made from this client shares its middleware, and so is counted too.
 */
export function countRequests(client: Pick<DynamoDBClient, 'middlewareStack'>): RequestCounter {
  const requests: CountedRequest[] = []
  let ended = 0
  client.middlewareStack.add(
    (next, context) => async (call) => {
      const operation = (context.commandName ?? '').replace(/Command$/, '')
      const tableName = property(call.input, 'TableName')
      const round = ended + 1
      const facts = { operation, ...(typeof tableName === 'string' && { tableName }), round }
      if (READS.has(operation) || WRITES.has(operation)) {
        Object.assign(call.input, { ReturnConsumedCapacity: 'TOTAL' })
      }
      try {
        const result = await next(call)
        const units = capacityUnits(call.input, property(result.output, 'ConsumedCapacity'))
        const isRead = READS.has(operation)
        requests.push({ ...facts, readUnits: isRead ? units : 0, writeUnits: isRead ? 0 : units })
        return result
      } catch (error) {
        requests.push({ ...facts, readUnits: 0, writeUnits: 0, error: error instanceof Error ? error.name : 'unknown' })
        throw error
      } finally {
        ended = Math.max(ended, round)
      }
    },
    { step: 'initialize', name: 'countRequests', priority: 'high' },
  )
  const reset = (): readonly CountedRequest[] => {
    ended = 0
    return requests.splice(0)
  }
  return { requests, reset }
}

/** Requests that waited for one another: what a save or a resume takes, as a multiple of the time of one request. */
export function roundTripsOf(requests: readonly CountedRequest[]): number {
  return Math.max(0, ...requests.map(({ round }) => round))
}

/** Sums the capacity units of requests. */
export function sumCapacity(requests: readonly CountedRequest[]): Capacity {
  return {
    readUnits: requests.reduce((sum, request) => sum + request.readUnits, 0),
    writeUnits: requests.reduce((sum, request) => sum + request.writeUnits, 0),
  }
}

/** Batches and transactions report one entry per table. */
function capacityUnits(input: unknown, consumed: unknown): number {
  if (Array.isArray(consumed)) return consumed.reduce<number>((sum, entry) => sum + capacityUnits(input, entry), 0)
  const units = property(consumed, 'CapacityUnits')
  if (typeof units !== 'number') return 0
  return units + missingUnits(input, consumed)
}

/**
 * What DynamoDB Local's report of a transaction leaves out: it takes items that cost the same for one. The service reports
 * all, and adds `WriteCapacityUnits`. Exact when no more than one item is larger than 1 KB, as in the store's transactions.
 */
function missingUnits(input: unknown, consumed: unknown): number {
  const actions = property(input, 'TransactItems')
  const isReport = !Array.isArray(actions) || property(consumed, 'WriteCapacityUnits') !== undefined
  if (isReport) return 0
  const tableName = property(consumed, 'TableName')
  const writes = actions.filter((action) => {
    const target = WRITE_ACTIONS.map((name) => property(action, name)).find((found) => found !== undefined)
    return property(target, 'TableName') === tableName
  })
  const reported = property(consumed, 'CapacityUnits') === TRANSACTION_PRICE ? 1 : 2
  return TRANSACTION_PRICE * Math.max(writes.length - reported, 0)
}

function property(value: unknown, name: string): unknown {
  return value !== null && typeof value === 'object' ? Reflect.get(value, name) : undefined
}
