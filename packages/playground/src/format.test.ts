import { expect, test } from 'vitest'
import { alignRows, countOf, formatNumber, oneLine, paintFor } from './format.ts'

test('aligns texts to the left and numbers to the right', () => {
  const rows = [
    ['key', 'bytes', 'what'],
    ['a', 1_234, 'one'],
    ['long key', 5, 'two'],
  ]
  expect(alignRows(rows)).toEqual(['key       bytes  what', 'a         1,234  one', 'long key      5  two'])
  expect(alignRows([])).toEqual([])
})

test('colours terminals only, and none when NO_COLOR is set', () => {
  expect(paintFor({ isTTY: true }, {}).red('x')).toBe('\u001b[31mx\u001b[0m')
  expect(paintFor({ isTTY: true }, { NO_COLOR: '1' }).red('x')).toBe('x')
  expect(paintFor({}, {}).red('x')).toBe('x')
})

test('writes numbers and counts as people do', () => {
  expect([formatNumber(1_234_567), formatNumber(0.5), countOf(1, 'item'), countOf(2, 'item')]).toEqual([
    '1,234,567',
    '0.5',
    '1 item',
    '2 items',
  ])
})

test('cuts a text to one line', () => {
  expect([oneLine(' a\n b ', 9), oneLine('abcdef', 4)]).toEqual(['a b', 'abc…'])
})
