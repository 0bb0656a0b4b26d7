/** What the schedules with faults came to, as text. Pure. */

import { FAULT_MODES } from './faults-client.ts'
import { type TraceResult, totalOf } from './faults-run.ts'

/** The totals of a run, for programs. */
export interface FaultFacts {
  /** What the schedules ran on. */
  readonly engine: string
  readonly seconds: number
  /** Every nth schedule was run. */
  readonly stride: number
  readonly schedules: number
  readonly failed: number
  readonly traces: readonly TraceResult[]
}

/** Rows of the table of totals, the heading first. */
export function faultRows({ traces, schedules, failed }: FaultFacts): (string | number)[][] {
  const totals = FAULT_MODES.map((mode) => traces.reduce((sum, trace) => sum + trace.schedules[mode], 0))
  const requests = traces.reduce((sum, trace) => sum + trace.requests, 0)
  return [
    ['trace', 'requests', ...FAULT_MODES, 'schedules', 'failed'],
    ...traces.map((each) => [
      each.trace,
      each.requests,
      ...FAULT_MODES.map((mode) => each.schedules[mode]),
      totalOf(each.schedules),
      each.violations.length,
    ]),
    ['all', requests, ...totals, schedules, failed],
  ]
}

/** Each schedule that failed, with what did not hold. */
export function violationLines({ traces }: FaultFacts): string[] {
  return traces.flatMap(({ violations }) =>
    violations.flatMap(({ schedule, problems }) => [schedule, ...problems.map((problem) => `  - ${problem}`)]),
  )
}
