/** Sends requests: with their time limit, repeated where the AWS SDK does not do it, measured, their errors translated. */

import { setTimeout as delay } from 'node:timers/promises'
import type { ConsumedCapacity } from '@aws-sdk/client-dynamodb'
import { translateError } from './aws-errors.ts'
import { type DynamoDBSessionError, TableRequestError } from './errors.ts'

/** What one request used. */
export interface CapacityUsage {
  /** DynamoDB operation, such as `PutItem`. */
  readonly operation: string
  /** Read capacity units. */
  readonly readUnits: number
  /** Write capacity units, of the table and its index. */
  readonly writeUnits: number
  /** How often the AWS SDK sent the request; more than 1 means that it was retried. */
  readonly attempts: number
}

/** A request that was sent more than once. */
export interface Retry {
  /** DynamoDB or S3 operation, such as `PutItem`. */
  readonly operation: string
  /** How often it was sent. */
  readonly attempts: number
  /** How often it was sent again since it was last reported. */
  readonly repetitions: number
  /** Why it failed in the end; absent when it succeeded. */
  readonly error?: unknown
}

/** What all requests of a table share. */
export interface RequestOptions {
  readonly tableName: string
  readonly onCapacity?: ((usage: CapacityUsage) => void) | undefined
  readonly onRetry?: ((retry: Retry) => void) | undefined
  /** Time left for this process in milliseconds; requests are aborted before it is over. */
  readonly remainingMs?: (() => number) | undefined
  /** Waits for some milliseconds. @defaultValue the real clock */
  readonly pause?: ((milliseconds: number) => Promise<unknown>) | undefined
}

/**
 * How often a request is sent that the AWS SDK does not repeat by itself: what a batch left unprocessed, and a transaction
 * that met another one. The pauses between are jittered, and double from the first on.
 */
const ATTEMPTS = 8
const FIRST_PAUSE_MS = 50

/** How long before the process ends a request is aborted, in milliseconds: time to report it. */
const DEADLINE_MARGIN_MS = 200

/** Makes an error of ours of what a request threw. */
export type Translation = (error: unknown, operation: string) => DynamoDBSessionError

/** The requests of one table, or of the bucket with its offloaded values. */
export class Requests {
  /** How often requests had to be sent again. */
  retryCount = 0
  readonly #options: RequestOptions
  readonly #translate: Translation

  constructor(
    options: RequestOptions,
    translate: Translation = (error, operation) => translateError(error, operation, options.tableName),
  ) {
    this.#options = options
    this.#translate = translate
  }

  /** What to add to a request's input so that it can be measured. */
  get measured(): { ReturnConsumedCapacity?: 'TOTAL' } {
    return this.#options.onCapacity === undefined ? {} : { ReturnConsumedCapacity: 'TOTAL' }
  }

  /** Sends one request. */
  async send<Output extends object>(
    operation: string,
    request: (limits: { abortSignal?: AbortSignal }) => Promise<Output>,
  ): Promise<Output> {
    const output = await request(this.#limits()).catch((error: unknown) => {
      const attempts = attemptsOf(error)
      this.#noteRetry({ operation, attempts, repetitions: attempts - 1, error })
      throw this.#translate(error, operation)
    })
    const attempts = attemptsOf(output)
    this.#noteRetry({ operation, attempts, repetitions: attempts - 1 })
    this.#report(operation, output, attempts)
    return output
  }

  /** Repeats a request that says what it could not do yet, until it can or the attempts are used up. */
  async untilDone(operation: string, send: () => Promise<Error | undefined>): Promise<void> {
    const { tableName, remainingMs, pause = delay } = this.#options
    for (let attempt = 1; ; attempt++) {
      const obstacle = await send()
      if (obstacle === undefined) return
      const milliseconds = Math.random() * FIRST_PAUSE_MS * 2 ** attempt
      const isTooLate = remainingMs !== undefined && remainingMs() - DEADLINE_MARGIN_MS <= milliseconds
      if (attempt === ATTEMPTS || isTooLate) throw new TableRequestError(operation, tableName, true, obstacle)
      this.#noteRetry({ operation, attempts: attempt + 1, repetitions: 1 })
      await pause(milliseconds)
    }
  }

  #noteRetry(retry: Retry): void {
    if (retry.repetitions < 1) return
    this.retryCount += retry.repetitions
    this.#options.onRetry?.(retry)
  }

  #limits(): { abortSignal?: AbortSignal } {
    const { remainingMs } = this.#options
    if (remainingMs === undefined) return {}
    return { abortSignal: AbortSignal.timeout(Math.max(0, remainingMs() - DEADLINE_MARGIN_MS)) }
  }

  #report(operation: string, output: object, attempts: number): void {
    const { onCapacity } = this.#options
    if (onCapacity === undefined || !('ConsumedCapacity' in output)) return
    const consumed = [output.ConsumedCapacity].flat() as readonly (ConsumedCapacity | undefined)[]
    const units = consumed.reduce((sum, each) => sum + (each?.CapacityUnits ?? 0), 0)
    const isRead = operation === 'Query' || operation.includes('Get')
    onCapacity({ operation, readUnits: isRead ? units : 0, writeUnits: isRead ? 0 : units, attempts })
  }
}

/** How often the AWS SDK sent a request, as its output or its error tells. */
function attemptsOf(result: unknown): number {
  if (typeof result !== 'object' || result === null || !('$metadata' in result)) return 1
  const metadata = result.$metadata
  if (typeof metadata !== 'object' || metadata === null || !('attempts' in metadata)) return 1
  return typeof metadata.attempts === 'number' ? metadata.attempts : 1
}
