/** `npm run bench:faults`: every request of every trace fails in every way, and nothing may be lost. */

import { randomUUID } from 'node:crypto'
import { DeleteTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { createSessionTable } from 'strands-session-dynamodb'
import { startEngine } from 'strands-session-dynamodb-playground/engine'
import { alignRows, paintFor } from 'strands-session-dynamodb-playground/format'
import { parseOptions, runCommand, UsageError } from 'strands-session-dynamodb-playground/options'
import { FAULT_MODES } from './support/faults-client.ts'
import { type FaultFacts, faultRows, violationLines } from './support/faults-report.ts'
import { runSchedules, type TraceResult, totalOf } from './support/faults-run.ts'
import { FAULT_TRACES } from './support/faults-traces.ts'

const USAGE = `Usage: npm run bench:faults -- [options]

Runs agents whose requests to DynamoDB fail: each request of each trace, in each of these ways:
  ${FAULT_MODES.join(', ')}.
After each, another process goes on and everything is checked. Ends with exit code 1 when something does not hold.

  --trace NAME    only the traces whose name contains this
  --only N/MODE   only this request and way of failing, such as '3/death'
  --stride N      only one schedule in N (default: 1, all of them)
  --endpoint URL  a DynamoDB that runs already (default: AWS_ENDPOINT_URL_DYNAMODB, else an embedded one)
  --json          print the facts as JSON
  --help          print this text`

await runCommand(USAGE, async () => {
  const options = parseOptions(process.argv.slice(2), {
    trace: { type: 'string' },
    only: { type: 'string' },
    stride: { type: 'string' },
    endpoint: { type: 'string' },
    json: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  })
  if (options.help) {
    console.log(USAGE)
    return
  }
  const stride = parseStride(options.stride)
  const traces = FAULT_TRACES.filter(({ name }) => name.includes(options.trace ?? ''))
  if (traces.length === 0) {
    throw new UsageError(`--trace must be part of one of: ${FAULT_TRACES.map(({ name }) => name).join('; ')}`)
  }
  process.stderr.write('Starting DynamoDB …\n')
  const started = performance.now()
  const engine = await startEngine({ endpoint: options.endpoint })
  const client = new DynamoDBClient(engine.clientConfig)
  const results: TraceResult[] = []
  try {
    for (const trace of traces) {
      const tableName = `faults-${randomUUID()}`
      await createSessionTable({ tableName, client })
      const onSchedule = progressOf(trace.name)
      const table = { tableName, config: engine.clientConfig }
      results.push(await runSchedules(table, trace, { stride, only: options.only, onSchedule }))
      endProgress()
      await client.send(new DeleteTableCommand({ TableName: tableName }))
    }
  } finally {
    client.destroy()
    await engine.stop()
  }
  const facts: FaultFacts = {
    engine: [engine.name, engine.version].join(' ').trim(),
    seconds: Math.round((performance.now() - started) / 1000),
    stride,
    schedules: results.reduce((sum, { schedules }) => sum + totalOf(schedules), 0),
    failed: results.reduce((sum, { violations }) => sum + violations.length, 0),
    traces: results,
  }
  if (options.json) console.log(JSON.stringify(facts, null, 2))
  else print(facts)
  if (facts.failed > 0) process.exitCode = 1
})

function print(facts: FaultFacts): void {
  const paint = paintFor(process.stdout)
  const [head = '', ...lines] = alignRows(faultRows(facts))
  const all = lines.pop() ?? ''
  console.log(paint.bold(facts.engine))
  console.log(`each request of a trace fails in each way; then another process goes on (${facts.seconds} s)\n`)
  console.log([paint.dim(head), ...lines, paint.bold(all)].join('\n'))
  if (facts.stride > 1) console.log(paint.yellow(`Only one schedule in ${facts.stride} was run.`))
  const verdict = facts.failed === 0 ? paint.green('Everything held.') : paint.red(`${facts.failed} schedules failed:`)
  console.log(`\n${verdict}`)
  for (const line of violationLines(facts)) console.log(line)
}

/** A stride that shares a factor with the number of modes would leave some of them out. */
function parseStride(text = '1'): number {
  const stride = Number(text)
  if (!Number.isInteger(stride) || stride < 1 || (stride > 1 && stride % FAULT_MODES.length === 0)) {
    throw new UsageError(`--stride must be a whole number, and no multiple of ${FAULT_MODES.length}, got '${text}'`)
  }
  return stride
}

/** Says how far a trace is: on one line of a terminal, else every 50 schedules. */
function progressOf(name: string): () => void {
  let count = 0
  return () => {
    count += 1
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${name}: ${count} schedules`)
    else if (count % 50 === 0) process.stderr.write(`${name}: ${count} schedules\n`)
  }
}

function endProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
}
