/** Items and writes of one agent's log, spelled out as they are in the table: session `s`, agent `a`, table `sessions`. */

import { createHash } from 'node:crypto'
import type { Snapshot, SnapshotLocation } from '@strands-agents/sdk'
import type { SentCommand } from './mocked-client.ts'

export const TableName = 'sessions'
export const LOCATION: SnapshotLocation = { sessionId: 's', scope: 'agent', scopeId: 'a' }
export const pk = 'session#s'

/** The time at which tests begin: 2026-01-01T00:00:00Z in milliseconds, in seconds, and as an incarnation. */
export const START = 1_767_225_600_000
export const START_SECONDS = 1_767_225_600
export const INCARNATION = '0mjuohs00'
/** The writer that tests are, and another one of the same life of the session. */
export const WRITER = '0mjuohs00-me'
export const ANOTHER = '0mjuohs00-another'

/**
 * A message; its tracking id is the first letter of its text. One that begins with a capital letter is the assistant's,
 * with which a turn ends.
 */
export function message(text: string) {
  return { role: roleOf(text), content: [{ text }], trackingId: text.slice(0, 1) }
}

function roleOf(text: string): string {
  return /^[A-Z]/.test(text) ? 'assistant' : 'user'
}

/** A snapshot with some messages, created at `at <the last of them>`. */
export function snapshotOf(texts: readonly string[], data: Snapshot['data'] = { state: {} }): Snapshot {
  return {
    scope: 'agent',
    schemaVersion: '1.0',
    createdAt: `at ${texts.at(-1)}`,
    data: { ...data, messages: texts.map(message) },
    appData: {},
  }
}

/** What {@link snapshotOf} holds beside its messages. */
export function stateText(data: Snapshot['data'] = { state: {} }): string {
  return `{"scope":"agent","schemaVersion":"1.0","appData":{},"data":${JSON.stringify(data)}}`
}

/**
 * An item with its checksum, as it is in the table: 72 bits of SHA-256, in base64url, over the JSON of all attributes but
 * `sum` and `expiresAt` in the order of their names, bytes in base64. Worked out here once more, not by the library.
 */
export function sealed<T extends object>(item: T): T & { readonly sum: string } {
  const covered: unknown[] = []
  for (const name of Object.keys(item).sort()) {
    const value: unknown = Reflect.get(item, name)
    if (name === 'sum' || name === 'expiresAt') continue
    covered.push([name, value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value])
  }
  const hash = createHash('sha256').update(JSON.stringify(covered), 'utf8').digest()
  return { ...item, sum: hash.subarray(0, 9).toString('base64url') }
}

/** An item without one of its attributes, with the checksum of what is left. */
export function without<T extends object, K extends keyof T>(item: T, name: K): Omit<T, K> & { readonly sum: string } {
  const { [name]: _, ...rest } = item
  return sealed(rest)
}

/** A slice of a value that does not fit its item. */
export function part(ownerSk: string, digest: string, index: number, data: Uint8Array) {
  return sealed({ pk, sk: `${ownerSk}#part#${digest}#000${index}`, v: 1, data })
}

/** A message's row. */
export function row(seq: number, text: string, more: object = {}) {
  return sealed({
    pk,
    sk: `agent#a#msg#${String(seq).padStart(10, '0')}`,
    v: 1,
    enc: 'json',
    data: JSON.stringify(message(text)),
    role: roleOf(text),
    createdAt: `at ${text}`,
    writer: WRITER,
    ...more,
  })
}

/** The head: by default the first version, of an empty window. */
export function head(more: object = {}) {
  return sealed({
    pk,
    sk: 'agent#a#msg#head',
    v: 1,
    version: 1,
    incarnation: INCARNATION,
    writer: WRITER,
    window: '',
    last: 0,
    settled: 0,
    stateVersion: 1,
    createdAt: 'at start',
    touchedAt: START_SECONDS,
    ...more,
  })
}

/** The state: by default the first version. */
export function state(more: object = {}) {
  return sealed({
    pk,
    sk: 'agent#a#msg#state',
    v: 1,
    version: 1,
    writer: WRITER,
    last: 0,
    createdAt: 'at start',
    enc: 'json',
    data: stateText(),
    ...more,
  })
}

/** A write without a condition. */
export function put(item: object): SentCommand {
  return ['PutCommand', { TableName, Item: item }]
}

/** The write that takes the next sequence number. */
export function append(item: object): SentCommand {
  return [
    'PutCommand',
    {
      TableName,
      Item: item,
      ConditionExpression: 'attribute_not_exists(pk) OR #writer = :writer OR #writer < :incarnation',
      ExpressionAttributeNames: { '#writer': 'writer' },
      ExpressionAttributeValues: { ':writer': WRITER, ':incarnation': INCARNATION },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  ]
}

/** The write of a head's or a state's next version. */
export function advance(item: { readonly version: number }): SentCommand {
  return [
    'PutCommand',
    {
      TableName,
      Item: item,
      ConditionExpression:
        '(#version = :version AND begins_with(#writer, :writers)) OR (#version = :next AND #writer = :writer)',
      ExpressionAttributeNames: { '#writer': 'writer', '#version': 'version' },
      ExpressionAttributeValues: {
        ':version': item.version - 1,
        ':next': item.version,
        ':writer': WRITER,
        ':writers': `${INCARNATION}-`,
      },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  ]
}

/** The write over a row that is there. */
export function overwrite(item: object): SentCommand {
  return [
    'PutCommand',
    {
      TableName,
      Item: item,
      ConditionExpression: 'attribute_exists(pk)',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  ]
}

/** The look at the head with which a turn ends that has not written it: the session may have been deleted. */
export const headLook: SentCommand = [
  'GetCommand',
  { TableName, Key: { pk, sk: 'agent#a#msg#head' }, ConsistentRead: true },
]

/** The deletion of a row that this writer takes back. */
export function takingBack(seq: number): SentCommand {
  return [
    'DeleteCommand',
    {
      TableName,
      Key: { pk, sk: row(seq, '').sk },
      ConditionExpression: '#writer = :writer',
      ExpressionAttributeNames: { '#writer': 'writer' },
      ExpressionAttributeValues: { ':writer': WRITER },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  ]
}

/** The look for the parts of a row that this writer takes back. */
export function partsLook(seq: number, digest: string): SentCommand {
  return [
    'QueryCommand',
    {
      TableName,
      KeyConditionExpression: '#pk = :pk AND begins_with(#sk, :prefix)',
      ProjectionExpression: '#pk, #sk, #expiresAt',
      ExpressionAttributeNames: { '#pk': 'pk', '#sk': 'sk', '#expiresAt': 'expiresAt' },
      ExpressionAttributeValues: { ':pk': pk, ':prefix': `${row(seq, '').sk}#part#${digest}#` },
      ConsistentRead: true,
      ScanIndexForward: true,
    },
  ]
}

/** The look for chunks that are not referred to any more. */
export const chunksLook: SentCommand = [
  'QueryCommand',
  {
    TableName,
    KeyConditionExpression: '#pk = :pk AND begins_with(#sk, :prefix)',
    ExpressionAttributeNames: { '#pk': 'pk', '#sk': 'sk' },
    ExpressionAttributeValues: { ':pk': pk, ':prefix': `agent#a#chunk#${INCARNATION}#` },
    ConsistentRead: true,
    ScanIndexForward: true,
  },
]

/** What creating or refreshing the session's item at {@link START} sends, as an update or as a part of a transaction. */
export function sessionUpdate(at = '2026-01-01T00:00:00.000Z', more: { condition?: string } = {}) {
  return {
    TableName,
    Key: { pk, sk: 'session' },
    UpdateExpression:
      'SET createdAt = if_not_exists(createdAt, :createdAt), ' +
      '#v = :v, #sessionId = :sessionId, #updatedAt = :updatedAt',
    ConditionExpression: more.condition ?? 'attribute_not_exists(deletedAt) AND attribute_not_exists(#ttl)',
    ExpressionAttributeNames: { '#ttl': 'ttl', '#v': 'v', '#sessionId': 'sessionId', '#updatedAt': 'updatedAt' },
    ExpressionAttributeValues: { ':createdAt': at, ':v': 1, ':sessionId': 's', ':updatedAt': at },
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  }
}

/** The transaction of an agent's first save. */
export function creation(items: { readonly head: object; readonly state?: object }): SentCommand {
  const condition = {
    ConditionExpression: 'attribute_not_exists(pk) OR #writer = :writer OR expiresAt <= :at',
    ExpressionAttributeNames: { '#writer': 'writer' },
    ExpressionAttributeValues: { ':writer': WRITER, ':at': START_SECONDS },
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  }
  return [
    'TransactWriteCommand',
    {
      TransactItems: [
        { Update: sessionUpdate() },
        { Put: { TableName, Item: items.head, ...condition } },
        ...(items.state === undefined ? [] : [{ Put: { TableName, Item: items.state } }]),
      ],
    },
  ]
}

/** The first request of a resume. */
export function newest(limit = 46): SentCommand {
  return [
    'QueryCommand',
    {
      TableName,
      KeyConditionExpression: '#pk = :pk AND begins_with(#sk, :prefix)',
      ExpressionAttributeNames: { '#pk': 'pk', '#sk': 'sk' },
      ExpressionAttributeValues: { ':pk': pk, ':prefix': 'agent#a#msg#' },
      ConsistentRead: true,
      ScanIndexForward: false,
      Limit: limit,
    },
  ]
}

/** A read of sort keys from one to another. */
export function between(first: string, last: string): SentCommand {
  return [
    'QueryCommand',
    {
      TableName,
      KeyConditionExpression: '#pk = :pk AND #sk BETWEEN :first AND :last',
      ExpressionAttributeNames: { '#pk': 'pk', '#sk': 'sk' },
      ExpressionAttributeValues: { ':pk': pk, ':first': first, ':last': last },
      ConsistentRead: true,
      ScanIndexForward: true,
    },
  ]
}
