/** `npm run bench`: what sessions cost in this library's store, next to the SDK's own session manager. */

import { fileURLToPath } from 'node:url'
import { measureBundle } from './bench/bundle.ts'
import type { BenchFacts } from './bench/facts.ts'
import { writeFiles } from './bench/files.ts'
import { type BenchOptions, parseBenchOptions, USAGE } from './bench/options.ts'
import { linesOf } from './bench/report.ts'
import { runSessions } from './bench/run.ts'
import { startEngine } from './engine.ts'
import { paintFor } from './format.ts'
import { runCommand } from './options.ts'
import { startProgress } from './progress.ts'

const FOLDER = fileURLToPath(new URL('../../../docs/bench', import.meta.url))
/** Imports of each bundle in a process of its own. */
const IMPORTS = 15

await runCommand(USAGE, async () => {
  const options = parseBenchOptions(process.argv.slice(2))
  if (options === undefined) {
    console.log(USAGE)
    return
  }
  const facts = await measure(options)
  const folder = options.out ?? (options.isWhole ? FOLDER : undefined)
  if (folder !== undefined) {
    const files = await writeFiles(folder, facts)
    process.stderr.write(`${files.length} files written to ${folder}\n`)
  }
  if (options.json) console.log(JSON.stringify(facts, null, 2))
  else for (const line of linesOf(facts, paintFor(process.stdout))) console.log(line)
  const { bundle } = facts
  if (bundle !== undefined && bundle.added.gzipped > bundle.limit) {
    process.stderr.write(`The library adds ${bundle.added.gzipped} bytes, gzipped: more than ${bundle.limit}.\n`)
    process.exitCode = 1
  }
})

async function measure(options: BenchOptions): Promise<BenchFacts> {
  const { prices, turns, sections } = options
  const shared = { node: process.versions.node, prices, turns }
  if (sections.includes('bundle')) process.stderr.write('Bundling …\n')
  const bundle = sections.includes('bundle') ? { bundle: await measureBundle(IMPORTS) } : {}
  if (!sections.includes('sessions')) return { engine: 'no DynamoDB', ...shared, sessions: [], ...bundle }
  process.stderr.write('Starting DynamoDB …\n')
  const engine = await startEngine({ endpoint: options.endpoint })
  try {
    const sessions = await runSessions(options, engine.clientConfig, startProgress('turn', 100))
    return { engine: [engine.name, engine.version].join(' ').trim(), ...shared, sessions, ...bundle }
  } finally {
    await engine.stop()
  }
}
