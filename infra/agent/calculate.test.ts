import { expect, test } from 'vitest'
import { calculate } from './calculate.ts'

test.each([
  ['12 * 7', 84],
  ['2 + 3 * 4', 14],
  ['(2 + 3) * 4', 20],
  ['10 - 4 - 3', 3],
  ['8 / 4 / 2', 1],
  ['-3 + 1.5', -1.5],
  ['6 × 7 ÷ 2', 21],
])('%s = %d', (expression, value) => {
  expect(calculate(expression)).toBe(value)
})

test.each(['', '2 +', '(2 + 3', '2 3', '1 / 0', 'process.exit()'])("refuses '%s'", (expression) => {
  expect(() => calculate(expression)).toThrow(RangeError)
})
