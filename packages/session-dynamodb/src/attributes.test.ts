import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { sealed } from '../test/support/log-items.ts'
import { errorOf } from '../test/support/mocked-client.ts'
import { type Item, keyOf, readAttributes, seal } from './attributes.ts'
import { digestOf } from './codec.ts'
import { MAX_PARTS } from './keys.ts'
import { FORMAT_VERSION } from './schema.ts'

const key = { pk: 'session#s', sk: 'agent#a#msg#head' }
const read = (attributes: Record<string, unknown>) =>
  readAttributes(sealed({ ...key, v: FORMAT_VERSION, ...attributes }))
const corrupted = (problem: string) => ({
  name: 'SessionCorruptedError',
  key,
  message:
    `Item { pk: 'session#s', sk: 'agent#a#msg#head' } ${problem}. ` +
    'Restore it from a point-in-time backup, restore an immutable snapshot, or delete the session.',
})

describe('readAttributes', () => {
  it('reads what is there', () => {
    const attributes = read({
      text: '',
      count: 0,
      bytes: Uint8Array.of(1),
      yes: true,
      no: false,
      until: 9,
      window: '2-4,9',
      none: '',
    })
    expect([
      attributes.string('text'),
      attributes.count('count'),
      attributes.bytes('bytes'),
      attributes.flag('yes'),
      attributes.flag('no'),
      attributes.flag('absent'),
      attributes.optionalString('text'),
      attributes.optionalString('absent'),
      attributes.optionalCount('until'),
      attributes.optionalCount('absent'),
      attributes.ranges('window'),
      attributes.ranges('none'),
      attributes.ranges('absent'),
    ]).toEqual(['', 0, Uint8Array.of(1), true, false, false, '', undefined, 9, undefined, [2, 3, 4, 9], [], undefined])
  })

  it('reads a value that its item holds, and one that its parts hold', () => {
    const digest = digestOf('{}')
    expect(read({ enc: 'json', data: '{}' }).value()).toEqual({ encoding: 'json', digest, inline: '{}', partCount: 0 })
    expect(read({ enc: 'json', parts: 3, digest }).value()).toEqual({
      encoding: 'json',
      digest,
      inline: undefined,
      partCount: 3,
    })
  })

  const nothing = { missing: undefined, null: null }
  const wrong = {
    string: { ...nothing, number: 7, flag: true, list: ['a'], map: { S: 'a' }, bytes: Uint8Array.of(1) },
    optionalString: { null: null, number: 7, flag: true, list: ['a'], bytes: Uint8Array.of(1) },
    optionalCount: { null: null, text: '7', negative: -1, fraction: 1.5, NaN: Number.NaN, unsafe: 2 ** 53 },
    count: { ...nothing, text: '7', negative: -1, fraction: 1.5, NaN: Number.NaN, unsafe: 2 ** 53 },
    bytes: { ...nothing, text: 'a', list: [1], buffer: new ArrayBuffer(1) },
    flag: { null: null, text: 'true', number: 1 },
  } as const
  const wants = {
    string: 'has no text',
    optionalString: 'has no text',
    optionalCount: 'has no whole number',
    count: 'has no whole number',
    bytes: 'has no bytes',
    flag: 'has neither true nor false',
  } as const
  const kinds = ['string', 'optionalString', 'count', 'optionalCount', 'bytes', 'flag'] as const
  const cases = kinds.flatMap((kind) => Object.entries(wrong[kind]).map(([what, value]) => ({ kind, what, value })))

  test.each(cases)('$kind: $what is an error that names the item and the attribute', ({ kind, value }) => {
    expect(errorOf(() => read({ x: value })[kind]('x'))).toMatchObject(corrupted(`${wants[kind]} in 'x'`))
  })

  test.each([['0'], ['3-1'], ['1,'], ['a'], ['1-9999999999']])('ranges: %j is an error that names the item', (text) => {
    expect(errorOf(() => read({ x: text }).ranges('x'))).toMatchObject(corrupted("has no sequence numbers in 'x'"))
  })

  test.each([[null], [7], [['1-3']]])('ranges: %j is no text', (value) => {
    expect(errorOf(() => read({ x: value }).ranges('x'))).toMatchObject(corrupted("has no text in 'x'"))
  })

  test.each([
    ['an unknown encoding', { enc: 'zstd', data: '' }, "has an unknown encoding in 'enc'"],
    ['no encoding', { data: '' }, "has an unknown encoding in 'enc'"],
    ['no data', { enc: 'json' }, "has no text in 'data'"],
    ['binary data', { enc: 'json', data: Uint8Array.of(1) }, "has no text in 'data'"],
    ['parts without a digest', { enc: 'json', parts: 1 }, "has no text in 'digest'"],
    ['a number of parts that is none', { enc: 'json', parts: '1', digest: 'd' }, "has no whole number in 'parts'"],
  ])('value: %s is an error that names the item', (_, attributes, problem) => {
    expect(errorOf(() => read(attributes).value())).toMatchObject(corrupted(problem))
  })

  test.each([MAX_PARTS + 1, 2 ** 40, Number.MAX_SAFE_INTEGER])('value: %i parts cannot be', (parts) => {
    expect(errorOf(() => read({ enc: 'json', parts, digest: 'd' }).value())).toMatchObject({
      name: 'SessionCorruptedError',
      key,
    })
  })

  it('refuses items of a newer format, and says what to do', () => {
    expect(errorOf(() => readAttributes({ ...key, v: FORMAT_VERSION + 1 }))).toMatchObject({
      name: 'NewerFormatError',
      key,
      version: FORMAT_VERSION + 1,
      message:
        "Item { pk: 'session#s', sk: 'agent#a#msg#head' } has format version 2, this release reads up to 1. " +
        'Update strands-session-dynamodb.',
    })
  })

  test.each([[undefined], [null], ['1'], [-1], [1.5]])('refuses items of the format version %j', (v) => {
    expect(errorOf(() => readAttributes({ ...key, v }))).toMatchObject(corrupted("has no whole number in 'v'"))
  })
})

describe('an item with its checksum', () => {
  const mismatch = corrupted('does not match its checksum')
  const item = seal({ ...key, v: FORMAT_VERSION, text: 'a', count: 7, bytes: Uint8Array.of(1, 2), flag: true })

  it('is what it was, and 12 characters', () => {
    expect(item).toEqual(sealed({ ...key, v: 1, text: 'a', count: 7, bytes: Uint8Array.of(1, 2), flag: true }))
    // The checksum of items in tables: a release that computes another one cannot read them.
    expect(seal({ ...key, v: 1, window: '1-2', last: 2 })).toEqual({
      ...key,
      v: 1,
      window: '1-2',
      last: 2,
      sum: 'B3bdbcIF7gnk',
    })
    expect(readAttributes(item).count('count')).toBe(7)
  })

  it('reads the same in whatever order its attributes come, and after a round trip', () => {
    const reversed = Object.fromEntries(Object.entries(item).reverse())
    expect(readAttributes(reversed).count('count')).toBe(7)
    expect(readAttributes({ ...item, bytes: Buffer.from([1, 2]) }).count('count')).toBe(7)
    expect(seal(item)).toEqual(item)
  })

  test.each<[string, Item]>([
    ['a changed text', { ...item, text: 'b' }],
    ['a changed number', { ...item, count: 8 }],
    ['a number that became a text', { ...item, count: '7' }],
    ['a number beyond what is exact', { ...item, count: 7n }],
    ['numbers beyond what is exact inside another value', { ...item, list: [2n ** 64n], map: { a: [7n] } }],
    ['a changed byte', { ...item, bytes: Uint8Array.of(1, 3) }],
    ['bytes that became a text', { ...item, bytes: 'a' }],
    ['a changed flag', { ...item, flag: false }],
    ['an attribute too many', { ...item, detached: true }],
    ['an attribute of no meaning', { ...item, toJSON: 'x' }],
    ['an attribute too few', { ...key, v: 1, text: 'a', count: 7, bytes: item['bytes'], sum: item['sum'] }],
    ['attributes that were swapped', { ...item, text: 7, count: 'a' }],
    ['no checksum', { ...item, sum: undefined }],
    ['an empty checksum', { ...item, sum: '' }],
    ['the checksum of another item', { ...item, sum: seal({ ...key, v: 1 })['sum'] }],
    ['a checksum that is no text', { ...item, sum: 7 }],
  ])('is not believed with %s', (_, damaged) => {
    expect(errorOf(() => readAttributes(damaged))).toMatchObject(mismatch)
  })

  test.each([
    { pk: 'session#s', sk: 'agent#a#msg#state' },
    { pk: 'session#s', sk: 'agent#b#msg#head' },
    { pk: 'session#t', sk: 'agent#a#msg#head' },
    { pk: 'tenant#t#session#s', sk: 'agent#a#msg#head' },
  ])('is not believed at $pk $sk, where it was not written', (elsewhere) => {
    expect(errorOf(() => readAttributes({ ...item, ...elsewhere }))).toMatchObject({
      ...{ name: 'SessionCorruptedError', key: elsewhere },
      message: expect.stringContaining('does not match its checksum'),
    })
  })

  it('may be given another time to expire', () => {
    expect(readAttributes({ ...item, expiresAt: 1_767_225_600 }).count('count')).toBe(7)
    expect(readAttributes({ ...seal({ ...item, expiresAt: 1 }), expiresAt: 2 }).count('count')).toBe(7)
    expect(seal({ ...item, expiresAt: 1 })['sum']).toBe(item['sum'])
  })

  it('is one of the format that is read first: a newer release may compute another checksum', () => {
    expect(errorOf(() => readAttributes({ ...item, v: 2 }))).toMatchObject({ name: 'NewerFormatError', version: 2 })
  })

  it('is any item but that of the session, whose attributes are updated one by one', () => {
    const session = { pk: 'session#s', sk: 'session', v: 1, title: 'Hello' }
    expect(readAttributes(session).string('title')).toBe('Hello')
    expect(errorOf(() => readAttributes({ ...session, sk: 'session2' }))).toMatchObject({
      name: 'SessionCorruptedError',
      key: { pk: 'session#s', sk: 'session2' },
    })
  })

  it('is not believed with another value in place of any attribute', () => {
    const value = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null))
    fc.assert(
      fc.property(fc.dictionary(fc.string(), value), fc.string(), value, (attributes, name, changed) => {
        fc.pre(!['pk', 'sk', 'v', 'sum', 'expiresAt', '__proto__'].includes(name))
        const whole = seal({ ...attributes, ...key, v: 1 })
        fc.pre(!Object.hasOwn(whole, name) || whole[name] !== changed)
        expect(() => readAttributes(whole)).not.toThrow()
        expect(errorOf(() => readAttributes({ ...whole, [name]: changed }))).toMatchObject(mismatch)
      }),
    )
  })
})

describe('keyOf', () => {
  it('takes the key out of an item, even out of one that has none', () => {
    expect(keyOf({ ...key, v: 1, data: '' })).toEqual(key)
    expect(keyOf({})).toEqual({ pk: 'undefined', sk: 'undefined' })
  })
})
