/** The session table: the only caller of the AWS SDK's data operations. */

import { setTimeout as delay } from 'node:timers/promises'
import type { ConsumedCapacity } from '@aws-sdk/client-dynamodb'
import {
  BatchGetCommand,
  BatchWriteCommand,
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  type TransactWriteCommandInput,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb'
import type { Item } from './attributes.ts'
import { conditionFailed, transactionCancelled, translateError } from './aws-errors.ts'
import { chunksOf, mapConcurrently } from './concurrency.ts'
import { TableRequestError } from './errors.ts'
import { type Condition, conditionInput, keyConditionInput, type QueryRange } from './expressions.ts'
import type { ItemKey } from './keys.ts'
import { ATTRIBUTE } from './schema.ts'

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
  /** DynamoDB operation, such as `PutItem`. */
  readonly operation: string
  /** How often it was sent. */
  readonly attempts: number
  /** Why it failed in the end; absent when it succeeded. */
  readonly error?: unknown
}

/** What became of a conditional write: `found` is the item that stood in its way. */
export type WriteOutcome = { readonly written: true } | { readonly written: false; readonly found: Item | undefined }

/** One page of a query. */
export interface Page {
  readonly items: readonly Item[]
  /** Whether the range may hold more. */
  readonly more: boolean
}

/** Options of a {@link SessionTable}. */
export interface SessionTableOptions {
  readonly client: DynamoDBDocumentClient
  readonly tableName: string
  readonly consistentRead: boolean
  readonly onCapacity?: ((usage: CapacityUsage) => void) | undefined
  readonly onRetry?: ((retry: Retry) => void) | undefined
  /** Time left for this process in milliseconds; requests are aborted before it is over. */
  readonly remainingMs?: (() => number) | undefined
  /** Waits for some milliseconds. @defaultValue the real clock */
  readonly pause?: ((milliseconds: number) => Promise<unknown>) | undefined
}

/** Most items that one `BatchWriteItem` and one `BatchGetItem` take: DynamoDB's limits. */
const BATCH_WRITE_LIMIT = 25
const BATCH_GET_LIMIT = 100

/** Requests of one operation that are under way at once. */
const CONCURRENCY = 8

/**
 * How often a request is sent that the AWS SDK does not repeat by itself: what a batch left unprocessed, and a transaction
 * that met another one. The pauses between are jittered, and double up to the longest.
 */
const ATTEMPTS = 8
const FIRST_PAUSE_MS = 50

/** How long before the process ends a request is aborted, in milliseconds: time to report it. */
const DEADLINE_MARGIN_MS = 200

/** One table of sessions. Each method is one domain-free operation; AWS errors leave it as this package's own. */
export class SessionTable {
  readonly tableName: string
  readonly #client: DynamoDBDocumentClient
  readonly #consistentRead: boolean
  readonly #onCapacity: ((usage: CapacityUsage) => void) | undefined
  readonly #onRetry: ((retry: Retry) => void) | undefined
  readonly #remainingMs: (() => number) | undefined
  readonly #pause: (milliseconds: number) => Promise<unknown>

  constructor(options: SessionTableOptions) {
    this.tableName = options.tableName
    this.#client = options.client
    this.#consistentRead = options.consistentRead
    this.#onCapacity = options.onCapacity
    this.#onRetry = options.onRetry
    this.#remainingMs = options.remainingMs
    this.#pause = options.pause ?? delay
  }

  /** Reads one item. */
  async get(key: ItemKey): Promise<Item | undefined> {
    const input = { TableName: this.tableName, Key: key, ConsistentRead: this.#consistentRead, ...this.#measured }
    const { Item } = await this.#request('GetItem', () => this.#client.send(new GetCommand(input), this.#limits))
    return Item
  }

  /** Reads items by key, in no order. Those that do not exist are absent from the result. */
  async getAll(keys: readonly ItemKey[]): Promise<Item[]> {
    const batches = chunksOf(keys, BATCH_GET_LIMIT)
    const found = await mapConcurrently(batches, CONCURRENCY, (batch) => this.#getBatch(batch))
    return found.flat()
  }

  /** Reads a range, page by page. */
  async *query(range: QueryRange): AsyncGenerator<Page, void, undefined> {
    let start: Record<string, unknown> | undefined = range.startAfter && { ...range.startAfter }
    do {
      const input = {
        TableName: this.tableName,
        ...keyConditionInput(range),
        ConsistentRead: (range.consistent ?? this.#consistentRead) && !range.ofOwner,
        ScanIndexForward: !range.descending,
        ...(range.limit === undefined ? {} : { Limit: range.limit }),
        ...(start === undefined ? {} : { ExclusiveStartKey: start }),
        ...this.#measured,
      }
      const output = await this.#request('Query', () => this.#client.send(new QueryCommand(input), this.#limits))
      start = output.LastEvaluatedKey
      yield { items: output.Items ?? [], more: start !== undefined }
    } while (start !== undefined)
  }

  /** Writes one item, whole. */
  async put(item: Item, condition?: Condition): Promise<WriteOutcome> {
    const input = {
      TableName: this.tableName,
      Item: { ...item },
      ...(condition === undefined ? {} : conditionInput(condition)),
      ...this.#measured,
    }
    const output = await this.#request('PutItem', () =>
      this.#client.send(new PutCommand(input), this.#limits).catch(conditionFailed),
    )
    return 'found' in output ? { written: false, found: output.found } : { written: true }
  }

  /** Deletes one item. */
  async delete(key: ItemKey, condition: Condition): Promise<WriteOutcome> {
    const input = { TableName: this.tableName, Key: key, ...conditionInput(condition), ...this.#measured }
    const output = await this.#request('DeleteItem', () =>
      this.#client.send(new DeleteCommand(input), this.#limits).catch(conditionFailed),
    )
    return 'found' in output ? { written: false, found: output.found } : { written: true }
  }

  /** Writes items that need no condition, several at once. */
  async putAll(items: readonly Item[]): Promise<void> {
    await mapConcurrently(items, CONCURRENCY, (item) => this.put(item))
  }

  /** Sets attributes of one item, which is created when it is absent and the condition allows it. */
  async update(key: ItemKey, expression: string, condition: Condition): Promise<WriteOutcome> {
    const input = { ...this.#updateInput(key, expression, condition), ...this.#measured }
    const output = await this.#request('UpdateItem', () =>
      this.#client.send(new UpdateCommand(input), this.#limits).catch(conditionFailed),
    )
    return 'found' in output ? { written: false, found: output.found } : { written: true }
  }

  /** Updates one item and writes or deletes others, all or nothing. Costs twice what the writes cost by themselves. */
  async transact(
    update: { readonly key: ItemKey; readonly expression: string; readonly condition: Condition },
    puts: readonly { readonly item: Item; readonly condition?: Condition }[],
    deletes: readonly ItemKey[] = [],
  ): Promise<{ written: true } | { written: false; key: ItemKey; found: Item | undefined }> {
    const input: TransactWriteCommandInput = {
      TransactItems: [
        { Update: this.#updateInput(update.key, update.expression, update.condition) },
        ...puts.map(({ item, condition }) => ({
          Put: {
            TableName: this.tableName,
            Item: { ...item },
            ...(condition === undefined ? {} : conditionInput(condition)),
          },
        })),
        ...deletes.map((key) => ({ Delete: { TableName: this.tableName, Key: { ...key } } })),
      ],
      ...this.#measured,
    }
    let refused: { failed: number; found: Item | undefined } | undefined
    await this.#untilDone('TransactWriteItems', async () => {
      const output = await this.#request('TransactWriteItems', () =>
        this.#client.send(new TransactWriteCommand(input), this.#limits).catch(transactionCancelled),
      )
      if ('failed' in output) refused = output
      return 'obstacle' in output ? output.obstacle : undefined
    })
    if (refused === undefined) return { written: true }
    return { written: false, key: keyOf(puts[refused.failed - 1]?.item) ?? update.key, found: refused.found }
  }

  /** Deletes items by key, several batches at once, and calls back after each batch. */
  async deleteAll(keys: readonly ItemKey[], onDeleted?: (count: number) => void): Promise<void> {
    await mapConcurrently(chunksOf(keys, BATCH_WRITE_LIMIT), CONCURRENCY, async (batch) => {
      let requests = batch.map((key) => ({ DeleteRequest: { Key: { ...key } } }))
      await this.#untilDone('BatchWriteItem', async () => {
        const input = { RequestItems: { [this.tableName]: requests }, ...this.#measured }
        const output = await this.#request('BatchWriteItem', () =>
          this.#client.send(new BatchWriteCommand(input), this.#limits),
        )
        requests = (output.UnprocessedItems?.[this.tableName] ?? []).flatMap(({ DeleteRequest }) => {
          const key = keyOf(DeleteRequest?.Key)
          return key === undefined ? [] : [{ DeleteRequest: { Key: { ...key } } }]
        })
        return unprocessed(requests)
      })
      onDeleted?.(batch.length)
    })
  }

  async #getBatch(keys: readonly ItemKey[]): Promise<Item[]> {
    const items: Item[] = []
    let left: Record<string, unknown>[] = keys.map((key) => ({ ...key }))
    await this.#untilDone('BatchGetItem', async () => {
      const input = {
        RequestItems: { [this.tableName]: { Keys: left, ConsistentRead: this.#consistentRead } },
        ...this.#measured,
      }
      const output = await this.#request('BatchGetItem', () =>
        this.#client.send(new BatchGetCommand(input), this.#limits),
      )
      items.push(...(output.Responses?.[this.tableName] ?? []))
      left = output.UnprocessedKeys?.[this.tableName]?.Keys ?? []
      return unprocessed(left)
    })
    return items
  }

  /** Repeats a request that says what it could not do yet, until it can or the attempts are used up. */
  async #untilDone(operation: string, send: () => Promise<Error | undefined>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const obstacle = await send()
      if (obstacle === undefined) return
      if (attempt === ATTEMPTS) throw new TableRequestError(operation, this.tableName, true, obstacle)
      this.#onRetry?.({ operation, attempts: attempt + 1 })
      await this.#pause(Math.random() * FIRST_PAUSE_MS * 2 ** attempt)
    }
  }

  #updateInput(key: ItemKey, expression: string, condition: Condition) {
    return {
      TableName: this.tableName,
      Key: key,
      UpdateExpression: expression,
      ...conditionInput(condition),
    }
  }

  get #measured(): { ReturnConsumedCapacity?: 'TOTAL' } {
    return this.#onCapacity === undefined ? {} : { ReturnConsumedCapacity: 'TOTAL' }
  }

  async #request<Output extends object>(operation: string, send: () => Promise<Output>): Promise<Output> {
    const output = await send().catch((error: unknown) => {
      const attempts = attemptsOf(error)
      if (attempts > 1) this.#onRetry?.({ operation, attempts, error })
      throw translateError(error, operation, this.tableName)
    })
    const attempts = attemptsOf(output)
    if (attempts > 1) this.#onRetry?.({ operation, attempts })
    this.#report(operation, output, attempts)
    return output
  }

  #report(operation: string, output: object, attempts: number): void {
    if (this.#onCapacity === undefined || !('ConsumedCapacity' in output)) return
    const consumed = [output.ConsumedCapacity].flat() as readonly (ConsumedCapacity | undefined)[]
    const units = consumed.reduce((sum, each) => sum + (each?.CapacityUnits ?? 0), 0)
    const isRead = operation === 'Query' || operation.includes('Get')
    this.#onCapacity({ operation, readUnits: isRead ? units : 0, writeUnits: isRead ? 0 : units, attempts })
  }

  get #limits(): { abortSignal?: AbortSignal } {
    if (this.#remainingMs === undefined) return {}
    return { abortSignal: AbortSignal.timeout(Math.max(0, this.#remainingMs() - DEADLINE_MARGIN_MS)) }
  }
}

function keyOf(item: Item | undefined): ItemKey | undefined {
  return item === undefined
    ? undefined
    : { pk: String(item[ATTRIBUTE.partitionKey]), sk: String(item[ATTRIBUTE.sortKey]) }
}

function unprocessed(left: readonly unknown[]): Error | undefined {
  return left.length === 0 ? undefined : new Error(`${left.length} items were left unprocessed`)
}

/** How often the AWS SDK sent a request, as its output or its error tells. */
function attemptsOf(result: unknown): number {
  if (typeof result !== 'object' || result === null || !('$metadata' in result)) return 1
  const metadata = result.$metadata
  if (typeof metadata !== 'object' || metadata === null || !('attempts' in metadata)) return 1
  return typeof metadata.attempts === 'number' ? metadata.attempts : 1
}
