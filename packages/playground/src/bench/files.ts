/** Writes the bench's results to a folder. */

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { chartsOf } from './charts.ts'
import type { BenchFacts } from './facts.ts'
import { markdownOf } from './report.ts'

/** Writes a page with every table (`README.md`), the facts (`facts.json`) and the charts; returns the files' names. */
export async function writeFiles(folder: string, facts: BenchFacts): Promise<string[]> {
  const charts = chartsOf(facts)
  const files = [
    { file: 'README.md', text: markdownOf(facts, charts) },
    { file: 'facts.json', text: `${JSON.stringify(facts, null, 2)}\n` },
    ...charts.map(({ file, svg }) => ({ file, text: svg })),
  ]
  await mkdir(folder, { recursive: true })
  await Promise.all(files.map(({ file, text }) => writeFile(join(folder, file), text)))
  return files.map(({ file }) => file)
}
