/** Several writers with crashes, late awakenings, restarts and deletions, in any order, against a reference in memory. */

import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { createTestTable, type TestTable } from './support/table.ts'
import { testSession } from './support/test-session.ts'
import {
  Delete,
  LEASE,
  PassLease,
  type Point,
  type Reference,
  Restart,
  RunTurn,
  Stall,
  Wake,
  WRITERS,
  type Writers,
} from './support/writers-model.ts'

let table: TestTable

beforeAll(async () => {
  table = await createTestTable()
})

afterAll(() => table.drop())

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
})

afterEach(() => vi.useRealTimers())

/** How long the random histories may take together, in real milliseconds; none is begun later. */
const BUDGET_MS = Number(process.env['WRITERS_MODEL_MS'] ?? 10_000)

test('whatever several writers do, the session holds what was acknowledged', { timeout: 4 * BUDGET_MS }, async () => {
  const writer = fc.nat({ max: WRITERS - 1 })
  const id = fc.option(fc.constantFrom('event-1', 'event-2'), { nil: undefined })
  const point = fc.constantFrom<Point>('asked', 'seen')
  const commands = fc.commands(
    [
      fc.tuple(writer, id).map((parameters) => new RunTurn(...parameters)),
      fc.tuple(writer, id).map((parameters) => new RunTurn(...parameters)),
      fc.tuple(point, id).map((parameters) => new Stall(...parameters)),
      fc.constant(new PassLease()),
      fc.constant(new PassLease()),
      fc.constant(new Wake()),
      writer.map((which) => new Restart(which)),
      fc.constant(new Delete()),
    ],
    { maxCommands: 14, size: 'max' },
  )
  const counts = { histories: 0, commands: 0 }
  const property = fc.asyncProperty(commands, async (history) => {
    const now = Date.now() + LEASE
    vi.setSystemTime(now)
    const reference: Reference = {
      ...{ now, messages: [], open: undefined, answers: new Map(), questions: 0, deletions: 0 },
      agents: Array.from({ length: WRITERS }, () => undefined),
    }
    const session = testSession(table, { turnLeaseMs: LEASE, turnWaitMs: 0, windowSize: 200 })
    const writers: Writers = { table, session, agents: [], stalled: [] }
    counts.histories += 1
    await fc.asyncModelRun(() => ({ model: reference, real: writers }), history)
    counts.commands += reference.questions
    for (const { at, ended } of writers.stalled) {
      at.open()
      await ended.catch(() => undefined)
    }
  })
  await fc.assert(property, { numRuns: 1000, interruptAfterTimeLimit: BUDGET_MS })
  console.log(`${counts.histories} histories with ${counts.commands} turns`)
  expect(counts.histories).toBeGreaterThan(10)
})
