import { expect, test } from 'vitest'
import { chartsOf } from './charts.ts'
import { someBenchFacts } from './fixture.ts'

const facts = someBenchFacts()

test('draws a panel for each trace, of cold and of warm agents', () => {
  const charts = chartsOf(facts)
  expect(charts.map(({ file }) => file)).toEqual([
    'write-units-cold.svg',
    'write-units-warm.svg',
    'resume.svg',
    'price-cold.svg',
    'price-warm.svg',
  ])
  for (const { svg } of charts) expect(svg.match(/class="panel"/g)).toHaveLength(2)
})

test('says in words what can be seen', () => {
  const [units, , resume] = chartsOf(facts).map(({ svg }) => /<desc id="desc">(.*)<\/desc>/.exec(svg)?.[1])
  expect(units).toContain('this library 9 at turn 100')
  expect(units).toContain('stock, per message 405 at turn 81, fails at turn 82')
  expect(resume).toContain('this library 15 at turn 100')
})

test('draws nothing of what was not run', () => {
  const cold = facts.sessions.filter(({ agents }) => agents === 'cold')
  expect(chartsOf({ ...facts, sessions: cold }).map(({ file }) => file)).not.toContain('write-units-warm.svg')
  expect(chartsOf({ ...facts, sessions: [] })).toEqual([])
})
