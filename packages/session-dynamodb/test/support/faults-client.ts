/** One process's connections to DynamoDB and S3, which fail at one request in a chosen way. */

import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import type { OffloadOptions } from 'strands-session-dynamodb'
import type { MemoryBucket } from './bucket.ts'

/** What becomes of the one request. */
export const FAULT_MODES = [
  /** Never arrives, and is not sent again. */
  'reset',
  /** Does not arrive the first time; the AWS SDK sends it again. */
  'reset and retried',
  /** Is carried out, but the answer is lost, and it is not sent again. */
  'answer lost',
  /** Is carried out, but the answer is lost; the AWS SDK sends it again. */
  'answer lost and retried',
  /** Is carried out, and is the last thing that the process lives to do. */
  'death',
] as const

export type FaultMode = (typeof FAULT_MODES)[number]

/** The request that fails, counted from 1, and how. */
export interface Fault {
  readonly request: number
  readonly mode: FaultMode
}

/** A write of a whole item, as it was sent. */
export interface SentPut {
  readonly sk: string
  /** The item's checksum: tells one version of the item from another. */
  readonly sum: string
  isAnswered: boolean
}

/** What the processes of one session have sent, in order. */
export class Ledger {
  readonly puts: SentPut[] = []

  /** Sort keys of items of which at least one write was answered, with the checksums that they may have now. */
  answered(): Map<string, readonly string[]> {
    const allowed = new Map<string, readonly string[]>()
    for (const [index, { sk, isAnswered }] of this.puts.entries()) {
      // A write whose answer was lost may have been carried out, over the one before.
      const later = this.puts.slice(index).filter((put) => put.sk === sk)
      if (isAnswered)
        allowed.set(
          sk,
          later.map(({ sum }) => sum),
        )
    }
    return allowed
  }
}

/** A client that stands for a process. */
export interface ProcessClient {
  readonly client: DynamoDBClient
  /** Where it offloads large values, if it does. */
  readonly offload: OffloadOptions
  /** Every request so far: the operation and the first sort key in it. Repetitions by the AWS SDK do not count. */
  readonly requests: readonly string[]
  /** Resolves when the process dies; never, when it does not. */
  readonly death: Promise<void>
  readonly isDead: () => boolean
}

/**
 * Makes the client of a process.
 *
 * @param config - Settings; with a `requestHandler` that all processes share, which outlives them.
 * @param bucket - What all processes share of S3.
 * @param fault - What goes wrong. @defaultValue nothing
 */
export function processClient(
  config: DynamoDBClientConfig,
  ledger: Ledger,
  bucket: MemoryBucket,
  fault?: Fault,
): ProcessClient {
  const isRetried = fault === undefined || fault.mode.endsWith('retried')
  const client = new DynamoDBClient({ ...config, maxAttempts: isRetried ? 3 : 1 })
  const requests: string[] = []
  const known = new WeakSet<object>()
  const death = Promise.withResolvers<void>()
  let isDead = false
  /** Sends a request, or what becomes of it. One that is sent again has no name. */
  const deliver = async <T>(name: string | undefined, puts: readonly SentPut[], send: () => Promise<T>): Promise<T> => {
    if (isDead) return new Promise(() => {})
    if (name !== undefined) requests.push(name)
    const mode = name !== undefined && requests.length === fault?.request ? fault.mode : undefined
    if (mode?.startsWith('reset')) throw lostConnection()
    ledger.puts.push(...puts)
    if (mode === undefined) {
      const result = await send()
      for (const put of puts) put.isAnswered = true
      return isDead ? new Promise(() => {}) : result
    }
    // Whatever the answer was, nobody gets to know it.
    await send().catch(() => undefined)
    if (mode !== 'death') throw lostConnection()
    isDead = true
    death.resolve()
    return new Promise(() => {})
  }
  // Below the AWS SDK's retries, so that these see the failure.
  client.middlewareStack.add(
    (next, context) => async (call) => {
      const operation = (context.commandName ?? '').replace(/Command$/, '')
      const isFirst = !known.has(context)
      known.add(context)
      const name = isFirst ? `${operation} ${sortKeysIn(call.input)[0] ?? ''}`.trim() : undefined
      return deliver(name, putsIn(operation, call.input), () => next(call))
    },
    { step: 'finalizeRequest', priority: 'low', name: 'faults' },
  )
  const objects = bucket.client((name, send) =>
    deliver(name, [], send).catch((error: unknown) => {
      if (isRetried && isLostConnection(error)) return deliver(undefined, [], send)
      throw error
    }),
  )
  const offload = { bucket: bucket.name, client: objects, thresholdBytes: 1024 }
  return { client, offload, requests, death: death.promise, isDead: () => isDead }
}

function isLostConnection(error: unknown): boolean {
  return property(error, 'code') === 'ECONNRESET'
}

function lostConnection(): Error {
  return Object.assign(new Error('socket hang up (injected)'), { code: 'ECONNRESET' })
}

/** The items that a request writes whole. Inputs are as the plain client takes them: `{ sk: { S: … } }`. */
function putsIn(operation: string, input: unknown): SentPut[] {
  const items =
    operation === 'PutItem'
      ? [property(input, 'Item')]
      : arrayOf(property(input, 'TransactItems')).map((action) => property(property(action, 'Put'), 'Item'))
  return items.flatMap((item) => {
    const sk = property(property(item, 'sk'), 'S')
    const sum = property(property(item, 'sum'), 'S')
    return typeof sk === 'string' ? [{ sk, sum: String(sum), isAnswered: false }] : []
  })
}

/** Every sort key in an input, in the order in which they stand there. */
function sortKeysIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  const own =
    property(property(value, 'sk'), 'S') ??
    property(property(value, ':prefix'), 'S') ??
    property(property(value, ':first'), 'S')
  return [...(typeof own === 'string' ? [own] : []), ...Object.values(value).flatMap(sortKeysIn)]
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

function arrayOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}
