/** `npm run bench:capacity`: what a conversation of 300 turns costs, next to the SDK's own session manager. */

import { randomUUID } from 'node:crypto'
import { checkBounds } from './capacity/bounds.ts'
import type { CapacityFacts, StockFacts } from './capacity/facts.ts'
import { reportLines } from './capacity/report.ts'
import { measureSession } from './capacity/session.ts'
import { measureStock } from './capacity/stock.ts'
import { startEngine } from './engine.ts'
import { paintFor } from './format.ts'
import { parseOptions, parseWholeNumber, runCommand } from './options.ts'
import { startProgress } from './progress.ts'
import { MESSAGES_PER_TURN, TRACE_LENGTHS } from './traces/turns.ts'

const DEFAULT_TURNS = 300
const MOST_TURNS = 10_000
/** The SDK's default sliding window. */
const WINDOW_SIZE = 40
/** The SDK's own manager fails at turn 82; where it does not, this is enough to see how its cost grows. */
const MOST_STOCK_TURNS = 100
const SAMPLED_TURNS = [1, 10, 20, 30, 100, 200]

const USAGE = `Usage: npm run bench:capacity -- [options]

Measures what a long conversation costs in DynamoDB capacity units, and ends with exit code 1 when a promise is not kept.

  --turns N       turns to run (default: ${DEFAULT_TURNS})
  --no-peer       leave out the comparison with the SDK's own session manager
  --endpoint URL  a DynamoDB that runs already (default: AWS_ENDPOINT_URL_DYNAMODB, else an embedded one)
  --json          print the facts as JSON
  --help          print this text`

await runCommand(USAGE, async () => {
  const options = parseOptions(process.argv.slice(2), {
    turns: { type: 'string' },
    'no-peer': { type: 'boolean' },
    endpoint: { type: 'string' },
    json: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  })
  if (options.help) {
    console.log(USAGE)
    return
  }
  const turns = parseWholeNumber('turns', options.turns ?? String(DEFAULT_TURNS), MOST_TURNS)
  const progress = startProgress('turn', 50)
  process.stderr.write('Starting DynamoDB …\n')
  const engine = await startEngine({ endpoint: options.endpoint })
  try {
    const { clientConfig } = engine
    const run = randomUUID()
    const stock: StockFacts[] = []
    for (const saveLatestOn of options['no-peer'] ? [] : (['message', 'invocation'] as const)) {
      const limit = Math.min(turns, MOST_STOCK_TURNS)
      const what = `the SDK's own manager, saving per ${saveLatestOn}`
      const onTurn = (turn: number): void => progress.step(what, turn, limit)
      const tableName = `bench-${run}-stock-${saveLatestOn}`
      stock.push(await measureStock({ clientConfig, tableName, saveLatestOn, turns: limit, onTurn }))
      progress.end()
    }
    const ends = stock.flatMap(({ end }) => (end === undefined ? [] : [end.turn - 1, end.turn]))
    const session = await measureSession({
      clientConfig,
      tableName: `bench-${run}`,
      turns,
      sampled: new Set([...SAMPLED_TURNS, ...ends, turns]),
      onTurn: (turn) => progress.step('this library', turn, turns),
    })
    progress.end()
    const facts: CapacityFacts = {
      engine: [engine.name, engine.version].join(' ').trim(),
      trace: { turns, messagesPerTurn: MESSAGES_PER_TURN, windowSize: WINDOW_SIZE, characters: TRACE_LENGTHS },
      session,
      stock,
      bounds: checkBounds(session, WINDOW_SIZE),
    }
    if (options.json) console.log(JSON.stringify(facts, null, 2))
    else for (const line of reportLines(facts, paintFor(process.stdout))) console.log(line)
    if (facts.bounds.some(({ met }) => !met)) process.exitCode = 1
  } finally {
    await engine.stop()
  }
})
