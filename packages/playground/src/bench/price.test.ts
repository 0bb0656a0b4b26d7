import { expect, test } from 'vitest'
import { monthlyPrice } from './price.ts'

const nothing = { turns: 10, mean: { writeUnits: 0, readUnits: 0 }, storedBytes: 0, storedItems: 0 }
const prices = { write: 2, read: 0.5, storage: 3 }

test('a million turns cost a million times the units of a turn', () => {
  expect(monthlyPrice({ ...nothing, mean: { writeUnits: 7, readUnits: 0 } }, prices)).toBe(14)
  expect(monthlyPrice({ ...nothing, mean: { writeUnits: 0, readUnits: 7 } }, prices)).toBe(3.5)
})

test('stores the sessions that a million turns make, each item with what the service adds to it', () => {
  // 100,000 sessions of ten turns.
  const bytes = 2 ** 30 / 100_000
  expect(monthlyPrice({ ...nothing, storedBytes: bytes - 200, storedItems: 2 }, prices)).toBeCloseTo(3, 9)
  expect(monthlyPrice({ ...nothing, turns: 5, storedBytes: bytes }, prices)).toBeCloseTo(6, 9)
})
