/** Formats what `npm test` found as a table of steps and one line of totals. */
import { styleText } from 'node:util'
import type { TestCounts } from './test-report.ts'

/** What one step came to. */
export interface StepResult {
  readonly title: string
  readonly passed: boolean
  readonly milliseconds: number
  /** Counts of the step's tests; `undefined` for steps without any, and when vitest left no report. */
  readonly tests?: TestCounts | undefined
}

/** The summary's lines, for stdout; coloured only where that is a terminal that wants it. */
export function summarise(results: readonly StepResult[], nodeVersion: string): string {
  const width = Math.max(...results.map((result) => result.title.length))
  const rows = results.map((result) =>
    [
      result.title.padEnd(width),
      result.passed ? styleText('green', 'passed') : styleText('red', 'failed'),
      formatSeconds(result.milliseconds).padStart(8),
      result.tests === undefined ? '' : formatCounts(result.tests),
    ]
      .join('  ')
      .trimEnd(),
  )
  const failedSteps = results.filter((result) => !result.passed)
  const seconds = formatSeconds(results.reduce((sum, result) => sum + result.milliseconds, 0))
  const verdict =
    failedSteps.length === 0
      ? styleText('green', 'All checks passed')
      : styleText('red', `Failed: ${failedSteps.map((result) => result.title).join(', ')}`)

  return [
    '',
    '── summary ──',
    ...rows,
    '',
    formatCounts(totalOf(results)),
    `${verdict} in ${seconds} on Node.js ${nodeVersion}`,
    '',
  ].join('\n')
}

function totalOf(results: readonly StepResult[]): TestCounts {
  const total = { passed: 0, failed: 0, skipped: 0 }
  for (const { tests } of results) {
    total.passed += tests?.passed ?? 0
    total.failed += tests?.failed ?? 0
    total.skipped += tests?.skipped ?? 0
  }
  return total
}

function formatCounts({ passed, failed, skipped }: TestCounts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`
}

function formatSeconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`
}
