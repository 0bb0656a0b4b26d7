import { expect, inject, test } from 'vitest'
import type { CapacityFacts } from '../src/capacity/facts.ts'
import { runScript } from './processes.ts'

declare module 'vitest' {
  interface ProvidedContext {
    dynamoDBEndpoint: string
  }
}

const endpoint = inject('dynamoDBEndpoint')

test('prints what each turn costs next to the SDK’s own manager, whose cost grows', async () => {
  const { code, stdout } = await runScript('bench-capacity', ['--json', '--turns', '12', '--endpoint', endpoint])
  const { session, stock, bounds }: CapacityFacts = JSON.parse(stdout)

  expect(code).toBe(0)
  expect(session.turns.map(({ writeUnits }) => writeUnits).slice(1)).toEqual([...Array(9).fill(5), 6, 6])
  expect(session.sampled.map(({ turn, tableMessages }) => [turn, tableMessages])).toEqual(
    [1, 10, 12].map((n) => [n, 4 * n]),
  )
  expect(session.lastTurnWrites.map(({ writeUnits }) => writeUnits)).toEqual([1, 1, 2, 1, 1])
  expect(stock.map(({ turns }) => [turns[0]?.writeUnits, turns[9]?.writeUnits])).toEqual([
    [19, 239],
    [6, 50],
  ])
  expect(bounds.map(({ met }) => met)).toEqual(bounds.map(() => true))
})

test('refuses a number of turns that is none', async () => {
  const { code, stdout, stderr } = await runScript('bench-capacity', ['--turns', 'many'])
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toMatch(/--turns.*'many'.*Usage: npm run bench:capacity/s)
})
