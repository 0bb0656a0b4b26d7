import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import type { BenchFacts, SessionRun } from '../src/bench/facts.ts'
import { type Finished, runScript } from './processes.ts'

/** A run of every trace that is long enough for the first store to fail: research, at turn 5. */
const PART = ['--turns', '1,2,5', '--stores', 'ours,stock-invocation', '--sections', 'sessions', '--agents', 'cold']

let folder: string
let finished: Finished
let facts: BenchFacts

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bench-'))
  finished = await runScript('bench', [...PART, '--json', '--out', folder, '--endpoint', inject('dynamoDBEndpoint')])
  facts = JSON.parse(finished.stdout)
}, 240_000)

afterAll(() => rm(folder, { recursive: true }))

test('runs each trace on each store, and says how far it is in plain lines', () => {
  expect(finished.code).toBe(0)
  const traces = ['chat', 'tools', 'research', 'vision', 'graph']
  expect(facts.sessions.map(({ trace, contestant }) => `${trace} ${contestant}`)).toEqual(
    traces.flatMap((trace) => [`${trace} ours`, `${trace} stock-invocation`]),
  )
  expect(finished.stderr).toMatch(/^\[1 of 10\] chat, cold agents, this library: turn 5 of 5$/m)
  expect(finished.stderr).not.toContain('\u001b')
})

test('a store of one item ends at its limit, the log goes on', () => {
  const ends = facts.sessions.flatMap(({ trace, contestant, end }) => (end ? [[trace, contestant, end.turn]] : []))
  expect(ends).toEqual([
    ['research', 'stock-invocation', 5],
    ['vision', 'stock-invocation', 5],
  ])
  expect(sessionOf('research', 'ours').samples.map(({ turn }) => turn)).toEqual([1, 2, 5])
  expect(sessionOf('research', 'stock-invocation').samples.map(({ turn }) => turn)).toEqual([1, 2, 4])
})

test('the figures add up', () => {
  const { write, read, storage } = facts.prices
  for (const { samples } of facts.sessions) {
    const [first, second] = samples
    expect(second?.mean.writeUnits).toBeCloseTo(((first?.writeUnits ?? 0) + (second?.writeUnits ?? 0)) / 2, 9)
    for (const { turn, mean, storedBytes, storedItems, monthlyPrice, cpuMs, ...sample } of samples) {
      const gigabytes = ((storedBytes + 100 * storedItems) * 1e6) / turn / 2 ** 30
      expect(monthlyPrice).toBeCloseTo(mean.writeUnits * write + mean.readUnits * read + gigabytes * storage, 6)
      expect(sample.readUnits).toBeGreaterThanOrEqual(sample.resume?.readUnits ?? Number.NaN)
      expect(sample.roundTrips).toBeGreaterThan(sample.resume?.roundTrips ?? Number.NaN)
      expect(cpuMs).toBeGreaterThan(0)
    }
  }
  // A million bytes are 1.3 million characters in base64.
  expect(sessionOf('vision', 'ours').samples.at(-1)?.storedBytes).toBeGreaterThan(1e6)
})

test('writes a page, the facts and the charts', async () => {
  const files = ['README.md', 'facts.json', 'price-cold.svg', 'resume.svg', 'write-units-cold.svg']
  expect((await readdir(folder)).sort()).toEqual(files)
  expect(JSON.parse(await readFile(join(folder, 'facts.json'), 'utf8'))).toEqual(facts)
  const page = await readFile(join(folder, 'README.md'), 'utf8')
  for (const chart of files.slice(2)) expect(page).toContain(`](${chart})`)
  expect(page).toContain('| 5 | stock, per invocation: failed at turn 5 | – |')
})

test('refuses what it does not know, before anything is started', async () => {
  const { code, stdout, stderr } = await runScript('bench', ['--traces', 'chess'])
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toMatch(/--traces.*'chess'.*Usage: npm run bench/s)
})

function sessionOf(trace: string, contestant: string): SessionRun {
  const found = facts.sessions.find((session) => session.trace === trace && session.contestant === contestant)
  if (found === undefined) throw new Error(`${trace} was not run on ${contestant}`)
  return found
}
