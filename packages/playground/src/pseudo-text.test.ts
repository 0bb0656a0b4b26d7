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

test('makes text that compresses like prose: to about half, neither noise nor repetition', () => {
  const source = createTextSource(1)
  for (const text of [source.prose(3072), source.hits(3072)]) {
    const ratio = gzipSync(text).byteLength / text.length
    expect(ratio).toBeGreaterThan(0.4)
    expect(ratio).toBeLessThan(0.6)
  }
})
