/** `npm run bench:cold-start`: what a cold start of the agent's function loads, and how long that takes on this machine. */

import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { DEFAULT_MODEL } from '../lib/agent/model-access.ts'
import { bundleFunction } from './support/bundle.ts'
import { installRuntimeClient, startFunction } from './support/function-process.ts'

/** Cold starts of each kind; the middle one counts. */
const RUNS = 5

const { folder, size } = bundleFunction('handler', DEFAULT_MODEL)
const file = join(folder, 'index.mjs')
const environment = { AWS_REGION: 'us-east-1', MODEL_ID: DEFAULT_MODEL, STRANDS_SESSION_TABLE: 'sessions' }
try {
  const reason = installRuntimeClient()
  if (reason !== undefined) throw new Error(`the runtime client could not be installed: ${reason}`)
  const imports = Array.from({ length: RUNS }, importMs)
  const starts: number[] = []
  for (let run = 0; run < RUNS; run++) {
    const started = await startFunction(folder, environment)
    starts.push(started.startedMs)
    await started.stop()
  }
  process.stdout.write(
    [
      `bundle                          ${kilobytes(size)}, gzipped ${kilobytes(gzipSync(readFileSync(file)).length)}`,
      `import, with the clients made   ${middle(imports)} ms`,
      `process start to first event    ${middle(starts)} ms, under Lambda's runtime client`,
      '',
    ].join('\n'),
  )
} finally {
  rmSync(dirname(folder), { recursive: true })
}

/** Milliseconds that a new process takes to import the bundle: its modules, and the clients that it makes. */
function importMs(): number {
  const url = JSON.stringify(pathToFileURL(file).href)
  const script = `const t = performance.now(); await import(${url}); console.log(performance.now() - t)`
  const options = { encoding: 'utf8', env: { PATH: process.env['PATH'], ...environment } } as const
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], options)
  if (status !== 0) throw new Error(`the bundle could not be imported:\n${stderr}`)
  return Number(stdout)
}

function middle(values: readonly number[]): number {
  return Math.round(values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0)
}

function kilobytes(bytes: number): string {
  return `${Math.round(bytes / 1000)} KB`
}
