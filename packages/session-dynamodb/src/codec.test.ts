import { randomBytes } from 'node:crypto'
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { compress, decode, digestOf, slice, VALUE_LIMIT } from './codec.ts'

const smallText = fc.json({ stringUnit: 'binary' })
const image = (bytes: number): string => JSON.stringify(randomBytes(bytes).toString('base64'))
const prose = (length: number): string => JSON.stringify('The answer to question 42 is in row 7. '.repeat(length / 39))

async function packed(text: string): Promise<Parameters<typeof decode>[0]> {
  return { encoding: 'br', digest: digestOf(text), data: await compress(text) }
}

describe('compress', () => {
  it('has an inverse', async () => {
    await fc.assert(fc.asyncProperty(smallText, async (text) => (await decode(await packed(text))) === text))
  })

  test.each([
    ['an image', image(300_000)],
    ['prose', prose(300_000)],
    ['text behind an image', `[${image(100_000)},${prose(100_000)}]`],
    ['letters of four bytes', JSON.stringify('😀'.repeat(50_000))],
  ])('has an inverse for what is long: %s', async (_, text) => {
    expect((await decode(await packed(text))) === text).toBe(true)
  })

  it('takes the quarter off base64 that base64 has put on', async () => {
    const text = image(300_000)
    expect((await compress(text)).byteLength).toBeLessThan(1.01 * 300_000)
  })

  it('is Brotli, which any other program reads', async () => {
    const text = prose(3_000)
    expect(brotliDecompressSync(await compress(text)).toString()).toBe(text)
  })
})

describe('decode', () => {
  const text = '{"a":1}'

  it('leaves JSON as it is', async () => {
    const digest = digestOf(text)
    expect(await decode({ encoding: 'json', digest, data: text })).toBe(text)
    expect(await decode({ encoding: 'json', digest, data: Uint8Array.from(Buffer.from(text)) })).toBe(text)
  })

  test.each([
    ['another text', { encoding: 'json' as const, data: '{"a":2}' }],
    ['another text, compressed', { encoding: 'br' as const, data: brotliCompressSync('{"a":2}') }],
    ['what is not compressed', { encoding: 'br' as const, data: Buffer.from(text) }],
    ['a part of what it was', { encoding: 'br' as const, data: brotliCompressSync(text).subarray(0, 5) }],
    ['nothing', { encoding: 'br' as const, data: new Uint8Array() }],
  ])('refuses %s', async (_, stored) => {
    expect(await decode({ ...stored, digest: digestOf(text) })).toBeUndefined()
  })

  it('refuses what would fill the memory', async () => {
    const bomb = brotliCompressSync(Buffer.alloc(VALUE_LIMIT + 1))
    expect(await decode({ encoding: 'br', digest: digestOf(text), data: bomb })).toBeUndefined()
  })
})

test('slice cuts bytes into pieces of a size', () => {
  const cut = (length: number): number[] => slice(new Uint8Array(length), 3).map((piece) => piece.byteLength)
  expect([cut(0), cut(2), cut(3), cut(4), cut(6), cut(7)]).toEqual([[], [2], [3], [3, 1], [3, 3], [3, 3, 1]])
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1 }), fc.integer({ min: 1, max: 9 }), (bytes, size) => {
      expect(Buffer.concat(slice(bytes, size))).toEqual(Buffer.from(bytes))
    }),
  )
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
