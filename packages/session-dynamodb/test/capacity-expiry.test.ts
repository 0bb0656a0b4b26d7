/** What it costs to keep a session with a time to live alive, beside one without. */

import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { passSeconds, stopClock } from './support/clock.ts'
import { countRequests, createTestTable, type RequestCounter, sumCapacity, type TestTable } from './support/table.ts'
import { always, testSession } from './support/test-session.ts'

const DAY = 24 * 3600
const TTL = 10 * DAY
/** Four times the time to live, with a turn every other day. */
const TURNS = 20

let table: TestTable
let counter: RequestCounter

beforeAll(async () => {
  table = await createTestTable()
  counter = countRequests(table.client)
})

afterAll(() => table.drop())

beforeEach(stopClock)

afterEach(() => {
  vi.useRealTimers()
})

test('a session in steady use is renewed at most once in 7/8 of its time to live, at a write of each item', async () => {
  const plain = await unitsOfTurns(undefined)
  const expiring = await unitsOfTurns(TTL)
  const more = expiring.map((units, turn) => units - (plain[turn] ?? 0))
  const renewals = more.flatMap((units, turn) => (units > 0 ? [{ turn, units }] : []))
  // A write of the head, of the state and of two rows for each turn before, and two of the session's own item. A third one
  // was refused at first, which costs a unit that DynamoDB does not report.
  const unitsAt = (turn: number): number => 2 + 2 * turn + 2
  expect(renewals).toEqual([5, 10, 15].map((turn) => ({ turn, units: unitsAt(turn) })))
})

/** Write units of each turn, each in a new process. */
async function unitsOfTurns(ttlSeconds: number | undefined): Promise<number[]> {
  const session = testSession(table, { ttlSeconds })
  const units: number[] = []
  for (let turn = 0; turn < TURNS; turn++) {
    counter.reset()
    await session.agent(always('Yes.')).invoke(`${turn}?`)
    units.push(sumCapacity(counter.reset()).writeUnits)
    passSeconds(2 * DAY)
  }
  return units
}
