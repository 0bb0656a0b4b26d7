/** Whatever request fails, in whatever way: nothing is lost, and the next process goes on. A part of `bench:faults`. */

import { afterAll, beforeAll, test } from 'vitest'
import { runSchedules, totalOf } from './support/faults-run.ts'
import { FAULT_TRACES } from './support/faults-traces.ts'
import { createTestTable, type TestTable, testClientConfig } from './support/table.ts'

/** One schedule in eleven; as there are five ways of failing, all of them are among those. */
const STRIDE = 11

let table: TestTable

beforeAll(async () => {
  table = await createTestTable()
})

afterAll(() => table.drop())

// Concurrent, because the schedules wait for the turns of dead processes to expire.
test.concurrent.for(FAULT_TRACES.map((trace) => [trace.name, trace] as const))('%s', async ([, trace], { expect }) => {
  const { tableName } = table
  const result = await runSchedules({ tableName, config: testClientConfig() }, trace, { stride: STRIDE })
  expect(result.violations).toEqual([])
  expect(totalOf(result.schedules)).toBe(Math.ceil((5 * result.requests) / STRIDE))
})
