/** `npm run dev`: the sample agent of `infra/`, served on this machine with a chat page. */

import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { awsAccess, chatModel } from './chat-model.ts'
import { describeEngine } from './describe-engine.ts'
import { startAgentServer, unhurriedModel } from './dev/agent-server.ts'
import { DEV_USAGE, parseDevOptions } from './dev-options.ts'
import { startEngine } from './engine.ts'
import { paintFor } from './format.ts'
import { runCommand } from './options.ts'

/** Keeps the embedded tables from one run to the next. */
const DATA_FOLDER = fileURLToPath(new URL('../../../.local/dynamodb', import.meta.url))
const TABLE = 'strands-agent'

const paint = paintFor(process.stdout)

await runCommand(DEV_USAGE, async () => {
  const options = parseDevOptions(process.argv.slice(2))
  if (options === undefined) {
    console.log(DEV_USAGE)
    return
  }
  const { port, region, endpoint } = options
  const model = options.model === undefined ? unhurriedModel() : await chatModel(options.model, awsAccess(region))
  process.stderr.write('Starting DynamoDB …\n')
  const engine = await startEngine({ endpoint, region, dataFolder: DATA_FOLDER })
  try {
    const server = await startAgentServer({ model, clientConfig: engine.clientConfig, tableName: TABLE, port })
    for (const line of describeEngine(engine, paint)) console.log(line)
    console.log(options.model === undefined ? 'Offline model; --model bedrock uses Amazon Bedrock.' : options.model)
    console.log(`\n${paint.bold(server.url)}\n\nCtrl-C ends it.`)
    await asked()
    // Answers that are being given are completed; whoever asks twice does not wait for them.
    await Promise.race([server.close(), asked()])
    server.abandon()
  } finally {
    await engine.stop()
  }
})

/** Resolves when the user wants to leave. */
async function asked(): Promise<void> {
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
}
