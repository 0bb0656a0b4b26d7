/** Items as DynamoDB itself holds them, so that a test can put anything at all into a session, and put it right again. */

import { isDeepStrictEqual } from 'node:util'
import { type AttributeValue, DeleteItemCommand, PutItemCommand, paginateQuery } from '@aws-sdk/client-dynamodb'
import type { TestTable } from './table.ts'

/** An item in DynamoDB's own notation. */
export type RawItem = Readonly<Record<string, AttributeValue>>

/** One session's items, and what they were at first. */
export interface RawItems {
  /** Every item, as it was, by sort key. */
  readonly intact: ReadonlyMap<string, RawItem>
  /** Every item, as it is now. */
  readonly read: () => Promise<Map<string, RawItem>>
  /** Writes an item under its own key. Returns false for one that no table takes. */
  readonly put: (item: RawItem) => Promise<boolean>
  readonly delete: (sk: string) => Promise<void>
  /** Makes every item what it was at first. */
  readonly reset: () => Promise<void>
}

/** Takes note of a session's items. */
export async function rawItemsOf({ client, tableName: TableName }: TestTable, pk: string): Promise<RawItems> {
  const read = async (): Promise<Map<string, RawItem>> => {
    const items = new Map<string, RawItem>()
    const range = { KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': { S: pk } } }
    for await (const page of paginateQuery({ client }, { TableName, ...range, ConsistentRead: true })) {
      for (const item of page.Items ?? []) items.set(sortKeyOf(item), item)
    }
    return items
  }
  const put = async (Item: RawItem): Promise<boolean> => {
    try {
      await client.send(new PutItemCommand({ TableName, Item }))
      return true
    } catch (error) {
      if (error instanceof Error && error.name === 'ValidationException') return false
      throw error
    }
  }
  const remove = async (sk: string): Promise<void> => {
    await client.send(new DeleteItemCommand({ TableName, Key: { pk: { S: pk }, sk: { S: sk } } }))
  }
  const intact = await read()
  const reset = async (): Promise<void> => {
    const current = await read()
    const stray = [...current.keys()].filter((sk) => !intact.has(sk))
    const changed = [...intact].filter(([sk, item]) => !isDeepStrictEqual(item, current.get(sk)))
    await Promise.all([...stray.map(remove), ...changed.map(([, item]) => put(item))])
  }
  return { intact, read, put, delete: remove, reset }
}

/** Sort key of an item. */
export function sortKeyOf(item: RawItem): string {
  return item['sk']?.S ?? ''
}
