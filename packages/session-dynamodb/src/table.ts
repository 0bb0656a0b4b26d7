/** The session table: the only caller of the AWS SDK's data operations. */

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
import { conditionFailed, transactionCancelled } from './aws-errors.ts'
import { chunksOf, mapConcurrently } from './concurrency.ts'
import { type Condition, conditionInput, keyConditionInput, type QueryRange } from './expressions.ts'
import type { ItemKey } from './keys.ts'
import { inSeconds, isPast } from './lifetime.ts'
import { type RequestOptions, Requests } from './requests.ts'
import { ATTRIBUTE } from './schema.ts'

/** What became of a conditional write: `found` is the item that stood in its way. */
export type WriteOutcome = { readonly written: true } | { readonly written: false; readonly found: Item | undefined }

/** One page of a query. */
export interface Page {
  readonly items: readonly Item[]
  /** Whether the range may hold more. */
  readonly more: boolean
}

/** Options of a {@link SessionTable}. */
export interface SessionTableOptions extends RequestOptions {
  readonly client: DynamoDBDocumentClient
  readonly consistentRead: boolean
  /** Current time in milliseconds since the epoch. @defaultValue the real clock */
  readonly now?: (() => number) | undefined
}

/** Most items that one `BatchWriteItem` and one `BatchGetItem` take: DynamoDB's limits. */
const BATCH_WRITE_LIMIT = 25
const BATCH_GET_LIMIT = 100

/** Requests of one operation that are under way at once. */
const CONCURRENCY = 8

/**
 * One table of sessions. Each method is one domain-free operation; AWS errors leave it as this package's own. What is written
 * whole is stamped with its expiry, and what has expired is not there, whether or not DynamoDB has removed it yet.
 */
export class SessionTable {
  readonly tableName: string
  readonly #client: DynamoDBDocumentClient
  readonly #consistentRead: boolean
  readonly #requests: Requests
  readonly #options: SessionTableOptions
  readonly #itemExpiry: () => number | undefined
  readonly #now: () => number

  constructor(
    options: SessionTableOptions,
    itemExpiry: () => number | undefined = () => undefined,
    requests = new Requests(options),
  ) {
    this.tableName = options.tableName
    this.#client = options.client
    this.#consistentRead = options.consistentRead
    this.#requests = requests
    this.#options = options
    this.#itemExpiry = itemExpiry
    this.#now = options.now ?? Date.now
  }

  /** An item as it is stored when it is written now: with its expiry. */
  stamped(item: Item): Record<string, unknown> {
    const expiresAt = this.#itemExpiry()
    return expiresAt === undefined ? { ...item } : { ...item, [ATTRIBUTE.expiresAt]: expiresAt }
  }

  /** How often requests had to be sent again. */
  get retryCount(): number {
    return this.#requests.retryCount
  }

  /**
   * The same table, for items that expire.
   *
   * @param itemExpiry - When an item expires that is written now, in epoch seconds; undefined for never.
   */
  expiring(itemExpiry: () => number | undefined): SessionTable {
    return new SessionTable(this.#options, itemExpiry, this.#requests)
  }

  /**
   * Reads one item.
   *
   * @param consistent - Whether to read strongly consistent. @defaultValue as the table's option says
   */
  async get(key: ItemKey, consistent = this.#consistentRead): Promise<Item | undefined> {
    const input = {
      TableName: this.tableName,
      Key: key,
      ConsistentRead: consistent,
      ...this.#requests.measured,
    }
    const { Item } = await this.#requests.send('GetItem', (limits) => this.#client.send(new GetCommand(input), limits))
    return Item && this.#present([Item])[0]
  }

  /**
   * Reads items by key, in no order. Those that do not exist are absent from the result.
   *
   * @param options - `atOnce`: most keys a request. `consistent`: read strongly consistent, whatever the table's option.
   */
  async getAll(
    keys: readonly ItemKey[],
    { atOnce = BATCH_GET_LIMIT, consistent = this.#consistentRead } = {},
  ): Promise<Item[]> {
    const batches = chunksOf(keys, atOnce)
    const found = await mapConcurrently(batches, CONCURRENCY, (batch) => this.#getBatch(batch, consistent))
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
        ...this.#requests.measured,
      }
      const output = await this.#requests.send('Query', (limits) => this.#client.send(new QueryCommand(input), limits))
      start = output.LastEvaluatedKey
      const items = output.Items ?? []
      yield { items: range.withPast ? items : this.#present(items), more: start !== undefined }
    } while (start !== undefined)
  }

  /** Writes one item, whole. */
  async put(item: Item, condition?: Condition): Promise<WriteOutcome> {
    const input = {
      TableName: this.tableName,
      Item: this.stamped(item),
      ...(condition === undefined ? {} : conditionInput(condition)),
      ...this.#requests.measured,
    }
    const output = await this.#requests.send('PutItem', (limits) =>
      this.#client.send(new PutCommand(input), limits).catch(conditionFailed),
    )
    return 'found' in output ? { written: false, found: output.found } : { written: true }
  }

  /** Deletes one item. */
  async delete(key: ItemKey, condition: Condition): Promise<WriteOutcome> {
    const input = { TableName: this.tableName, Key: key, ...conditionInput(condition), ...this.#requests.measured }
    const output = await this.#requests.send('DeleteItem', (limits) =>
      this.#client.send(new DeleteCommand(input), limits).catch(conditionFailed),
    )
    return 'found' in output ? { written: false, found: output.found } : { written: true }
  }

  /** Writes items that need no condition, several at once. */
  async putAll(items: readonly Item[]): Promise<void> {
    await mapConcurrently(items, CONCURRENCY, (item) => this.put(item))
  }

  /** Sets attributes of one item, which is created when it is absent and the condition allows it. */
  async update(key: ItemKey, expression: string, condition: Condition): Promise<WriteOutcome> {
    const input = { ...this.#updateInput(key, expression, condition), ...this.#requests.measured }
    const output = await this.#requests.send('UpdateItem', (limits) =>
      this.#client.send(new UpdateCommand(input), limits).catch(conditionFailed),
    )
    return 'found' in output ? { written: false, found: output.found } : { written: true }
  }

  /**
   * Updates one item, or only checks it, and writes or deletes others, all or nothing. Costs twice what the writes cost by
   * themselves.
   */
  async transact(
    update: { readonly key: ItemKey; readonly expression?: string; readonly condition: Condition },
    puts: readonly { readonly item: Item; readonly condition?: Condition }[],
    deletes: readonly ItemKey[] = [],
  ): Promise<{ written: true } | { written: false; key: ItemKey; found: Item | undefined }> {
    const input: TransactWriteCommandInput = {
      TransactItems: [
        update.expression === undefined
          ? {
              ConditionCheck: {
                TableName: this.tableName,
                Key: { ...update.key },
                ...conditionInput(update.condition),
              },
            }
          : { Update: this.#updateInput(update.key, update.expression, update.condition) },
        ...puts.map(({ item, condition }) => ({
          Put: {
            TableName: this.tableName,
            Item: this.stamped(item),
            ...(condition === undefined ? {} : conditionInput(condition)),
          },
        })),
        ...deletes.map((key) => ({ Delete: { TableName: this.tableName, Key: { ...key } } })),
      ],
      ...this.#requests.measured,
    }
    let refused: { failed: number; found: Item | undefined } | undefined
    await this.#requests.untilDone('TransactWriteItems', async () => {
      const output = await this.#requests.send('TransactWriteItems', (limits) =>
        this.#client.send(new TransactWriteCommand(input), limits).catch(transactionCancelled),
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
      await this.#requests.untilDone('BatchWriteItem', async () => {
        const input = { RequestItems: { [this.tableName]: requests }, ...this.#requests.measured }
        const output = await this.#requests.send('BatchWriteItem', (limits) =>
          this.#client.send(new BatchWriteCommand(input), limits),
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

  async #getBatch(keys: readonly ItemKey[], consistent: boolean): Promise<Item[]> {
    const items: Item[] = []
    let left: Record<string, unknown>[] = keys.map((key) => ({ ...key }))
    await this.#requests.untilDone('BatchGetItem', async () => {
      const input = {
        RequestItems: { [this.tableName]: { Keys: left, ConsistentRead: consistent } },
        ...this.#requests.measured,
      }
      const output = await this.#requests.send('BatchGetItem', (limits) =>
        this.#client.send(new BatchGetCommand(input), limits),
      )
      items.push(...this.#present(output.Responses?.[this.tableName] ?? []))
      left = output.UnprocessedKeys?.[this.tableName]?.Keys ?? []
      return unprocessed(left)
    })
    return items
  }

  #present(items: readonly Item[]): Item[] {
    const at = inSeconds(this.#now())
    return items.filter((item) => !isPast(item, at))
  }

  #updateInput(key: ItemKey, expression: string, condition: Condition) {
    return {
      TableName: this.tableName,
      Key: key,
      UpdateExpression: expression,
      ...conditionInput(condition),
    }
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
