import { writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { afterAll, beforeAll, test } from 'vitest'
import { damage } from './support/damage.ts'
import { FuzzedSession, KINDS, type Size } from './support/fuzzed-session.ts'
import { createTestTable, type TestTable } from './support/table.ts'
let table: TestTable
beforeAll(async () => { table = await createTestTable() })
afterAll(() => table.drop())
test('collect', async () => {
  const seen = new Map<string, [number, string]>()
  const ok = new Map<string, number>()
  const play = async (lane: number) => {
    const sessions = { small: await FuzzedSession.create(table, 'small'), large: await FuzzedSession.create(table, 'large') }
    await fc.assert(fc.asyncProperty(fc.constantFrom<Size[]>('small', 'small', 'small', 'small', 'large'), fc.constantFrom(...KINDS), fc.nat(1000), damage(), async (size, kind, at, each) => {
      try { const o = await sessions[size].play(kind, at, each); ok.set(o, (ok.get(o) ?? 0) + 1) } catch (error) {
        const text = String((error as Error).message)
        const key = kind + ' ' + each.kind + ' ' + text.replace(/^.*?\}: /s, '').replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'UUID').replace(/\d+/g, 'N').slice(0, 200)
        const [n] = seen.get(key) ?? [0]
        seen.set(key, [n + 1, text.slice(0, 1500)])
      }
    }), { seed: Number(process.env.FUZZ_SEED ?? 1) + lane, numRuns: 1_000_000, interruptAfterTimeLimit: Number(process.env.FUZZ_SECONDS ?? 40) * 1000 })
  }
  await Promise.all([0, 1, 2, 3].map(play))
  writeFileSync('/tmp/scratch/fv/collect.txt', JSON.stringify([...ok]) + '\n' + [...seen].map(([k, [n, t]]) => `### ${n} x ${k}\n${t}\n`).join('\n'))
}, 200_000)
