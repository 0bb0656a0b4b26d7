/** Items and writes of one agent's log, spelled out as they are in the table: session `s`, agent `a`, table `sessions`. */

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

/** A message; its tracking id is the first letter of its text. */
export function message(text: string) {
  return { role: 'user', content: [{ text }], trackingId: text.slice(0, 1) }
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

/** A message's row. */
export function row(seq: number, text: string, more: object = {}) {
  return {
    pk,
    sk: `agent#a#msg#${String(seq).padStart(10, '0')}`,
    v: 1,
    enc: 'json',
    data: JSON.stringify(message(text)),
    role: 'user',
    createdAt: `at ${text}`,
    writer: WRITER,
    ...more,
  }
}

/** The head: by default the first version, of an empty window. */
export function head(more: object = {}) {
  return {
    pk,
    sk: 'agent#a#msg#head',
    v: 1,
    version: 1,
    incarnation: INCARNATION,
    writer: WRITER,
    window: '',
    last: 0,
    stateVersion: 1,
    createdAt: 'at start',
    touchedAt: START_SECONDS,
    ...more,
  }
}

/** The state: by default the first version. */
export function state(more: object = {}) {
  return {
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
  }
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

/** What creating or refreshing the session's item at {@link START} sends, as an update or as a part of a transaction. */
export function sessionUpdate(at = '2026-01-01T00:00:00.000Z', more: { condition?: string } = {}) {
  return {
    TableName,
    Key: { pk, sk: 'session' },
    UpdateExpression:
      'SET createdAt = if_not_exists(createdAt, :createdAt), ' +
      '#v = :v, #sessionId = :sessionId, #updatedAt = :updatedAt',
    ConditionExpression: more.condition ?? 'attribute_not_exists(deletedAt)',
    ExpressionAttributeNames: { '#v': 'v', '#sessionId': 'sessionId', '#updatedAt': 'updatedAt' },
    ExpressionAttributeValues: { ':createdAt': at, ':v': 1, ':sessionId': 's', ':updatedAt': at },
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  }
}

/** The transaction of an agent's first save. */
export function creation(items: { readonly head: object; readonly state?: object }): SentCommand {
  const condition = {
    ConditionExpression: 'attribute_not_exists(pk) OR #writer = :writer',
    ExpressionAttributeNames: { '#writer': 'writer' },
    ExpressionAttributeValues: { ':writer': WRITER },
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
