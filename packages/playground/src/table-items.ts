/** Lists the items of a session table, as a look into the console would show them. */

import { type AttributeValue, type DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb'
import { ATTRIBUTE } from 'strands-session-dynamodb/schema'

/** One item of the table. */
export interface ItemFacts {
  readonly partitionKey: string
  readonly sortKey: string
  /** What the item is, for people. */
  readonly what: string
  /** Size as DynamoDB counts it: attribute names and values, in bytes. */
  readonly bytes: number
}

/** What a sort key says about its item; the first that matches. */
const KINDS = [
  { pattern: /#part#/, what: () => 'a piece of a value that is too large for one item' },
  { pattern: /^session$/, what: () => 'the session' },
  {
    pattern: /#msg#(\d+)$/,
    what: (seq: string, content: string) => `message ${Number(seq)}${content && `: ${content}`}`,
  },
  { pattern: /#msg#head$/, what: () => 'the window: what the model sees' },
  { pattern: /#msg#state$/, what: () => 'the rest of the agent: state, system prompt' },
  { pattern: /#snapshot#(.+)$/, what: (id: string) => `snapshot ${id}` },
] as const

/** All items of the table, in the order of their keys. */
export async function listItems(client: DynamoDBClient, tableName: string): Promise<ItemFacts[]> {
  const items: ItemFacts[] = []
  for await (const page of paginateScan({ client }, { TableName: tableName, ConsistentRead: true })) {
    for (const item of page.Items ?? []) items.push(factsOf(item))
  }
  return items.sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1))
}

/** What the item with this sort key is; for a message, with what it holds. */
export function describeItem(sortKey: string, content = ''): string {
  for (const { pattern, what } of KINDS) {
    const match = pattern.exec(sortKey)
    if (match !== null) return what(match[1] ?? '', content)
  }
  return sortKey
}

/** Size of an attribute value by DynamoDB's published rules, in bytes; numbers approximately. */
export function sizeOf(value: AttributeValue): number {
  if (value.S !== undefined) return Buffer.byteLength(value.S)
  if (value.B !== undefined) return value.B.byteLength
  if (value.N !== undefined) return Math.ceil(value.N.replace(/[-.]/g, '').length / 2) + 1
  // Lists and maps: three bytes each, and one for each entry.
  if (value.L !== undefined) return 3 + value.L.reduce((sum, entry) => sum + 1 + sizeOf(entry), 0)
  if (value.M !== undefined) return 3 + sizeOfAttributes(value.M) + Object.keys(value.M).length
  if (value.SS !== undefined) return value.SS.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  return 1
}

function factsOf(item: Record<string, AttributeValue>): ItemFacts {
  const partitionKey = item[ATTRIBUTE.partitionKey]?.S ?? ''
  const sortKey = item[ATTRIBUTE.sortKey]?.S ?? ''
  return { partitionKey, sortKey, what: describeItem(sortKey, contentOf(item)), bytes: sizeOfAttributes(item) }
}

/** What a message's item holds; an item that is compressed tells its role only. */
function contentOf(item: Record<string, AttributeValue>): string | undefined {
  const texts = Object.values(item).flatMap(({ S }) => S ?? [])
  if (texts.some((text) => text.includes('{"toolResult":'))) return 'tool result'
  if (texts.some((text) => text.includes('{"toolUse":'))) return 'tool use'
  return item.role?.S
}

function sizeOfAttributes(attributes: Record<string, AttributeValue>): number {
  return Object.entries(attributes).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + sizeOf(value), 0)
}

/** Orders by partition, then by sort key. */
function keyOf(item: ItemFacts): string {
  return `${item.partitionKey}\u0000${item.sortKey}`
}
