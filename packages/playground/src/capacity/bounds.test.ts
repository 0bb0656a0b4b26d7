import { expect, test } from 'vitest'
import { checkBounds } from './bounds.ts'
import { averagesOf, costOf, type SessionFacts } from './facts.ts'
import { someFacts, someTurns } from './fixture.ts'

test('keeps every bound of a session whose cost does not grow', () => {
  const bounds = checkBounds(someFacts(), 40)
  expect(bounds.filter(({ met }) => !met)).toEqual([])
  expect(bounds).toHaveLength(11)
})

test.each<[string, Partial<SessionFacts>]>([
  ['apart from turns', { averages: averages(4.5, 6) }],
  ['WCU per turn, turns 291 to 300', { averages: averages(6.6, 6.6) }],
  ['requests of a resume', { mostResumeRequests: 2 }],
  ['RCU of the resume at turn 20', { sampled: samples({ turn: 20, readUnits: 13, windowReadUnits: 13 }) }],
  ['RCU of the resume at turn 300', { sampled: samples({ turn: 300, readUnits: 13, windowReadUnits: 13 }) }],
  ['RCU of the resume at turn 20, times', { sampled: samples({ turn: 20, readUnits: 12 }) }],
  ['message rows', { irregularAppends: 1 }],
  ['unchanged state', { stateWrites: 1 }],
  ['messages restored', { sampled: samples({ turn: 300, windowMessages: 44 }) }],
  ['messages in the table', { sampled: samples({ turn: 300, tableMessages: 1199 }) }],
])('finds that a bound is broken: %s', (name, change) => {
  const broken = checkBounds({ ...someFacts(), ...change }, 40).filter(({ met }) => !met)
  expect(broken.map((bound) => bound.name)).toEqual([expect.stringContaining(name)])
})

test('leaves out the bounds that need more turns', () => {
  const { averages: _, ...facts } = someFacts()
  const first = { ...facts, sampled: samples({ turn: 20 }).slice(0, 1) }
  expect(checkBounds(first, 40).map(({ name }) => name)).not.toContainEqual(expect.stringContaining('WCU'))
})

test('averages turns 21 to 30 and the last ten, when these are apart', () => {
  expect(averagesOf(someTurns(39))).toBeUndefined()
  expect(averagesOf(someTurns(40))).toEqual({
    early: { firstTurn: 21, lastTurn: 30, writeUnits: 6 },
    late: { firstTurn: 31, lastTurn: 40, writeUnits: 6 },
  })
})

test('sums up the requests of a turn', () => {
  const put = { operation: 'PutItem', readUnits: 0, writeUnits: 4, round: 1 }
  const resume = [{ operation: 'Query', readUnits: 15, writeUnits: 0, round: 1 }]
  expect(costOf({ turn: 3, resume, save: [put, put], windowMessages: 8, cpuMs: 1 })).toEqual({
    turn: 3,
    writeUnits: 8,
    readUnits: 15,
    resumeRequests: 1,
    saveRequests: 2,
    windowMessages: 8,
  })
})

function averages(early: number, late: number): NonNullable<SessionFacts['averages']> {
  return {
    early: { firstTurn: 21, lastTurn: 30, writeUnits: early },
    late: { firstTurn: 291, lastTurn: 300, writeUnits: late },
  }
}

/** The samples of {@link someFacts}, one of them changed. */
function samples(change: Partial<SessionFacts['sampled'][number]>): SessionFacts['sampled'] {
  return someFacts().sampled.map((sample) => (sample.turn === change.turn ? { ...sample, ...change } : sample))
}
