/** `npm run bench:races`: what becomes of turns when several processes write to the same sessions. */

import { randomUUID } from 'node:crypto'
import { startEngine } from './engine.ts'
import { paintFor } from './format.ts'
import { parseOptions, parseWholeNumber, runCommand, UsageError } from './options.ts'
import type { OrderProcess } from './order-process.ts'
import { startProgress } from './progress.ts'
import type { RaceFacts, RaceMode, RacesReport } from './races/facts.ts'
import { startRaceProcess } from './races/process.ts'
import { checkPromises, raceLines } from './races/report.ts'
import { measureProtection, runRaces } from './races/run.ts'

const MODES: readonly RaceMode[] = ['waiting', 'waiting, with state', 'not waiting', 'without exclusion']
const DEFAULT_SESSIONS = 50
const DEFAULT_WRITERS = '3,10'
const MOST_WRITERS = 50
const MOST_SESSIONS = 10_000
const TURNS_PER_WRITER = 3
const MEASURED_TURNS = 20

const USAGE = `Usage: npm run bench:races -- [options]

Lets several processes run turns on the same sessions, and ends with exit code 1 when a promise is not kept.

  --sessions N      sessions to race for with each number of writers (default: ${DEFAULT_SESSIONS})
  --writers N,M     numbers of writers (default: ${DEFAULT_WRITERS})
  --endpoint URL    a DynamoDB that runs already (default: AWS_ENDPOINT_URL_DYNAMODB, else an embedded one)
  --json            print the facts as JSON
  --help            print this text`

await runCommand(USAGE, async () => {
  const options = parseOptions(process.argv.slice(2), {
    sessions: { type: 'string' },
    writers: { type: 'string' },
    endpoint: { type: 'string' },
    json: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  })
  if (options.help) {
    console.log(USAGE)
    return
  }
  const sessions = parseWholeNumber('sessions', options.sessions ?? String(DEFAULT_SESSIONS), MOST_SESSIONS)
  const writers = (options.writers ?? DEFAULT_WRITERS)
    .split(',')
    .map((n) => parseWholeNumber('writers', n, MOST_WRITERS))
  const progress = startProgress('session', 10)
  process.stderr.write('Starting DynamoDB …\n')
  const engine = await startEngine({ endpoint: options.endpoint })
  const processes: OrderProcess[] = []
  try {
    const tableName = `races-${randomUUID()}`
    for (let count = 0; count < Math.max(...writers); count++) processes.push(startRaceProcess(engine.clientConfig))
    const [first] = processes
    if (first === undefined) throw new UsageError('--writers needs a number')
    await first.order({ type: 'createTable', tableName })
    const races: RaceFacts[] = []
    for (const count of writers) {
      for (const mode of MODES) {
        const onSession = (session: number): void => progress.step(`${count} writers, ${mode}`, session, sessions)
        const racing = processes.slice(0, count)
        races.push(await runRaces({ tableName, processes: racing, mode, sessions, turns: TURNS_PER_WRITER, onSession }))
        progress.end()
      }
    }
    const protection = await measureProtection(first, tableName, MEASURED_TURNS)
    const report: RacesReport = {
      engine: [engine.name, engine.version].join(' ').trim(),
      races,
      protection,
      promises: checkPromises(races, protection),
    }
    if (options.json) console.log(JSON.stringify(report, null, 2))
    else for (const line of raceLines(report, paintFor(process.stdout))) console.log(line)
    if (report.promises.some(({ kept }) => !kept)) process.exitCode = 1
  } finally {
    await Promise.all(processes.map((each) => each.end()))
    await engine.stop()
  }
})
