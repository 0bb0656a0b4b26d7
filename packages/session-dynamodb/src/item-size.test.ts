import { expect, test } from 'vitest'
import { itemSize, writeUnits } from './item-size.ts'

test.each([
  [{}, 0],
  [{ pk: 'session#s' }, 11],
  [{ a: 'ü€😀' }, 10],
  [{ ü: '' }, 2],
  [{ data: Uint8Array.of(1, 2, 3) }, 7],
  [{ detached: true }, 9],
  [{ n: 0 }, 2],
  [{ n: 7 }, 3],
  [{ n: 12 }, 3],
  [{ n: 123 }, 4],
  [{ n: 1_200_000 }, 3],
  [{ n: 1_767_225_600 }, 6],
  [{ pk: 'p', sk: 's', v: 1 }, 9],
])('the size of %j is %i bytes', (item, size) => {
  expect(itemSize(item)).toBe(size)
})

test.each([
  [1, 1],
  [1024, 1],
  [1025, 2],
  [409_600, 400],
])('writing %i bytes costs %i units', (size, units) => {
  expect(writeUnits(size)).toBe(units)
})
