import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb'
import { GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb'
import { describe, expect, it } from 'vitest'
import {
  ANOTHER,
  between,
  head,
  headLook,
  INCARNATION,
  LOCATION,
  message,
  overwrite,
  part,
  pk,
  put,
  row,
  sealed,
  TableName,
  WRITER,
  without,
} from '../test/support/log-items.ts'
import { mockedClient, rejectionOf } from '../test/support/mocked-client.ts'
import { digestOf, INLINE_LIMIT } from './codec.ts'
import { ScopeKeys } from './keys.ts'
import { type Redactions, redactRows, redactStates } from './redaction.ts'
import { openScope } from './shared-chunks.ts'
import { SessionTable } from './table.ts'
import { ValueStore } from './values.ts'
import type { LiveMessage, LogEntry } from './window.ts'

const live = (text: string): LiveMessage => liveOf(message(text))
function liveOf(each: ReturnType<typeof message>): LiveMessage {
  const text = JSON.stringify(each)
  return { text, digest: digestOf(text), trackingId: each.trackingId, role: 'user', isAnswer: false }
}
const entry = (seq: number, text: string, replaces: readonly number[] = []): LogEntry => ({
  ...{ seq, replaces, writer: WRITER, detached: false, turn: {}, isAnswer: false },
  digest: live(text).digest,
  trackingId: text.slice(0, 1),
})
const HEAD = 'agent#a#msg#head'
const deletionOf = (...sks: readonly string[]) => [
  'BatchWriteCommand',
  { RequestItems: { [TableName]: sks.map((sk) => ({ DeleteRequest: { Key: { pk, sk } } })) } },
]

function redactionOf(Items: readonly object[]) {
  const mocked = mockedClient()
  mocked.answers.on(QueryCommand).resolves({ Items: [...Items] })
  const table = new SessionTable({ client: mocked.client, tableName: TableName, consistentRead: false })
  const pen = {
    ...openScope({ table, values: new ValueStore(table, { compression: 'off' }), keys: new ScopeKeys(LOCATION) }),
    ...{ sessionId: 's', scopeId: 'a', incarnation: INCARNATION, headVersion: 1, writer: WRITER },
  }
  const redactionsOf = (messages: readonly LiveMessage[], stashReferences: readonly string[] = []): Redactions =>
    new Map(messages.map((message) => [message.trackingId ?? '', { message, stashReferences }]))
  const redact = (messages: readonly LiveMessage[], others: readonly LiveMessage[] = []) =>
    redactRows(pen, redactionsOf(messages), [...messages, ...others], 'now')
  const redactEntries = (...references: readonly string[]) => redactStates(pen, redactionsOf([live('aX')], references))
  return { ...mocked, redact, redactEntries }
}

describe('a redaction', () => {
  it('overwrites every row that held a text of the message, whoever wrote it', async () => {
    const { redact, takeSent } = redactionOf([
      row(1, 'a1', { writer: ANOTHER }),
      row(2, 'b1'),
      row(3, 'a2', { detached: true, replaces: '1' }),
      row(4, 'a1', { detached: true }),
      head(),
    ])
    const changed = await redact([live('aX')], [live('b1')])
    expect(takeSent()).toEqual([
      between('agent#a#msg#0000000001', HEAD),
      overwrite(row(1, 'aX', { createdAt: 'now' })),
      overwrite(row(3, 'aX', { createdAt: 'now', detached: true, replaces: '1' })),
      overwrite(row(4, 'aX', { createdAt: 'now', detached: true })),
    ])
    expect(changed.map((each) => each.entry)).toEqual([
      entry(1, 'aX'),
      { ...entry(3, 'aX', [1]), detached: true },
      { ...entry(4, 'aX'), detached: true },
    ])
  })

  it('reads strongly consistent, whatever the table does: a row that is missed would keep its text', async () => {
    const { redact, takeSent } = redactionOf([row(7, 'a1')])
    await redact([live('aX')])
    expect(takeSent()).toEqual([between('agent#a#msg#0000000001', HEAD), overwrite(row(7, 'aX', { createdAt: 'now' }))])
  })

  it('leaves rows that hold what is live, rows of other messages and rows of an earlier life', async () => {
    const { redact, takeSent } = redactionOf([
      row(1, 'aX'),
      row(2, 'b1'),
      row(3, 'a1', { writer: '000000001-x' }),
      row(4, 'c1', { data: '"text"' }),
    ])
    expect(await redact([live('aX')])).toEqual([])
    expect(takeSent()).toEqual([between('agent#a#msg#0000000001', HEAD)])
  })

  it('reads nothing when there is nothing to redact', async () => {
    const { redact, takeSent } = redactionOf([row(1, 'a1')])
    expect(await redact([], [live('a1')])).toEqual([])
    expect(takeSent()).toEqual([])
  })

  it('deletes the parts of the old text, and those that a failed redaction has left', async () => {
    const large = live(`a${'1'.repeat(INLINE_LIMIT)}`)
    const bytes = Buffer.from(large.text)
    const partOf = (digest: string, index: number, data: Uint8Array) =>
      part('agent#a#msg#0000000001', digest, index, data)
    const [one, two] = [partOf(large.digest, 0, bytes.subarray(0, 9)), partOf(large.digest, 1, bytes.subarray(9))]
    const left = partOf('anotherDigestOf20Ch_', 0, Uint8Array.of(1))
    const inParts = without(row(1, 'a', { parts: 2, digest: large.digest }), 'data')
    const { redact, takeSent } = redactionOf([inParts, one, two, left])
    await redact([live('aX')])
    expect(takeSent()).toEqual([
      between('agent#a#msg#0000000001', HEAD),
      overwrite(row(1, 'aX', { createdAt: 'now' })),
      deletionOf(one.sk, two.sk, left.sk),
    ])
  })

  it('writes the chunk of a new text that is long before its row, and looks whether it may have been removed', async () => {
    const long = live(`a${'X'.repeat(25_000)}`)
    const { redact, takeSent, answers } = redactionOf([row(1, 'a1')])
    answers.on(GetCommand).resolves({ Item: head() })
    await redact([long])
    const data = JSON.stringify(`a${'X'.repeat(25_000)}`)
    const digest = digestOf(data)
    const sk = `agent#a#chunk#${INCARNATION}#${digest}`
    const text = long.text.replace(data, `\n${digest}\n`)
    expect(takeSent().slice(1)).toEqual([
      put(sealed({ pk, sk, v: 1, version: 1, enc: 'json', data })),
      overwrite(row(1, 'a', { createdAt: 'now', data: text, whole: long.digest })),
      headLook,
    ])
  })

  it('is a conflict when the row is gone', async () => {
    const { redact, answers } = redactionOf([row(1, 'a1')])
    answers.on(PutCommand).rejects(new ConditionalCheckFailedException({ message: 'because', $metadata: {} }))
    expect(await rejectionOf(redact([live('aX')]))).toMatchObject({
      name: 'SessionConflictError',
      key: 'agent#a#msg#0000000001',
      expected: 'the message to redact',
      actual: 'nothing',
    })
  })
})

describe('a redaction of stash entries', () => {
  const stateOf = (entries: object) =>
    JSON.stringify({ scope: 'agent', data: { stash: { location: 'inline', entries } } })
  const stored = (name: string, data: string) =>
    sealed({ pk, sk: `agent#a#snapstate#${name}`, v: 1, enc: 'json', data })
  const statesQuery = [
    'QueryCommand',
    {
      TableName,
      KeyConditionExpression: '#pk = :pk AND begins_with(#sk, :prefix)',
      ExpressionAttributeNames: { '#pk': 'pk', '#sk': 'sk' },
      ExpressionAttributeValues: { ':pk': pk, ':prefix': 'agent#a#snapstate#' },
      ConsistentRead: true,
      ScanIndexForward: true,
    },
  ]

  it('removes them from the states of immutable snapshots, and from no other', async () => {
    const { redactEntries, takeSent } = redactionOf([
      stored('one', stateOf({ a_0: 'secret', b_0: 'kept' })),
      stored('two', stateOf({ b_0: 'kept' })),
      stored('three', '{"data":{"stash":null}}'),
      stored('four', '7'),
      stored('five', stateOf({ a_1: 'secret' })),
    ])
    await redactEntries('a_0', 'a_1', 'toString')
    expect(takeSent()).toEqual([
      statesQuery,
      put(stored('one', stateOf({ b_0: 'kept' }))),
      put(stored('five', stateOf({}))),
    ])
  })

  it('deletes the parts of a state that was large', async () => {
    const text = stateOf({ a_0: 'x'.repeat(INLINE_LIMIT), b_0: 'kept' })
    const digest = digestOf(text)
    const sk = `agent#a#snapstate#${digest}`
    const parts = [text.slice(0, INLINE_LIMIT), text.slice(INLINE_LIMIT)].map((each, index) =>
      part(sk, digest, index, Buffer.from(each)),
    )
    const { redactEntries, takeSent } = redactionOf([sealed({ pk, sk, v: 1, enc: 'json', parts: 2, digest }), ...parts])
    await redactEntries('a_0')
    expect(takeSent()).toEqual([
      statesQuery,
      put(stored(digest, stateOf({ b_0: 'kept' }))),
      deletionOf(...parts.map((each) => each.sk)),
    ])
  })

  it('reads nothing when there are none', async () => {
    const { redactEntries, takeSent } = redactionOf([])
    await redactEntries()
    expect(takeSent()).toEqual([])
  })
})
