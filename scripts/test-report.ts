/** Reads how many tests passed, failed and were skipped from the report that vitest's JSON reporter writes. */
import { readFileSync } from 'node:fs'

/** Numbers of tests by outcome. */
export interface TestCounts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

interface VitestReport {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[]
}

/**
 * Counts the tests of one vitest run. A test file that could not even be loaded counts as one failed test.
 *
 * @returns `undefined` when there is no report: the run broke down before it could write one
 */
export function readTestCounts(reportFile: string): TestCounts | undefined {
  let report: VitestReport
  try {
    report = JSON.parse(readFileSync(reportFile, 'utf8'))
  } catch {
    return undefined
  }
  const brokenFiles = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  )
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + brokenFiles.length,
    skipped: report.numPendingTests + report.numTodoTests,
  }
}
