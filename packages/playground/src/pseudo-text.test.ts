import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { createTextSource } from './pseudo-text.ts'

test('makes texts of exactly the length that is asked for', () => {
  const source = createTextSource(1)
  for (const length of [0, 1, 2, 60, 250, 3072]) {
    expect(source.prose(length)).toHaveLength(length)
    expect(source.hits(length)).toHaveLength(length)
  }
})

test('makes the same texts for the same seed, and others for another one', () => {
  const [one, same, other] = [createTextSource(7), createTextSource(7), createTextSource(8)]
  const first = one.prose(250)
  expect(same.prose(250)).toBe(first)
  expect(other.prose(250)).not.toBe(first)
  expect(one.prose(250)).not.toBe(first)
})

test.each([
  [250, 1.2, 1.6],
  [1_024, 1.6, 2],
  [3_072, 2, 2.4],
  [20_480, 2.4, 3],
])('makes text of %i characters that compresses like prose: neither noise nor repetition', (length, least, most) => {
  const source = createTextSource(1)
  for (const text of [source.prose(length), source.hits(length)]) {
    const ratio = text.length / gzipSync(text).byteLength
    expect(ratio).toBeGreaterThan(least)
    expect(ratio).toBeLessThan(most)
  }
})

test('makes noise that does not compress', () => {
  const noise = createTextSource(1).noise(10_000)
  expect(noise).toHaveLength(10_000)
  expect(gzipSync(noise).byteLength).toBeGreaterThanOrEqual(10_000)
  expect(createTextSource(2).noise(10_000)).not.toEqual(noise)
})
