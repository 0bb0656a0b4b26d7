/** What a table really holds: its items, and all of their text. */

import { paginateQuery, paginateScan } from '@aws-sdk/lib-dynamodb'
import type { TestTable } from './table.ts'

/** An item as the document client reads it. */
export type StoredItem = Readonly<Record<string, unknown>> & { readonly pk: string; readonly sk: string }

/** Every item of a session, in the order of the sort keys. */
export async function itemsOfSession(
  { documentClient: client, tableName: TableName }: Pick<TestTable, 'documentClient' | 'tableName'>,
  sessionId: string,
  tenantId?: string,
): Promise<StoredItem[]> {
  const pk = `${tenantId === undefined ? '' : `tenant#${tenantId}#`}session#${sessionId}`
  const range = { KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': pk }, ConsistentRead: true }
  const items: Record<string, unknown>[] = []
  for await (const page of paginateQuery({ client }, { TableName, ...range })) items.push(...(page.Items ?? []))
  return items.map(storedItem)
}

/** Every item of the table, whatever it belongs to. */
export async function itemsOfTable({ documentClient: client, tableName: TableName }: TestTable): Promise<StoredItem[]> {
  const items: Record<string, unknown>[] = []
  for await (const page of paginateScan({ client }, { TableName, ConsistentRead: true })) {
    items.push(...(page.Items ?? []))
  }
  return items.map(storedItem)
}

/** All text of items, keys included. Parts of one value are joined, so that nothing hides on the seam of two. */
export function textOf(items: readonly StoredItem[]): string {
  const texts = items.map((item) =>
    item['data'] instanceof Uint8Array ? Buffer.from(item['data']).toString() : `\n${JSON.stringify(item)}`,
  )
  return texts.join('')
}

/** The stored messages of an agent: role and first text of each row, in the order of the log. */
export function messagesIn(items: readonly StoredItem[], agentId = 'agent'): string[] {
  const row = new RegExp(`^agent#${agentId}#msg#\\d{10}$`)
  return items.filter(({ sk }) => row.test(sk)).map(({ data }) => summaryOf(JSON.parse(String(data))))
}

/** A message in one line: its role, and each content block as its text or the name of its kind. */
export function summaryOf(message: unknown): string {
  const { role, content } = message as { role: string; content: readonly Record<string, unknown>[] }
  const blocks = content.map((block) => block['text'] ?? Object.keys(block)[0])
  return `${role}: ${blocks.join(' + ')}`
}

function storedItem(item: Record<string, unknown>): StoredItem {
  return { ...item, pk: String(item['pk']), sk: String(item['sk']) }
}

/** The value of an item: its own, or the one that its parts among the items make up. */
export function itemText(item: StoredItem, items: readonly StoredItem[]): string {
  if (typeof item['data'] === 'string') return item['data']
  const prefix = `${item.sk}#part#${String(item['digest'])}#`
  const parts = items.flatMap(({ sk, data }) => (sk.startsWith(prefix) && data instanceof Uint8Array ? [data] : []))
  return Buffer.concat(parts).toString()
}
