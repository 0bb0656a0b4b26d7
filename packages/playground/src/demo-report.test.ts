import { expect, test } from 'vitest'
import { costLines, itemLines, turnLines } from './demo-report.ts'
import { paintFor } from './format.ts'
import type { TurnFacts } from './turn.ts'

const paint = paintFor({}, {})
const TURN: TurnFacts = {
  question: 'What is 2 + 3?',
  answer: '2 + 3 = 5.',
  tools: [{ name: 'calculator', input: '{"expression":"2 + 3"}', result: '2 + 3 = 5' }],
  messages: 4,
  requests: 4,
  capacity: { readUnits: 0, writeUnits: 4 },
}

test('shows who said what', () => {
  expect(turnLines(TURN, paint)).toEqual([
    '  you   What is 2 + 3?',
    '  tool  calculator {"expression":"2 + 3"} → 2 + 3 = 5',
    '  agent 2 + 3 = 5.',
  ])
})

test('lists the items with their sizes', () => {
  const item = { partitionKey: 'session#s', sortKey: 'session', what: 'the session', bytes: 1_234 }
  expect(itemLines([item], paint)).toEqual([
    '1 item in the table, 1,234 bytes, all with the partition key session#s',
    '  sort key  what         bytes',
    '  session   the session  1,234',
  ])
})

test('sets the cost of both stores side by side, and sums them', () => {
  const later = { ...TURN, messages: 2, capacity: { readUnits: 1.5, writeUnits: 2 } }
  const other = { ...TURN, capacity: { readUnits: 0, writeUnits: 1_030 } }
  expect(costLines([TURN, later], [other, other], paint).slice(1, -1)).toEqual([
    '  turn  messages so far  log WCU  log RCU  snapshots WCU  snapshots RCU',
    '     1                4        4        0          1,030              0',
    '     2                6        2      1.5          1,030              0',
    '   sum                6        6      1.5          2,060              0',
  ])
})
