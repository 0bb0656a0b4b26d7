/** Several processes write to the same sessions at once: what was acknowledged is stored, once and in one piece. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, inject, test } from 'vitest'

/** What the bench says of each kind of race; it runs the writers from the library's sources. */
interface Races {
  readonly races: readonly {
    readonly mode: string
    readonly writers: number
    readonly started: number
    readonly acknowledged: number
    readonly busy: number
    readonly conflicts: number
    readonly failures: readonly string[]
    readonly wasted: number
    readonly stored: number
    readonly lost: number
    readonly counted: number
    readonly leftOver: number
    readonly problems: readonly string[]
  }[]
  readonly protection: Readonly<Record<string, number>>
  readonly promises: readonly { readonly promise: string; readonly kept: boolean }[]
}

const TURNS = 3

async function race(writers: number, sessions: number): Promise<Races> {
  const script = fileURLToPath(new URL('../../playground/src/bench-races.ts', import.meta.url))
  const options = ['--json', '--writers', String(writers), '--sessions', String(sessions)]
  const node = ['--disable-warning=ExperimentalWarning', script, '--endpoint', inject('dynamoDBEndpoint')]
  const child = spawn(process.execPath, [...node, ...options], { stdio: ['ignore', 'pipe', 'ignore'] })
  const [stdout] = await Promise.all([text(child.stdout), once(child, 'close')])
  const report: Races = JSON.parse(stdout)
  for (const { mode, started, acknowledged, busy, conflicts, stored, lost } of report.races) {
    console.log(
      `${writers} writers, ${mode}: started ${started}, acknowledged ${acknowledged}, busy ${busy}, ` +
        `conflicts ${conflicts}, stored ${stored}, lost ${lost}`,
    )
  }
  return report
}

describe.each([
  [3, 4],
  [10, 1],
])('%d writers in processes of their own', (writers, sessions) => {
  const started = writers * sessions * TURNS
  let report: Races

  test('finish their races', { timeout: 300_000 }, async () => {
    report = await race(writers, sessions)
    const modes = ['waiting', 'waiting, with state', 'not waiting', 'without exclusion']
    expect(report.races.map(({ mode }) => mode)).toEqual(modes)
    for (const facts of report.races) expect(facts).toMatchObject({ started, lost: 0, failures: [], problems: [] })
  })

  test('that wait: every turn is acknowledged and stored, and no two are mixed', () => {
    const all = { acknowledged: started, stored: started, leftOver: 0, busy: 0, conflicts: 0 }
    expect(report.races[0]).toMatchObject(all)
  })

  test("that wait and change the agent's state: no change is lost", () => {
    const all = { acknowledged: started, stored: started, counted: started, busy: 0, conflicts: 0 }
    expect(report.races[1]).toMatchObject(all)
  })

  test('that do not wait: each turn is acknowledged and stored, or busy before the model was called', () => {
    const [, , facts] = report.races
    expect(facts).toMatchObject({ conflicts: 0, wasted: 0, leftOver: 0, stored: facts?.acknowledged })
    expect((facts?.acknowledged ?? 0) + (facts?.busy ?? 0)).toBe(started)
    expect(facts?.acknowledged).toBeGreaterThanOrEqual(sessions)
  })

  test('without turn exclusion: each turn is acknowledged and stored, or a conflict', () => {
    const [, , , facts] = report.races
    expect((facts?.acknowledged ?? 0) + (facts?.conflicts ?? 0)).toBe(started)
    expect(facts?.busy).toBe(0)
  })

  test('have protection that costs nothing where it is not needed', () => {
    const { protection, promises } = report
    expect(protection['writeUnitsPerTurn']).toBe(protection['writeUnitsPerTurnWithoutExclusion'])
    expect(protection['requestsPerTurn']).toBe(protection['requestsPerTurnWithoutExclusion'])
    expect(promises.filter(({ kept }) => !kept)).toEqual([])
  })
})
