import { expect, test } from 'vitest'
import type { TurnRequests } from '../traces/run.ts'
import { sampleOf } from './session.ts'

const prices = { write: 1, read: 1, storage: 0 }
const stored = { bytes: 1_000, items: 3 }
const query = { operation: 'Query', readUnits: 4, writeUnits: 0, round: 1 }
const put = (round: number): typeof query => ({ operation: 'PutItem', readUnits: 0, writeUnits: 2, round })

test('sums up a turn, and averages over the session', () => {
  const turns = [turnOf(1, [], [put(1)]), turnOf(2, [query], [put(1), put(1), put(2)])]
  expect(sampleOf(turns, stored, 'cold', prices)).toEqual({
    turn: 2,
    writeUnits: 6,
    readUnits: 4,
    roundTrips: 3,
    resume: { readUnits: 4, roundTrips: 1 },
    storedBytes: 1_000,
    storedItems: 3,
    cpuMs: 1.5,
    mean: { writeUnits: 4, readUnits: 2 },
    monthlyPrice: 6,
  })
})

test('warm agents have no resume; processor time is the mean of the last ten turns', () => {
  const turns = Array.from({ length: 12 }, (_, index) => turnOf(index + 1, [], [put(1)]))
  const sample = sampleOf(turns, stored, 'warm', prices)
  expect(sample).not.toHaveProperty('resume')
  expect(sample.cpuMs).toBe(7.5)
})

function turnOf(turn: number, resume: TurnRequests['resume'], save: TurnRequests['save']): TurnRequests {
  return { turn, resume, save, windowMessages: 0, cpuMs: turn }
}
