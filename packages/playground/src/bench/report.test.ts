import { expect, test } from 'vitest'
import { paintFor } from '../format.ts'
import { chartsOf } from './charts.ts'
import { someBenchFacts } from './fixture.ts'
import { linesOf, markdownOf } from './report.ts'

const facts = someBenchFacts()

test('the page shows every chart and every table, each row with as many cells as its header', () => {
  const page = markdownOf(facts, chartsOf(facts))
  expect(page.match(/^!\[.+\]\(.+\.svg\)$/gm)).toHaveLength(5)
  const tables = page.split(/^## .+$/m).slice(1)
  expect(tables).toHaveLength(5)
  for (const table of tables) {
    const cells = [...table.matchAll(/^\|.*\|$/gm)].map(([row]) => row.split('|').length)
    expect(cells.length).toBeGreaterThan(4)
    expect(new Set(cells).size).toBe(1)
  }
  expect(page).toContain('| 81 | stock, per message | 405 | 1 | 5 |')
  expect(page).toContain('0.625 per million write units')
  expect(page).toMatch(/added to the SDKs \| 50,000 \| 15,000 \|[\s\S]*200, 210 and 215 ms/)
})

test('the terminal shows the same, in colours only where they are wanted', () => {
  const plain = linesOf(facts, paintFor({ isTTY: true }, { NO_COLOR: '1' })).join('\n')
  const painted = linesOf(facts, paintFor({ isTTY: true }, {})).join('\n')
  expect(plain).not.toContain('\u001b')
  expect(painted).toContain('\u001b')
  expect(plain).toMatch(/^ *100 {2}stock, per message: failed at turn 82 +–/m)
  expect(plain).toMatch(/added to the SDKs +50,000 +15,000/)
})

test('leaves out what was not run', () => {
  const { bundle, ...rest } = facts
  expect(markdownOf(rest, [])).not.toContain('Size and start')
  const page = markdownOf({ ...rest, sessions: [], ...(bundle && { bundle }) }, [])
  expect(page).toContain('Size and start')
  expect(page).not.toContain('cold agents')
})
