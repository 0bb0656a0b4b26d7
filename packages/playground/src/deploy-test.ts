/** `npm run test:deploy`: the whole stack is deployed to an emulator of AWS, talked to, and removed. */

import { converse, expectGone, expectRefusal, expectStored } from './deploy-test/conversation.ts'
import { emulatorVersion, installEmulator, startEmulator, UnavailableError } from './deploy-test/emulator.ts'
import { bootstrap, deploy, removeStack } from './deploy-test/stack.ts'
import { makeWorkplace, type Workplace } from './deploy-test/workplace.ts'
import { parseOptions, runCommand } from './options.ts'

const USAGE = `Usage: npm run test:deploy -- [options]

Deploys the whole stack with the CDK to an emulator of AWS on this machine, has a conversation with the agent through its
Function URL, looks for it in the table, and removes the stack. Needs python3, and Python's package index for the emulator.

  --if-possible    where the emulator cannot be had, say so and succeed
  --help           print this text`

/** Longest that all of it may take, in milliseconds. */
const TIME_LIMIT_MS = 300_000

await runCommand(USAGE, async () => {
  const flag = { type: 'boolean' } as const
  const options = parseOptions(process.argv.slice(2), { 'if-possible': flag, help: { ...flag, short: 'h' } })
  if (options.help) return say(USAGE)
  const started = performance.now()
  const interrupted = new AbortController()
  const interrupt = (): void => interrupted.abort(new Error('interrupted'))
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  const workplace = await makeWorkplace(AbortSignal.any([interrupted.signal, AbortSignal.timeout(TIME_LIMIT_MS)]))
  try {
    await step(`installing ${emulatorVersion()}`, () => installEmulator(workplace))
    await tryDeployment(workplace)
    say(`test:deploy: passed in ${secondsSince(started)}`)
  } catch (error) {
    if (!(error instanceof UnavailableError) || !options['if-possible']) throw error
    say(`test:deploy: SKIPPED, nothing was deployed: ${error.message}`)
  } finally {
    await workplace.remove()
  }
})

async function tryDeployment(workplace: Workplace): Promise<void> {
  const emulator = await step('starting it', () => startEmulator(workplace))
  const { endpoint } = emulator
  try {
    await step('cdk bootstrap', () => bootstrap(workplace, endpoint))
    const outputs = await step('cdk deploy', () => deploy(workplace, endpoint))
    await step('two signed requests, one that is not signed', async () => {
      await converse(endpoint, outputs)
      await expectRefusal(endpoint, outputs)
    })
    const messages = await step('looking into the table', () => expectStored(endpoint, outputs))
    say(`  ${messages} messages in ${outputs.TableName}`)
    await step('removing the stack', async () => {
      await removeStack(endpoint)
      await expectGone(endpoint, outputs)
    })
  } finally {
    await emulator.stop()
  }
}

/** Does something and says how long it took. */
async function step<T>(what: string, run: () => Promise<T>): Promise<T> {
  const started = performance.now()
  process.stdout.write(`${what} … `)
  try {
    const result = await run()
    say(secondsSince(started))
    return result
  } catch (error) {
    say('failed')
    throw error
  }
}

function secondsSince(started: number): string {
  return `${((performance.now() - started) / 1000).toFixed(1)} s`
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
