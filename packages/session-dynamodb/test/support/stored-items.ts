/** What a table really holds: its items, and all of their text. */

import { brotliDecompressSync, constants } from 'node:zlib'
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

/**
 * All text of items: their attributes, and every value decoded and put together from its parts and chunks, so that nothing
 * hides behind an encoding or on the seam of two. What no item names, such as parts that a crash has left, is decoded as far
 * as that is possible.
 *
 * @throws Error for a value that cannot be decoded: nobody can say what is in it.
 */
export function textOf(items: readonly StoredItem[]): string {
  const attributes = items.map((item) =>
    JSON.stringify(item, (_, value) => (value instanceof Uint8Array ? null : value)),
  )
  const values = [...Map.groupBy(items, ({ pk }) => pk).values()].flatMap((session) => {
    const owners = session.filter(({ enc }) => enc !== undefined)
    return [...owners.map((item) => itemText(item, session)), ...unnamedTexts(session, owners)]
  })
  return [...attributes, ...values].join('\n')
}

/** Texts of bytes that belong to none of the values. */
function unnamedTexts(items: readonly StoredItem[], owners: readonly StoredItem[]): string[] {
  const named = new Set(owners.map(({ sk, digest }) => `${sk}#part#${String(digest)}`))
  const slices = new Map<string, Uint8Array[]>()
  for (const { sk, enc, data } of items) {
    const value = sk.replace(/#\d{4}$/, '')
    if (enc !== undefined || named.has(value) || !(data instanceof Uint8Array)) continue
    slices.set(value, [...(slices.get(value) ?? []), data])
  }
  const values = [...slices.values()].map((each) => Buffer.concat(each))
  return [...values.map(String), ...values.map(beginningOf)]
}

/** The stored messages of an agent: role and first text of each row, in the order of the log. */
export function messagesIn(items: readonly StoredItem[], agentId = 'agent'): string[] {
  const row = new RegExp(`^agent#${agentId}#msg#\\d{10}$`)
  return items.filter(({ sk }) => row.test(sk)).map((item) => summaryOf(JSON.parse(itemText(item, items))))
}

/** A message in one line: its role, and each content block as its text or the name of its kind. */
export function summaryOf(message: unknown): string {
  const { role, content } = message as { role: string; content: readonly Record<string, unknown>[] }
  const blocks = content.map((block) => block['text'] ?? Object.keys(block)[0])
  return `${role}: ${blocks.join(' + ')}`
}

/** An item that a query returned. */
export function storedItem(item: Record<string, unknown>): StoredItem {
  return { ...item, pk: String(item['pk']), sk: String(item['sk']) }
}

/** The value of an item: its own, or what its parts and its chunks among the items make up. */
export function itemText(item: StoredItem, items: readonly StoredItem[]): string {
  return rawText(item, items).replace(/\n([\w-]{20})\n/g, (_, digest: string) => {
    const chunk = items.find(({ sk }) => sk.includes('#chunk#') && sk.endsWith(`#${digest}`))
    return chunk === undefined ? '' : itemText(chunk, items)
  })
}

function rawText(item: StoredItem, items: readonly StoredItem[]): string {
  if (typeof item['data'] === 'string') return item['data']
  if (item['data'] instanceof Uint8Array) return decoded(item, item['data'])
  if (item['object'] !== undefined) throw new Error(`The value of ${item.sk} is an object that is not at hand`)
  const prefix = `${item.sk}#part#${String(item['digest'])}#`
  const parts = items.flatMap(({ sk, data }) => (sk.startsWith(prefix) && data instanceof Uint8Array ? [data] : []))
  return decoded(item, Buffer.concat(parts))
}

function decoded(item: StoredItem, bytes: Uint8Array): string {
  return (item['enc'] === 'br' ? brotliDecompressSync(bytes) : Buffer.from(bytes)).toString()
}

/** What can be made of bytes that may be compressed, and may not be all. */
function beginningOf(bytes: Uint8Array): string {
  try {
    return brotliDecompressSync(bytes, { finishFlush: constants.BROTLI_OPERATION_FLUSH }).toString()
  } catch {
    return ''
  }
}
