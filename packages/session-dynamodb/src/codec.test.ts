import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { digestOf, type EncodedValue, encode, INLINE_LIMIT, join } from './codec.ts'

const decode = ({ inline, parts, digest }: EncodedValue): string | undefined => inline ?? join(parts, digest)

/** JSON texts of all sizes up to about four parts, many of them at a limit, in letters of one to four bytes. */
const largeText = fc
  .tuple(
    fc.constantFrom('x', 'é', '界', '😀', '\ud83d'),
    fc.constantFrom(1, 2, 3),
    fc.integer({ min: -5, max: 5 }),
    fc.string({ unit: 'binary-ascii', maxLength: 4 }),
  )
  .map(([unit, parts, offset, head]) => {
    const letters = Math.floor((parts * INLINE_LIMIT + offset) / Buffer.byteLength(unit))
    return JSON.stringify(head + unit.repeat(letters))
  })
const smallText = fc.json({ stringUnit: 'binary' })

describe('encode', () => {
  it('keeps a small value in its item', () => {
    expect(encode('{"a":1}')).toEqual({ encoding: 'json', digest: digestOf('{"a":1}'), inline: '{"a":1}', parts: [] })
  })

  it('has an inverse', () => {
    fc.assert(fc.property(smallText, (text) => decode(encode(text)) === text))
    fc.assert(
      fc.property(largeText, (text) => decode(encode(text)) === text),
      { numRuns: 12 },
    )
  })

  test.each([
    [INLINE_LIMIT - 1, []],
    [INLINE_LIMIT, []],
    [INLINE_LIMIT + 1, [INLINE_LIMIT, 1]],
    [2 * INLINE_LIMIT, [INLINE_LIMIT, INLINE_LIMIT]],
    [2 * INLINE_LIMIT + 1, [INLINE_LIMIT, INLINE_LIMIT, 1]],
  ])('cuts %i bytes into parts of %j', (size, expected) => {
    const text = 'x'.repeat(size)
    const { inline, parts } = encode(text)
    expect(parts.map((part) => part.byteLength)).toEqual(expected)
    expect(inline === undefined ? undefined : inline.length).toBe(expected.length === 0 ? size : undefined)
  })

  test.each([0, 1, 2, 3])('counts bytes, and may cut a letter of four bytes after %i', (offset) => {
    const text = `${'x'.repeat(INLINE_LIMIT - offset)}😀`
    const value = encode(text)
    expect(value.parts.map((part) => part.byteLength)).toEqual([INLINE_LIMIT, 4 - offset].filter((size) => size > 0))
    expect(decode(value) === text).toBe(true)
  })

  it('counts bytes, not characters', () => {
    expect(encode('界'.repeat(INLINE_LIMIT / 3)).parts).toEqual([])
    expect(encode('界'.repeat(INLINE_LIMIT / 3 + 1)).parts).toHaveLength(2)
  })
})

describe('join', () => {
  const text = `${'x'.repeat(INLINE_LIMIT)}${'y'.repeat(INLINE_LIMIT)}z`
  const { parts, digest } = encode(text)
  const [first, second, third] = parts as [Uint8Array, Uint8Array, Uint8Array]

  it.each([
    ['a missing part', [first, second]],
    ['no part', []],
    ['swapped parts', [second, first, third]],
    ['a part twice', [first, second, third, third]],
    ['a changed part', [first, second, Buffer.from('Z')]],
  ])('refuses %s', (_, damaged) => {
    expect(join(damaged, digest)).toBeUndefined()
  })

  it('refuses parts of another value', () => {
    expect(join(parts, digestOf('another'))).toBeUndefined()
  })
})

describe('digestOf', () => {
  it('is the start of a SHA-256 in base64url, which DynamoDB keys can hold', () => {
    // https://csrc.nist.gov/projects/cryptographic-standards-and-guidelines/example-values: SHA-256 of 'abc'
    expect(digestOf('abc')).toBe(
      Buffer.from('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', 'hex')
        .toString('base64url')
        .slice(0, 20),
    )
  })

  it('tells texts apart', () => {
    fc.assert(
      fc.property(smallText, smallText, (one, other) => {
        expect(digestOf(one) === digestOf(other)).toBe(one === other)
      }),
    )
  })
})
