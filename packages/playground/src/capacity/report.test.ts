import { expect, test } from 'vitest'
import { paintFor } from '../format.ts'
import { MESSAGES_PER_TURN, TRACE_LENGTHS } from '../traces/turns.ts'
import { someFacts, someStock } from './fixture.ts'
import { reportLines } from './report.ts'

const plain = paintFor({ isTTY: false }, {})
const trace = { turns: 300, messagesPerTurn: MESSAGES_PER_TURN, windowSize: 40, characters: TRACE_LENGTHS } as const

test('prints the sampled turns, the last turn’s writes, the other stores and the bounds', () => {
  const facts = { engine: 'DynamoDB Local 3', trace, session: someFacts(), stock: someStock(), bounds: [] }
  const text = reportLines(facts, plain).join('\n')

  expect(text).toMatch(
    /^DynamoDB Local 3\n300 turns of 4 messages: user 250 characters, .*tool result 3,072, answer 900/,
  )
  expect(text).toMatch(/^ +20 +6 +5 +10 +1 +9 +1\.11 +40 +80$/m)
  expect(text).toMatch(/^ +300 +6 +5 +10 +1 +9 +1\.11 +40 +1,200$/m)
  expect(text).toContain('6 WCU per turn in turns 21 to 30, 6 WCU per turn in turns 291 to 300')
  expect(text).toMatch(/PutItem +agent#agent#msg#head +the window: what the model sees +1$/m)
  expect(text).toMatch(/^ +81 +6 +1,974 +10 +98$/m)
  expect(text).toMatch(/^ +82 +6 +fails +10 +fails$/m)
  expect(text).toContain('fails at turn 82; the answer that the model gave is lost: ValidationException: too large')
})

test('says which bound is broken', () => {
  const bound = { name: 'WCU per turn', measured: 9.75, limit: 9.5, exactly: false, met: false }
  const facts = { engine: 'DynamoDB Local 3', trace, session: someFacts(), stock: [], bounds: [bound] }
  expect(reportLines(facts, plain).at(-1)).toBe('  BROKEN  WCU per turn  9.75  at most 9.5')
})
