/** Sessions with a time to live in random use, with crashes and removals: a live one loses nothing, an expired one is gone. */

import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { stopClock } from './support/clock.ts'
import { AGENT_OF_PROCESS, End, type Expiring, Pass, Remove, type TurnPlan, Turns } from './support/expiry-model.ts'
import { newReference } from './support/expiry-reference.ts'
import { FAULT_MODES } from './support/faults-client.ts'
import { createTestTable, type TestTable } from './support/table.ts'
import { testSession } from './support/test-session.ts'

let table: TestTable

beforeAll(async () => {
  table = await createTestTable()
})

afterAll(() => table.drop())

beforeEach(stopClock)

afterEach(() => {
  vi.useRealTimers()
})

/** Random histories that are played: about a second each. */
const HISTORIES = Number(process.env['EXPIRY_MODEL_HISTORIES'] ?? 10)
const COMMANDS = 16
const HOUR = 3600

/** A turn sends about eight requests, and one that renews the session's items one more for each of them. */
const request = fc.oneof(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 40 }))

const plan: fc.Arbitrary<TurnPlan> = fc.record({
  process: fc.nat({ max: AGENT_OF_PROCESS.length - 1 }),
  ttl: fc.constantFrom(undefined, 24 * HOUR, 24 * HOUR, 10 * 24 * HOUR, HOUR),
  fault: fc.option(fc.record({ request, mode: fc.constantFrom(...FAULT_MODES) }), { nil: undefined, freq: 2 }),
  takesSnapshot: fc.boolean(),
})
const agentOf = ({ process }: TurnPlan) => AGENT_OF_PROCESS[process]
const turns = fc.uniqueArray(plan, { minLength: 1, maxLength: 2, selector: agentOf }).map((plans) => new Turns(plans))
const share = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 1, max: 999 }) },
  { weight: 2, arbitrary: fc.integer({ min: 950, max: 1150 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1500, max: 5000 }) },
)
const commands = fc.commands(
  [
    turns,
    turns,
    turns,
    share.map((each) => new Pass(each)),
    share.map((each) => new Pass(each)),
    fc.nat({ max: 2 ** 30 - 1 }).map((choice) => new Remove(choice)),
    fc.nat({ max: AGENT_OF_PROCESS.length - 1 }).map((process) => new End(process)),
  ],
  { maxCommands: COMMANDS, size: 'max' },
)

test('whenever a session is used, fails and expires, it has what was acknowledged, or nothing', {
  timeout: 12_000 * HISTORIES,
}, async () => {
  const counts = { turns: 0, failed: 0, refused: 0, renewed: 0, expired: 0, removed: 0 }
  const property = fc.asyncProperty(commands, async (history) => {
    const real: Expiring = { table, session: testSession(table), processes: [], counts }
    await fc.asyncModelRun(() => ({ model: newReference(), real }), history)
  })
  // Counterexamples are short enough, and making them shorter takes long.
  await fc.assert(property, { numRuns: HISTORIES, endOnFailure: true })
  console.log(`${HISTORIES} histories: ${JSON.stringify(counts)}`)
  expect(counts.turns).toBeGreaterThan(HISTORIES)
})
