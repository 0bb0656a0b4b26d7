import { describe, expect, it, test } from 'vitest'
import { errorOf } from '../test/support/mocked-client.ts'
import { keyOf, readAttributes } from './attributes.ts'
import { digestOf } from './codec.ts'
import { MAX_PARTS } from './keys.ts'
import { FORMAT_VERSION } from './schema.ts'

const key = { pk: 'session#s', sk: 'agent#a#msg#head' }
const read = (attributes: Record<string, unknown>) => readAttributes({ ...key, v: FORMAT_VERSION, ...attributes })
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
      attributes.ranges('window'),
      attributes.ranges('none'),
      attributes.ranges('absent'),
    ]).toEqual(['', 0, Uint8Array.of(1), true, false, false, [2, 3, 4, 9], [], undefined])
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
    count: { ...nothing, text: '7', negative: -1, fraction: 1.5, NaN: Number.NaN, unsafe: 2 ** 53, bigint: 7n },
    bytes: { ...nothing, text: 'a', list: [1], buffer: new ArrayBuffer(1) },
    flag: { null: null, text: 'true', number: 1 },
  } as const
  const wants = {
    string: 'has no text',
    count: 'has no whole number',
    bytes: 'has no bytes',
    flag: 'has neither true nor false',
  } as const
  const cases = (['string', 'count', 'bytes', 'flag'] as const).flatMap((kind) =>
    Object.entries(wrong[kind]).map(([what, value]) => ({ kind, what, value })),
  )

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

describe('keyOf', () => {
  it('takes the key out of an item, even out of one that has none', () => {
    expect(keyOf({ ...key, v: 1, data: '' })).toEqual(key)
    expect(keyOf({})).toEqual({ pk: 'undefined', sk: 'undefined' })
  })
})
