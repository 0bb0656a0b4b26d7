/**
 * Damaged items: whatever a stored item holds, and wherever it is, the session reads as it was or not at all.
 *
 * Each run damages one item of a session that has all kinds of items, and then does everything that reads it. What comes
 * back is what was stored, or an error of this package. The only exceptions are items that are gone altogether without
 * another one naming them: they read as never written.
 *
 * A failure prints a seed and a path: `FUZZ_SEED=<seed> FUZZ_PATH=<path>` plays it again. `FUZZ_SECONDS=600` does more.
 */

import fc from 'fast-check'
import { afterAll, beforeAll, test } from 'vitest'
import { type Damage, damage } from './support/damage.ts'
import { KINDS, type Size } from './support/fuzzed-scopes.ts'
import { FuzzedSession } from './support/fuzzed-session.ts'
import { createTestTable, type TestTable } from './support/table.ts'

const SECONDS = Number(process.env['FUZZ_SECONDS'] ?? 8)

/** Sessions that are damaged at once. */
const LANES = 4

let table: TestTable

beforeAll(async () => {
  table = await createTestTable()
})

afterAll(() => table.drop())

test(
  `a session with a damaged item reads as it was, or not at all: ${SECONDS} s of damage`,
  async () => {
    const { FUZZ_SEED: seed = String(Date.now() % 0x7fffffff), FUZZ_PATH: path } = process.env
    const counts = new Map<string, number>()
    const play = async (lane: number): Promise<void> => {
      const sessions = {
        small: await FuzzedSession.create(table, 'small'),
        large: await FuzzedSession.create(table, 'large'),
      }
      const property = fc.asyncProperty(
        fc.constantFrom<Size[]>('small', 'small', 'small', 'small', 'large'),
        fc.constantFrom(...KINDS),
        fc.nat(1000),
        damage(),
        async (size, kind, at, each: Damage) => {
          const outcome = await sessions[size].play(kind, at, each)
          counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
        },
      )
      const runs = path === undefined ? { numRuns: 1_000_000, interruptAfterTimeLimit: SECONDS * 1000 } : { path }
      await fc.assert(property, { seed: Number(seed) + lane, ...runs })
    }
    const lanes = Array.from({ length: path === undefined ? LANES : 1 }, (_, lane) => play(lane))
    for (const lane of await Promise.allSettled(lanes)) if (lane.status === 'rejected') throw lane.reason
    process.stderr.write(`damaged items: ${[...counts].map(([outcome, count]) => `${count} ${outcome}`).join(', ')}\n`)
  },
  SECONDS * 1000 + 60_000,
)
