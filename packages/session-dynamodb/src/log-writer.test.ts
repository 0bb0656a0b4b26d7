import { setImmediate as nextTurn } from 'node:timers/promises'
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb'
import { DeleteCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb'
import { describe, expect, it } from 'vitest'
import {
  ANOTHER,
  append,
  INCARNATION,
  LOCATION,
  message,
  part,
  partsLook,
  pk,
  put,
  row,
  state,
  TableName,
  takingBack,
  WRITER,
  without,
} from '../test/support/log-items.ts'
import { mockedClient, rejectionOf } from '../test/support/mocked-client.ts'
import { digestOf, INLINE_LIMIT, slice } from './codec.ts'
import { ScopeKeys } from './keys.ts'
import { appendRows, putState, takeBack, type WrittenRow } from './log-writer.ts'
import { openScope } from './shared-chunks.ts'
import { SessionTable } from './table.ts'
import { ValueStore } from './values.ts'
import type { LogEntry, PlannedRow } from './window.ts'

function penFor() {
  const mocked = mockedClient()
  const table = new SessionTable({ client: mocked.client, tableName: TableName, consistentRead: true })
  const pen = {
    ...openScope({ table, values: new ValueStore(table, { compression: 'off' }), keys: new ScopeKeys(LOCATION) }),
    ...{ sessionId: 's', scopeId: 'a', incarnation: INCARNATION, headVersion: 1, writer: WRITER },
  }
  return { ...mocked, pen }
}

function planned(seq: number, text: string, detached = false): PlannedRow {
  const json = JSON.stringify(message(text))
  const digest = digestOf(json)
  return {
    seq,
    detached,
    replaces: [],
    message: { text: json, digest, trackingId: text.slice(0, 1), role: 'user', isAnswer: false },
  }
}

const refused = new ConditionalCheckFailedException({
  ...{ message: 'because', $metadata: {} },
  Item: { writer: { S: ANOTHER } },
})

describe('a tail', () => {
  it('is written row by row, so that it never has a hole', async () => {
    const { pen, answers, takeSent } = penFor()
    const { promise, resolve } = Promise.withResolvers<object>()
    answers
      .on(PutCommand)
      .callsFakeOnce(() => promise)
      .resolves({})
    const written: LogEntry[] = []
    const appended = appendRows(pen, [planned(1, 'a'), planned(2, 'b')], { createdAt: 'now' }, (entry) =>
      written.push(entry),
    )
    await nextTurn()
    expect(answers.calls()).toHaveLength(1)
    resolve({})
    await appended
    expect(takeSent()).toEqual([append(row(1, 'a', { createdAt: 'now' })), append(row(2, 'b', { createdAt: 'now' }))])
    expect(written).toEqual([
      {
        seq: 1,
        digest: planned(1, 'a').message.digest,
        trackingId: 'a',
        writer: WRITER,
        detached: false,
        replaces: [],
        turn: {},
        isAnswer: false,
      },
      {
        seq: 2,
        digest: planned(2, 'b').message.digest,
        trackingId: 'b',
        writer: WRITER,
        detached: false,
        replaces: [],
        turn: {},
        isAnswer: false,
      },
    ])
  })

  it('ends at the first row that is refused', async () => {
    const { pen, answers, takeSent } = penFor()
    answers.on(PutCommand).resolvesOnce({}).rejectsOnce(refused)
    const written: number[] = []
    const rows = [planned(1, 'a'), planned(2, 'b'), planned(3, 'c')]
    expect(
      await rejectionOf(appendRows(pen, rows, { createdAt: 'now' }, ({ seq }) => written.push(seq))),
    ).toMatchObject({
      name: 'SessionConflictError',
      sessionId: 's',
      scopeId: 'a',
      key: 'agent#a#msg#0000000002',
      expected: 'a free sequence number',
      actual: `written by ${ANOTHER}`,
    })
    expect([written, takeSent().length]).toEqual([[1], 2])
  })
})

describe('a row', () => {
  const facts = { createdAt: 'now', turn: { id: 'event-1', until: 9 }, touchedAt: 8 }
  const answer = (detached: boolean): PlannedRow => {
    const each = planned(2, 'B', detached)
    return { ...each, message: { ...each.message, role: 'assistant', isAnswer: true } }
  }

  it('says which turn it is part of, and when the session was refreshed', async () => {
    const { pen, takeSent } = penFor()
    const written: LogEntry[] = []
    await appendRows(pen, [planned(1, 'a'), answer(false)], facts, (entry) => written.push(entry))
    expect(takeSent()).toEqual([
      append(row(1, 'a', { createdAt: 'now', turn: 'event-1', until: 9, touchedAt: 8 })),
      append(row(2, 'B', { createdAt: 'now', turn: 'event-1', touchedAt: 8 })),
    ])
    expect(written).toMatchObject([
      { seq: 1, turn: { id: 'event-1', until: 9 }, isAnswer: false },
      { seq: 2, turn: { id: 'event-1', until: undefined }, isAnswer: true },
    ])
  })

  it('does not end its turn with an answer that no window sees yet', async () => {
    const { pen, takeSent } = penFor()
    const written: LogEntry[] = []
    await appendRows(pen, [answer(true)], facts, (entry) => written.push(entry))
    expect(takeSent()).toEqual([
      append(row(2, 'B', { createdAt: 'now', detached: true, turn: 'event-1', until: 9, touchedAt: 8 })),
    ])
    expect(written).toMatchObject([{ seq: 2, turn: { id: 'event-1', until: 9 }, isAnswer: true }])
  })
})

describe('rows that are taken back', () => {
  const digest = 'digestOf20Characters'
  const entry = (seq: number): WrittenRow => ({ seq, place: { encoding: 'json', digest, partCount: 2 } })
  const partKeys = [0, 1].map((index) => ({ pk, sk: `agent#a#msg#0000000003#part#${digest}#000${index}` }))

  it('are deleted while they are those that were written', async () => {
    const { pen, takeSent } = penFor()
    await takeBack(pen, [entry(3), entry(4)])
    const sent = takeSent()
    expect(sent).toHaveLength(4)
    expect(sent).toEqual(
      expect.arrayContaining([takingBack(3), takingBack(4), partsLook(3, digest), partsLook(4, digest)]),
    )
  })

  it('are deleted before their parts', async () => {
    const { pen, answers, takeSent } = penFor()
    answers.on(QueryCommand).resolves({ Items: partKeys })
    await takeBack(pen, [entry(3)])
    const deletions = partKeys.map((Key) => ({ DeleteRequest: { Key } }))
    expect(takeSent()).toEqual([
      takingBack(3),
      partsLook(3, digest),
      ['BatchWriteCommand', { RequestItems: { [TableName]: deletions } }],
    ])
  })

  it('are left alone, with their parts, when somebody else has written there', async () => {
    const { pen, answers, takeSent } = penFor()
    answers.on(DeleteCommand).rejects(refused).on(QueryCommand).resolves({ Items: partKeys })
    await takeBack(pen, [entry(3)])
    // The other one's message may be the same, and then its parts have the same keys.
    expect(takeSent().filter(([name]) => name !== 'QueryCommand')).toEqual([takingBack(3)])
  })

  it('that are none take no request', async () => {
    const { pen, takeSent } = penFor()
    await takeBack(pen, [])
    expect(takeSent()).toEqual([])
  })
})

describe('staged rows', () => {
  it('are written eight at a time', async () => {
    const { pen, answers } = penFor()
    const { promise, resolve } = Promise.withResolvers<object>()
    answers.on(PutCommand).callsFake(() => promise)
    const rows = Array.from({ length: 9 }, (_, index) => planned(index + 1, 'a', true))
    const appended = appendRows(pen, rows, { createdAt: 'now' }, () => undefined)
    await nextTurn()
    expect(answers.calls()).toHaveLength(8)
    resolve({})
    await appended
    expect(answers.calls()).toHaveLength(9)
  })
})

describe('a value that does not fit its item', () => {
  const text = `a${'x'.repeat(INLINE_LIMIT)}`
  const partsOf = (owner: string, json: string) => {
    const digest = digestOf(json)
    return slice(Buffer.from(json), INLINE_LIMIT).map((data, index) => put(part(owner, digest, index, data)))
  }

  it('is in the table before the row that names it', async () => {
    const { pen, takeSent } = penFor()
    const data = JSON.stringify({ content: Array(20).fill({ text: 'x'.repeat(20_000) }), trackingId: 'a' })
    const large = { ...planned(1, 'a'), message: { ...planned(1, 'a').message, text: data, digest: digestOf(data) } }
    await appendRows(pen, [large], { createdAt: 'now' }, () => undefined)
    const inParts = without(row(1, text, { createdAt: 'now', parts: 2, digest: digestOf(data) }), 'data')
    expect(takeSent()).toEqual([...partsOf('agent#a#msg#0000000001', data), append(inParts)])
  })

  it('is in the table before the state that names it', async () => {
    const { pen, takeSent } = penFor()
    const json = JSON.stringify(text)
    const stateFacts = { version: 2, writer: WRITER, last: 3, createdAt: 'now', digest: digestOf(json) }
    await putState(pen, { text: json, chunks: new Map(), facts: stateFacts })
    const facts = { version: 2, last: 3, createdAt: 'now', parts: 2, digest: digestOf(json) }
    const inParts = without(state(facts), 'data')
    expect(takeSent()).toMatchObject([
      ...partsOf('agent#a#msg#state', json),
      ['PutCommand', { Item: inParts, ConditionExpression: expect.any(String) }],
    ])
  })
})
