/** `npm run demo`: one process holds a conversation and is killed; another one resumes it from DynamoDB. */

import { runDemo } from './demo-run.ts'
import { startEngine } from './engine.ts'
import { paintFor } from './format.ts'
import { checkUrl, parseOptions, runCommand } from './options.ts'

const USAGE = `Usage: npm run demo -- [options]

Shows that a conversation survives the process that held it, and what that costs.

  --endpoint URL  a DynamoDB that runs already (default: AWS_ENDPOINT_URL_DYNAMODB, else an embedded one)
  --json          print the facts as JSON
  --help          print this text`

await runCommand(USAGE, async () => {
  const { endpoint, json, help } = parseOptions(process.argv.slice(2), {
    endpoint: { type: 'string' },
    json: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  })
  if (help) {
    console.log(USAGE)
    return
  }
  checkUrl('endpoint', endpoint)
  process.stderr.write('Starting DynamoDB …\n')
  const engine = await startEngine({ endpoint })
  try {
    const say = (...lines: readonly string[]): void => {
      if (!json) for (const line of lines) console.log(line)
    }
    const facts = await runDemo(engine, { say, paint: paintFor(process.stdout) })
    if (json) console.log(JSON.stringify(facts, null, 2))
    if (!facts.isProven) throw new Error(`The second process did not know ${facts.code}: the session was not resumed.`)
    say('', 'Talk to the same agent: npm run chat -- --session my-session')
  } finally {
    await engine.stop()
  }
})
