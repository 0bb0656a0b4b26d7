import { expect, inject, test } from 'vitest'
import type { DemoFacts } from '../src/demo-run.ts'
import { runScript } from './processes.ts'

declare module 'vitest' {
  interface ProvidedContext {
    dynamoDBEndpoint: string
  }
}

const endpoint = inject('dynamoDBEndpoint')

test('a second process answers what only the killed one was told, for less than a snapshot per save', async () => {
  const { code, stdout } = await runScript('demo', ['--json', '--endpoint', endpoint])
  const facts: DemoFacts = JSON.parse(stdout)
  const [first, second] = facts.processes
  expect([code, facts.isProven, first.endedBy]).toEqual([0, true, 'SIGKILL'])
  expect(first.pid).not.toBe(second.pid)
  expect([first.restoredMessages, second.restoredMessages]).toEqual([0, 12])
  expect(second.turns[0]?.answer).toContain(facts.code)
  expect(second.turns[1]?.answer).toContain('collect the parcel')

  const writeUnits = [[...first.turns, ...second.turns], facts.snapshotStore].map((turns) =>
    turns.reduce((sum, { capacity }) => sum + capacity.writeUnits, 0),
  )
  expect(writeUnits[0]).toBeGreaterThan(0)
  expect((writeUnits[0] ?? 0) * 3).toBeLessThan(writeUnits[1] ?? 0)
  expect(facts.items.filter(({ what }) => what.startsWith('message'))).toHaveLength(18)
})

test('refuses options that it does not know', async () => {
  const { code, stdout, stderr } = await runScript('demo', ['--fast'])
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toMatch(/--fast.*Usage: npm run demo/s)
})
