/**
 * Runs every check of the repository one after another, all of them even if one fails, and ends with a summary.
 *
 * `npm test` runs all; `npm test -- lint unit` runs the named ones.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { run } from './setup.mjs'
import { readTestCounts } from './test-report.ts'
import { type StepResult, summarise } from './test-summary.ts'

interface Step {
  readonly name: string
  readonly title: string
  readonly command: readonly [tool: string, ...args: string[]]
  /** Where the command writes vitest's report, for steps that run tests. */
  readonly reportFile?: string
}

const reports = mkdtempSync(join(tmpdir(), 'test-reports-'))

const STEPS: readonly Step[] = [
  { name: 'typecheck', title: 'type check', command: ['tsc', '-b'] },
  { name: 'lint', title: 'format and lint', command: ['biome', 'check', '--error-on-warnings'] },
  vitestStep('unit', 'unit tests'),
  vitestStep('integration', 'integration tests'),
  { name: 'package', title: 'published package', command: ['node', 'scripts/check-package.ts'] },
]

const { positionals } = parseArgs({ allowPositionals: true })
const unknown = positionals.filter((name) => !STEPS.some((step) => step.name === name))

if (unknown.length > 0) {
  process.stderr.write(`unknown step '${unknown.join("', '")}'; known: ${STEPS.map((step) => step.name).join(', ')}\n`)
  process.exitCode = 2
} else {
  const results: StepResult[] = []
  for (const step of STEPS) {
    if (positionals.length === 0 || positionals.includes(step.name)) results.push(await runStep(step))
  }
  process.stdout.write(summarise(results, process.version))
  process.exitCode = results.every((result) => result.passed) ? 0 : 1
}
rmSync(reports, { recursive: true, force: true })

function vitestStep(project: string, title: string): Step {
  const reportFile = join(reports, `${project}.json`)
  return {
    name: project,
    title,
    reportFile,
    command: [
      'vitest',
      'run',
      ...['--project', project],
      ...['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`],
    ],
  }
}

async function runStep({ title, command: [tool, ...args], reportFile }: Step): Promise<StepResult> {
  process.stdout.write(`\n── ${title} ── ${[tool, ...args.slice(0, 3)].join(' ')}\n`)
  const started = performance.now()
  const succeeded = (await run(tool, args, ['ignore', 'inherit', 'inherit'])) === 0
  const milliseconds = performance.now() - started
  if (reportFile === undefined) return { title, passed: succeeded, milliseconds }

  const tests = readTestCounts(reportFile)
  return { title, passed: succeeded && tests !== undefined && tests.failed === 0, milliseconds, tests }
}
