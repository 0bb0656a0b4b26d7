/** Whatever request fails, in whatever way: nothing is lost, and the next process goes on. A part of `bench:faults`. */

import { afterAll, beforeAll, expect, test } from 'vitest'
import { runSchedules } from './support/faults-run.ts'
import { FAULT_TRACES } from './support/faults-traces.ts'
import { createTestTable, type TestTable, testClientConfig } from './support/table.ts'

/** Every fourth schedule: as there are five modes, each request of a trace meets at least one of them. */
const STRIDE = Number(process.env['FAULTS_STRIDE'] ?? 4)

let table: TestTable

beforeAll(async () => {
  table = await createTestTable()
})

afterAll(() => table.drop())

test.each(FAULT_TRACES.map((trace) => [trace.name, trace] as const))('%s', async (_name, trace) => {
  const { tableName } = table
  const result = await runSchedules({ tableName, config: testClientConfig() }, trace, { stride: STRIDE })
  if (process.env['FAULTS_DEBUG'])
    console.log(
      trace.name,
      result.requests,
      JSON.stringify(result.schedules),
      JSON.stringify(result.violations.slice(0, Number(process.env['FAULTS_DEBUG'])), null, 1),
    )
  expect(result.violations).toEqual([])
})
