/**
 * Fidelity: whatever is saved is what is loaded, in random sessions that are played on the log and on the SDK's own file
 * storage at once.
 *
 * A failure prints a seed and a path: `FIDELITY_SEED=<seed> FIDELITY_PATH=<path>` plays it again. `FIDELITY_RUNS=20000`
 * plays more sessions, `FIDELITY_STEPS=16` longer ones.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JSONValue } from '@strands-agents/sdk'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { type Change, DATA_KEYS, TRACKING } from './support/conversation.ts'
import { AGENTS, FidelityRun, SAVES, type Step } from './support/fidelity-run.ts'
import { ReferenceStorage } from './support/reference-storage.ts'
import { createTestTable, type TestTable } from './support/table.ts'

const RUNS = Number(process.env['FIDELITY_RUNS'] ?? 504)
/** Most steps of a session. */
const STEPS = Number(process.env['FIDELITY_STEPS'] ?? 8)
const LARGE_RUNS = Math.ceil(RUNS / 50)

/** Sessions that are played at once; each has its own ids. */
const LANES = 8

let table: TestTable
let folder: string

beforeAll(async () => {
  table = await createTestTable()
  folder = await mkdtemp(join(tmpdir(), 'fidelity-'))
})

afterAll(async () => {
  await rm(folder, { recursive: true })
  await table.drop()
})

describe('load(save(x)) equals x, for the latest and for every immutable snapshot', () => {
  test(`in ${RUNS} sessions`, () => playAll(sessionsOf(smallChange(), STEPS), RUNS), timeoutFor(RUNS))
  test(
    `in ${LARGE_RUNS} sessions with values over 400 KB`,
    () => playAll(sessionsOf(anyChange(), Math.ceil(STEPS / 2)), LARGE_RUNS),
    timeoutFor(RUNS),
  )
})

async function playAll(sessions: fc.Arbitrary<Step[]>, runs: number): Promise<void> {
  const property = fc.asyncProperty(sessions, async (steps) => {
    const run = new FidelityRun({ table, reference: new ReferenceStorage(folder) })
    for (const step of steps) await run.play(step)
    await run.finish()
  })
  const { FIDELITY_SEED: seed = String(Date.now() % 0x7fffffff), FIDELITY_PATH: path } = process.env
  if (path !== undefined) return fc.assert(property, { seed: Number(seed), path })
  const lanes = Array.from({ length: LANES }, (_, lane) =>
    fc.assert(property, { seed: Number(seed) + lane, numRuns: Math.ceil(runs / LANES) }),
  )
  // All lanes end before the table goes away.
  for (const lane of await Promise.allSettled(lanes)) if (lane.status === 'rejected') throw lane.reason
}

function sessionsOf(change: fc.Arbitrary<Change>, maxLength: number): fc.Arbitrary<Step[]> {
  const agent = fc.constantFrom('a' as const, 'a' as const, ...AGENTS)
  const at = fc.nat(7)
  const changing = fc.record({
    kind: fc.constant('change' as const),
    agent,
    change,
    save: fc.constantFrom('latest' as const, 'latest' as const, ...SAVES),
    id: fc.oneof(fc.uuid({ version: 7 }), fc.constantFrom('checkpoint-1', 'latest', 'head', '0', '_')),
  })
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 16, arbitrary: changing },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('restore' as const), agent, at }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('newInstance' as const), agent, keepsConversation: fc.boolean() }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('reload' as const), agent }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('list' as const), agent, limit: at, after: at }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), agent }) },
  )
  return fc.array(step, { minLength: 1, maxLength, size: 'max' })
}

function smallChange(): fc.Arbitrary<Change> {
  const at = fc.nat(7)
  const value = fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<JSONValue>
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('append' as const),
        count: fc.oneof(
          { weight: 7, arbitrary: fc.integer({ min: 1, max: 3 }) },
          { weight: 1, arbitrary: fc.integer({ min: 8, max: 10 }) },
        ),
        tracking: fc.constantFrom(...TRACKING),
      }),
    },
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constantFrom('insert', 'pin', 'edit', 'truncate', 'repeat', 'imitate', 'redact', 'redact'),
        at,
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constantFrom('trim', 'trimUnpinned', 'summarise'),
        count: fc.integer({ min: 1, max: 9 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('set' as const),
        key: fc.constantFrom(...DATA_KEYS, 'appData', 'extra'),
        value,
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('unset' as const), key: fc.constantFrom(...DATA_KEYS) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('messages' as const),
        value: fc.constantFrom('missing', 'empty', 'null'),
      }),
    },
  )
}

function anyChange(): fc.Arbitrary<Change> {
  const grow = fc.record({
    kind: fc.constant('grow' as const),
    what: fc.constantFrom('message', 'message', 'state', 'interrupts'),
    kilobytes: fc.constantFrom(390, 420, 900),
  })
  return fc.oneof({ weight: 2, arbitrary: grow }, { weight: 3, arbitrary: smallChange() })
}

/** Four minutes for a thousand sessions: far more than they take. */
function timeoutFor(runs: number): number {
  return Math.max(60_000, runs * 240)
}
