import { describe, expect, test } from 'vitest'
import { paintFor } from '../format.ts'
import type { ProtectionFacts, RaceFacts } from './facts.ts'
import { checkPromises, raceLines } from './report.ts'

const protection: ProtectionFacts = {
  turns: 20,
  writeUnitsPerTurn: 4.5,
  writeUnitsPerTurnWithoutExclusion: 4.5,
  requestsPerTurn: 5,
  requestsPerTurnWithoutExclusion: 5,
}

const calm: RaceFacts = {
  ...{ mode: 'waiting', writers: 3, sessions: 2, started: 18, acknowledged: 18, busy: 0, conflicts: 0, failures: [] },
  ...{ wasted: 0, stored: 18, lost: 0, counted: 0, leftOver: 0, problems: [], seconds: 1.25 },
}
const busy: RaceFacts = { ...calm, mode: 'not waiting', acknowledged: 6, busy: 12, stored: 6 }
const plain: RaceFacts = { ...calm, mode: 'without exclusion', acknowledged: 5, conflicts: 13, stored: 5, leftOver: 4 }

function broken(races: readonly RaceFacts[], cost: ProtectionFacts = protection): string[] {
  return checkPromises(races, cost).flatMap(({ promise, kept }) => (kept ? [] : [promise]))
}

describe('the promises', () => {
  test('are kept by races in which nothing was lost', () => {
    expect(broken([calm, busy, plain])).toEqual([])
  })

  test.each([
    ['a lost turn', { ...plain, lost: 1 }, /lost/],
    ['a turn that waited and was not acknowledged', { ...calm, acknowledged: 17 }, /^waiting/],
    ['a change of state that was lost', { ...calm, mode: 'waiting, with state' as const, counted: 17 }, /state/],
    ['a fragment between turns of writers that wait', { ...calm, leftOver: 1 }, /^waiting/],
    ['a turn that was neither acknowledged nor busy', { ...busy, busy: 11, conflicts: 1 }, /^not waiting/],
    ['a busy turn that called the model', { ...busy, wasted: 1 }, /^not waiting/],
    ['a turn that was neither acknowledged nor a conflict', { ...plain, conflicts: 12, failures: ['oh'] }, /^without/],
    ['a session that is not whole', { ...calm, problems: ['oh'] }, /whole/],
  ])('are broken by %s', (_what, race, promise) => {
    expect(broken([calm, race])).toEqual([expect.stringMatching(promise)])
  })

  test('are broken by protection that costs something', () => {
    expect(broken([calm], { ...protection, writeUnitsPerTurn: 5.5 })).toEqual([expect.stringMatching(/nothing extra/)])
    expect(broken([calm], { ...protection, requestsPerTurn: 6 })).toEqual([expect.stringMatching(/nothing extra/)])
  })
})

test('the report is aligned, and says what is wrong', () => {
  const races = [calm, { ...busy, failures: ['Error: out of order'] }]
  const promises = checkPromises(races, protection)
  const lines = raceLines({ engine: 'DynamoDB Local 3.3.1', races, protection, promises }, paintFor({}))
  const [header = '', waiting = '', notWaiting = ''] = lines.slice(2)
  expect(header.indexOf('lost') + 'lost'.length).toBe(waiting.lastIndexOf('  0  ') + '  0'.length)
  expect(new Set([header, waiting, notWaiting].map(({ length }) => length)).size).toBe(1)
  expect(lines.join('\n')).toContain('4.5 WCU each with turn exclusion, 4.5 WCU without; it costs 0 WCU more')
  expect(lines.at(-1)).toBe('Error: out of order')
})
