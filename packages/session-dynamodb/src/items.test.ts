import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { sealed } from '../test/support/log-items.ts'
import { errorOf } from '../test/support/mocked-client.ts'
import type { Item, StoredValue } from './attributes.ts'
import { digestOf } from './codec.ts'
import {
  checkFormat,
  entryOf,
  type Head,
  headItem,
  messageFrame,
  parseHead,
  parseMessage,
  parsePart,
  parseSnapshotMark,
  parseState,
  parseValue,
  partItem,
  type RowFacts,
  type SnapshotMark,
  type State,
  snapshotItem,
  stateFrame,
  valueFrame,
  withValue,
} from './items.ts'
import type { ItemKey } from './keys.ts'
import { FORMAT_VERSION } from './schema.ts'
import type { PlannedRow, TurnMark } from './window.ts'

const key = { pk: 'session#s', sk: 'the item' }

const messageItem = (itemKey: ItemKey, planned: PlannedRow, encoded: StoredValue, facts: RowFacts): Item =>
  withValue(messageFrame(itemKey, planned, facts, false), encoded)
const stateItem = (itemKey: ItemKey, facts: Omit<State, 'value'>, encoded: StoredValue): Item =>
  withValue(stateFrame(itemKey, facts, facts.digest !== encoded.digest), encoded)
const valueItem = (itemKey: ItemKey, encoded: StoredValue): Item => withValue(valueFrame(itemKey), encoded)

/** A text that is stored as it is. */
function inJson(json: string): StoredValue {
  return { encoding: 'json', digest: digestOf(json), inline: json, partCount: 0 }
}

const text = fc.string({ unit: 'grapheme' })
const count = fc.nat({ max: Number.MAX_SAFE_INTEGER })
const seqs = fc.array(fc.integer({ min: 1, max: 9_999_999_999 }), { maxLength: 6 })
const window = fc.option(seqs, { nil: undefined })
const value: fc.Arbitrary<StoredValue> = fc.oneof(
  fc.json({ stringUnit: 'binary' }).map(inJson),
  fc.record({
    encoding: fc.constant('br' as const),
    digest: text.map(digestOf),
    inline: fc.uint8Array(),
    partCount: fc.constant(0),
  }),
  fc.record({
    encoding: fc.constantFrom('json' as const, 'br' as const),
    digest: text.map(digestOf),
    inline: fc.constant(undefined),
    partCount: fc.integer({ min: 1, max: 3 }),
  }),
)
const row: fc.Arbitrary<PlannedRow> = fc.record({
  seq: fc.integer({ min: 1, max: 9_999_999_999 }),
  detached: fc.boolean(),
  replaces: seqs,
  message: fc.record({
    text,
    digest: text,
    trackingId: fc.option(text, { nil: undefined }),
    role: fc.option(text, { nil: undefined }),
    isAnswer: fc.boolean(),
  }),
})
const turn: fc.Arbitrary<TurnMark> = fc.record({
  id: fc.option(text, { nil: undefined }),
  until: fc.option(count, { nil: undefined }),
})
const touchedAt = fc.option(count, { nil: undefined })
const head: fc.Arbitrary<Head> = fc.record({
  version: count,
  incarnation: text,
  writer: text,
  window,
  last: count,
  settled: count,
  stateVersion: count,
  createdAt: text,
  touchedAt: count,
})
const stateFacts = fc.record({ version: count, writer: text, last: count, createdAt: text, digest: text })
const mark: fc.Arbitrary<SnapshotMark> = fc.record({ incarnation: text, window, createdAt: text, stateDigest: text })

describe('items', () => {
  it('of messages have an inverse', () => {
    fc.assert(
      fc.property(row, value, text, text, turn, touchedAt, (planned, encoded, writer, createdAt, mark, touched) => {
        const { seq, detached, replaces, message } = planned
        const item = messageItem(key, planned, encoded, { writer, createdAt, turn: mark, touchedAt: touched })
        expect(parseMessage(item, seq)).toEqual({
          ...{ seq, writer, createdAt, detached, replaces, value: encoded, touchedAt: touched },
          digest: encoded.digest,
          // An answer that joins the window by itself ends its turn: nobody waits for it any more.
          turn: { id: mark.id, until: message.isAnswer && !detached ? undefined : mark.until },
        })
      }),
    )
  })

  it('of heads have an inverse', () => {
    fc.assert(
      fc.property(head, (each) => {
        expect(parseHead(headItem(key, each))).toEqual(each)
      }),
    )
  })

  it('of states have an inverse', () => {
    fc.assert(
      fc.property(stateFacts, value, (facts, encoded) => {
        expect(parseState(stateItem(key, facts, encoded))).toEqual({ ...facts, value: encoded })
      }),
    )
  })

  it('of snapshots have an inverse', () => {
    fc.assert(
      fc.property(mark, (each) => {
        expect(parseSnapshotMark(snapshotItem(key, each))).toEqual(each)
      }),
    )
  })

  it('of values and of parts have an inverse', () => {
    fc.assert(
      fc.property(value, fc.uint8Array(), (encoded, bytes) => {
        expect(parseValue(valueItem(key, encoded))).toEqual(encoded)
        expect(parsePart(partItem(key, bytes))).toEqual(bytes)
      }),
    )
  })

  it('look like this in the table', () => {
    const inline = inJson('{"role":"user"}')
    const message = { text: '{"role":"user"}', digest: inline.digest, trackingId: 't', role: 'user', isAnswer: false }
    const facts = { writer: 'w', createdAt: 'now' }
    const duringATurn = { ...facts, turn: { id: 'event-1', until: 9_000 }, touchedAt: 8 }
    expect([
      messageItem(key, { seq: 7, message, detached: false, replaces: [] }, inline, facts),
      messageItem(
        key,
        { seq: 7, message: { ...message, role: undefined }, detached: true, replaces: [6, 2, 3] },
        { encoding: 'json', digest: 'd', inline: undefined, partCount: 2 },
        facts,
      ),
      messageItem(key, { seq: 7, message, detached: false, replaces: [] }, inline, duringATurn),
      messageItem(
        key,
        { seq: 7, message: { ...message, isAnswer: true }, detached: false, replaces: [] },
        inline,
        duringATurn,
      ),
      messageItem(
        key,
        { seq: 7, message: { ...message, isAnswer: true }, detached: true, replaces: [] },
        inline,
        duringATurn,
      ),
      headItem(key, { ...HEAD, window: undefined }),
      headItem(key, { ...HEAD, window: [] }),
      partItem(key, Uint8Array.of(1, 2)),
    ]).toEqual([
      sealed({ ...key, v: 1, enc: 'json', data: '{"role":"user"}', role: 'user', createdAt: 'now', writer: 'w' }),
      sealed({
        ...key,
        v: 1,
        enc: 'json',
        parts: 2,
        digest: 'd',
        createdAt: 'now',
        writer: 'w',
        detached: true,
        replaces: '6,2-3',
      }),
      sealed({
        ...{ ...key, v: 1, enc: 'json', data: '{"role":"user"}', role: 'user', createdAt: 'now', writer: 'w' },
        ...{ turn: 'event-1', until: 9_000, touchedAt: 8 },
      }),
      sealed({
        ...{ ...key, v: 1, enc: 'json', data: '{"role":"user"}', role: 'user', createdAt: 'now', writer: 'w' },
        ...{ turn: 'event-1', touchedAt: 8 },
      }),
      sealed({
        ...{ ...key, v: 1, enc: 'json', data: '{"role":"user"}', role: 'user', createdAt: 'now', writer: 'w' },
        ...{ detached: true, turn: 'event-1', until: 9_000, touchedAt: 8 },
      }),
      sealed({ ...key, v: 1, ...HEAD }),
      sealed({ ...key, v: 1, ...HEAD, window: '' }),
      sealed({ ...key, v: 1, data: Uint8Array.of(1, 2) }),
    ])
  })
})

const HEAD = {
  version: 3,
  incarnation: '000000001',
  writer: '000000001-w',
  last: 9,
  settled: 4,
  stateVersion: 2,
  createdAt: 'now',
  touchedAt: 5,
}

/** A whole item of every kind, with what each attribute must be. */
const message = { text: '', digest: '', trackingId: undefined, role: 'user', isAnswer: false }
const kinds = [
  {
    kind: 'message',
    item: messageItem(key, { seq: 7, message, detached: true, replaces: [1] }, inJson('{}'), {
      ...{ writer: 'w', createdAt: 'now' },
      ...{ turn: { id: 'event-1', until: 9 }, touchedAt: 8 },
    }),
    parse: (item: Item) => parseMessage(item, 7),
    texts: ['writer', 'createdAt', 'data', 'turn'],
    counts: ['until', 'touchedAt'],
    optional: ['detached', 'replaces', 'turn', 'until', 'touchedAt'],
  },
  {
    kind: 'message in parts',
    item: messageItem(
      key,
      { seq: 7, message, detached: false, replaces: [] },
      { encoding: 'br', digest: 'd', inline: undefined, partCount: 1 },
      { writer: 'w', createdAt: 'now' },
    ),
    parse: (item: Item) => parseMessage(item, 7),
    texts: ['writer', 'createdAt', 'digest'],
    counts: ['parts'],
    optional: [],
  },
  {
    kind: 'head',
    item: headItem(key, { ...HEAD, window: [1, 2] }),
    parse: parseHead,
    texts: ['incarnation', 'writer', 'createdAt'],
    counts: ['version', 'last', 'settled', 'stateVersion', 'touchedAt'],
    optional: ['window'],
  },
  {
    kind: 'state',
    item: stateItem(key, { version: 1, writer: 'w', last: 0, createdAt: 'now', digest: 'whole' }, inJson('{}')),
    parse: parseState,
    texts: ['writer', 'createdAt', 'data', 'whole'],
    counts: ['version', 'last'],
    optional: ['whole'],
  },
  {
    kind: 'snapshot',
    item: snapshotItem(key, { incarnation: 'i', window: [1], createdAt: 'now', stateDigest: 'd' }),
    parse: parseSnapshotMark,
    texts: ['incarnation', 'createdAt', 'stateDigest'],
    counts: [],
    optional: ['window'],
  },
  { kind: 'value', item: valueItem(key, inJson('{}')), parse: parseValue, texts: ['data'], counts: [], optional: [] },
  {
    kind: 'part',
    item: partItem(key, Uint8Array.of(1)),
    parse: parsePart,
    texts: [],
    counts: [],
    optional: [],
  },
] as const
const attributes = kinds.flatMap((each) =>
  Object.keys(each.item)
    .filter((name) => !['pk', 'sk', 'role', 'sum'].includes(name))
    .map((name) => ({ ...each, name, isOptional: each.optional.some((optional) => optional === name) })),
)

describe('a damaged item', () => {
  test.each(attributes.filter(({ isOptional }) => !isOptional))('$kind without $name', ({ item, parse, name }) => {
    const { [name]: _, ...rest } = item
    expect(errorOf(() => parse(sealed(rest)))).toMatchObject({
      name: 'SessionCorruptedError',
      key,
      // Without parts a value is in its item.
      message: expect.stringContaining(name === 'parts' ? "'data'" : `'${name}'`),
    })
  })

  test.each(attributes)('$kind with something else in $name', ({ item, parse, name }) => {
    for (const wrong of [null, [], {}, Number.NaN, -1, new Set(['a'])]) {
      expect(errorOf(() => parse(sealed({ ...item, [name]: wrong })))).toMatchObject({
        name: 'SessionCorruptedError',
        key,
        message: expect.stringContaining(`'${name}'`),
      })
    }
  })

  test.each(kinds)('$kind with a number for a text, or a text for a number', ({ item, parse, texts, counts }) => {
    for (const name of texts) {
      expect(errorOf(() => parse(sealed({ ...item, [name]: 7 })))).toMatchObject({
        ...{ name: 'SessionCorruptedError', key, message: expect.stringContaining(`'${name}'`) },
      })
    }
    for (const name of counts) {
      expect(errorOf(() => parse(sealed({ ...item, [name]: '7' })))).toMatchObject({
        ...{ name: 'SessionCorruptedError', key, message: expect.stringContaining(`'${name}'`) },
      })
    }
  })

  const mismatch = {
    name: 'SessionCorruptedError',
    key,
    message: expect.stringContaining('does not match its checksum'),
  }
  const sealedNames = kinds.flatMap(({ kind, item, parse }) =>
    Object.keys(item)
      .filter((name) => !['pk', 'sk', 'v', 'sum'].includes(name))
      .map((name) => ({ kind, item, parse, name })),
  )
  test.each(sealedNames)('$kind whose $name is changed or lost', ({ item, parse, name }) => {
    const { [name]: value, ...rest } = item
    for (const changed of [rest, { ...item, [name]: another(value) }]) {
      expect(errorOf(() => parse(changed))).toMatchObject(mismatch)
      expect(errorOf(() => checkFormat(changed))).toMatchObject(mismatch)
    }
  })

  test.each(kinds)('$kind that is in the place of another, has gained an attribute, or lost its checksum', (each) => {
    const { item, parse } = each
    const { sum: _, ...unsealed } = item
    expect(errorOf(() => parse({ ...item, sk: 'another item' }))).toMatchObject({
      ...{ ...mismatch, key: { ...key, sk: 'another item' } },
    })
    expect(errorOf(() => parse({ ...item, pk: 'session#another' }))).toMatchObject({
      ...{ ...mismatch, key: { ...key, pk: 'session#another' } },
    })
    expect(errorOf(() => parse({ ...item, deletedAt: 'now' }))).toMatchObject(mismatch)
    expect(errorOf(() => parse(unsealed))).toMatchObject(mismatch)
  })

  test.each(kinds)('$kind of a newer release', ({ item, parse }) => {
    const newer = { ...item, v: FORMAT_VERSION + 1 }
    expect(errorOf(() => parse(newer))).toMatchObject({ name: 'NewerFormatError', key, version: FORMAT_VERSION + 1 })
    expect(errorOf(() => checkFormat(newer))).toMatchObject({ name: 'NewerFormatError', key })
  })

  test.each(kinds)('$kind that is whole', ({ item, parse }) => {
    expect(() => parse(item)).not.toThrow()
    expect(() => checkFormat(item)).not.toThrow()
  })

  test.each(kinds)('$kind that is to expire is whole', ({ item, parse }) => {
    expect(parse({ ...item, expiresAt: 1_767_225_600 })).toEqual(parse(item))
  })
})

/** Another value of the same kind. */
function another(value: unknown): unknown {
  if (typeof value === 'number') return value + 1
  if (typeof value === 'boolean') return !value
  return value instanceof Uint8Array ? Uint8Array.of(...value, 0) : `${value}1`
}

describe('what is known of a message', () => {
  it('is its row and its tracking id', () => {
    const message = { seq: 7, writer: 'w', createdAt: 'now', detached: true, replaces: [3] }
    const turn = { id: 'event-1', until: 9 }
    const row = { ...message, turn, touchedAt: 8, stale: undefined, digest: digestOf('{}'), value: inJson('{}') }
    const entry = {
      seq: 7,
      digest: digestOf('{}'),
      trackingId: 't',
      writer: 'w',
      detached: true,
      replaces: [3],
      turn,
      isAnswer: false,
    }
    expect(entryOf(row, { trackingId: 't' })).toEqual(entry)
    expect(entryOf(row, { trackingId: 't', role: 'assistant' })).toEqual({ ...entry, isAnswer: true })
  })
})
