/** The session table: the only caller of the AWS SDK's data operations. */

import { setTimeout as delay } from 'node:timers/promises'
import type { ConsumedCapacity } from '@aws-sdk/client-dynamodb'
import {
  BatchGetCommand,
  BatchWriteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  type TransactWriteCommandInput,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb'
import { conditionFailed, transactionCancelled, translateError } from './aws-errors.ts'
import { chunksOf, mapConcurrently } from './concurrency.ts'
import { TableRequestError } from './errors.ts'
import { type Condition, conditionInput, keyConditionInput, type QueryRange } from './expressions.ts'
import type { Item } from './items.ts'
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

/** What became of a conditional write: `found` is the item that stood in its way. */
export type WriteOutcome =
  | { readonly written: true; readonly replaced?: Item | undefined }
  | { readonly written: false; readonly found: Item | undefined }

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
}

/** Most items that one `BatchWriteItem` and one `BatchGetItem` take: DynamoDB's limits. */
const BATCH_WRITE_LIMIT = 25
const BATCH_GET_LIMIT = 100

/** Requests of one operation that are under way at once. */
const CONCURRENCY = 8

/** How often what a batch left unprocessed is sent again, with a jittered pause that doubles from this one. */
const BATCH_ATTEMPTS = 8
const BATCH_PAUSE_MS = 50

/** One table of sessions. Each method is one domain-free operation; AWS errors leave it as this package's own. */
export class SessionTable {
  readonly tableName: string
  readonly #client: DynamoDBDocumentClient
  readonly #consistentRead: boolean
  readonly #onCapacity: ((usage: CapacityUsage) => void) | undefined

  constructor(options: SessionTableOptions) {
    this.tableName = options.tableName
    this.#client = options.client
    this.#consistentRead = options.consistentRead
    this.#onCapacity = options.onCapacity
  }

  /** Reads one item. */
  async get(key: ItemKey): Promise<Item | undefined> {
    const input = { TableName: this.tableName, Key: key, ConsistentRead: this.#consistentRead, ...this.#measured }
    const { Item } = await this.#request('GetItem', () => this.#client.send(new GetCommand(input)))
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
        ConsistentRead: this.#consistentRead && !range.ofOwner,
        ScanIndexForward: !range.descending,
        ...(range.limit === undefined ? {} : { Limit: range.limit }),
        ...(start === undefined ? {} : { ExclusiveStartKey: start }),
        ...this.#measured,
      }
      const output = await this.#request('Query', () => this.#client.send(new QueryCommand(input)))
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
    const output = await this.#request('PutItem', () => this.#client.send(new PutCommand(input)).catch(conditionFailed))
    return 'found' in output ? { written: false, found: output.found } : { written: true }
  }

  /** Writes one item over another, and returns the one that was there. */
  async replace(item: Item, condition: Condition): Promise<WriteOutcome> {
    const input = {
      TableName: this.tableName,
      Item: { ...item },
      ...conditionInput(condition),
      ReturnValues: 'ALL_OLD' as const,
      ...this.#measured,
    }
    const output = await this.#request('PutItem', () => this.#client.send(new PutCommand(input)).catch(conditionFailed))
    return 'found' in output
      ? { written: false, found: output.found }
      : { written: true, replaced: output.Attributes }
  }

  /** Writes items that need no condition, several at once. */
  async putAll(items: readonly Item[]): Promise<void> {
    await mapConcurrently(items, CONCURRENCY, (item) => this.put(item))
  }

  /** Sets attributes of one item, which is created when it is absent and the condition allows it. */
  async update(key: ItemKey, expression: string, condition: Condition): Promise<WriteOutcome> {
    const input = { ...this.#updateInput(key, expression, condition), ...this.#measured }
    const output = await this.#request('UpdateItem', () =>
      this.#client.send(new UpdateCommand(input)).catch(conditionFailed),
    )
    return 'found' in output ? { written: false, found: output.found } : { written: true }
  }

  /** Updates one item and writes others, all or nothing. Costs twice what the writes cost by themselves. */
  async transact(
    update: { readonly key: ItemKey; readonly expression: string; readonly condition: Condition },
    puts: readonly { readonly item: Item; readonly condition?: Condition }[],
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
      ],
      ...this.#measured,
    }
    const output = await this.#request('TransactWriteItems', () =>
      this.#client.send(new TransactWriteCommand(input)).catch(transactionCancelled),
    )
    if (!('failed' in output)) return { written: true }
    const key = keyOf(puts[output.failed - 1]?.item) ?? update.key
    return { written: false, key, found: output.found }
  }

  /** Deletes items by key, several batches at once, and calls back after each batch. */
  async deleteAll(keys: readonly ItemKey[], onDeleted?: (count: number) => void): Promise<void> {
    await mapConcurrently(chunksOf(keys, BATCH_WRITE_LIMIT), CONCURRENCY, async (batch) => {
      let requests = batch.map((key) => ({ DeleteRequest: { Key: { ...key } } }))
      await this.#untilProcessed('BatchWriteItem', async () => {
        const input = { RequestItems: { [this.tableName]: requests }, ...this.#measured }
        const output = await this.#request('BatchWriteItem', () => this.#client.send(new BatchWriteCommand(input)))
        requests = (output.UnprocessedItems?.[this.tableName] ?? []).flatMap(({ DeleteRequest }) => {
          const key = keyOf(DeleteRequest?.Key)
          return key === undefined ? [] : [{ DeleteRequest: { Key: { ...key } } }]
        })
        return requests.length
      })
      onDeleted?.(batch.length)
    })
  }

  async #getBatch(keys: readonly ItemKey[]): Promise<Item[]> {
    const items: Item[] = []
    let left: Record<string, unknown>[] = keys.map((key) => ({ ...key }))
    await this.#untilProcessed('BatchGetItem', async () => {
      const input = {
        RequestItems: { [this.tableName]: { Keys: left, ConsistentRead: this.#consistentRead } },
        ...this.#measured,
      }
      const output = await this.#request('BatchGetItem', () => this.#client.send(new BatchGetCommand(input)))
      items.push(...(output.Responses?.[this.tableName] ?? []))
      left = output.UnprocessedKeys?.[this.tableName]?.Keys ?? []
      return left.length
    })
    return items
  }

  /** Sends a batch until nothing is left of it. DynamoDB leaves items unprocessed when it throttles. */
  async #untilProcessed(operation: string, send: () => Promise<number>): Promise<void> {
    for (let attempt = 0; attempt < BATCH_ATTEMPTS; attempt++) {
      if ((await send()) === 0) return
      await delay(Math.random() * BATCH_PAUSE_MS * 2 ** attempt)
    }
    const cause = new Error(`items were still unprocessed after ${BATCH_ATTEMPTS} attempts`)
    throw new TableRequestError(operation, this.tableName, true, cause)
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
    try {
      const output = await send()
      this.#report(operation, output)
      return output
    } catch (error) {
      throw translateError(error, operation, this.tableName)
    }
  }

  #report(operation: string, output: object): void {
    if (this.#onCapacity === undefined || !('ConsumedCapacity' in output)) return
    const consumed = [output.ConsumedCapacity].flat() as readonly (ConsumedCapacity | undefined)[]
    const units = consumed.reduce((sum, each) => sum + (each?.CapacityUnits ?? 0), 0)
    const isRead = operation === 'Query' || operation.includes('Get')
    const metadata = '$metadata' in output ? (output.$metadata as { attempts?: number }) : {}
    this.#onCapacity({
      operation,
      readUnits: isRead ? units : 0,
      writeUnits: isRead ? 0 : units,
      attempts: metadata.attempts ?? 1,
    })
  }
}

function keyOf(item: Item | undefined): ItemKey | undefined {
  return item === undefined ? undefined : { pk: String(item[ATTRIBUTE.partitionKey]), sk: String(item[ATTRIBUTE.sortKey]) }
}
