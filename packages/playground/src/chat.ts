/** `npm run chat`: an agent whose conversation is in DynamoDB, interactively or from piped lines. */

import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createSessionTable, SessionConflictError } from 'strands-session-dynamodb'
import { type ChatContext, open, runChatCommand } from './chat-commands.ts'
import { awsAccess, chatModel } from './chat-model.ts'
import { CHAT_USAGE, type ChatOptions, parseChatOptions } from './chat-options.ts'
import type { Conversation } from './conversation.ts'
import { describeEngine } from './describe-engine.ts'
import { AgentClient } from './dev/page/agent-client.js'
import { type Engine, startEngine } from './engine.ts'
import { oneLine, paintFor } from './format.ts'
import { LocalConversation } from './local-conversation.ts'
import { runCommand } from './options.ts'
import { RemoteConversation } from './remote/remote-conversation.ts'
import { agentRequests } from './remote/signed-requests.ts'

/** Keeps the embedded tables from one chat to the next. */
const DATA_FOLDER = fileURLToPath(new URL('../../../.local/dynamodb', import.meta.url))
const RESULT_LENGTH = 90

const paint = paintFor(process.stdout)
const say = (...lines: readonly string[]): void => {
  for (const line of lines) console.log(line)
}

await runCommand(CHAT_USAGE, async () => {
  const options = parseChatOptions(process.argv.slice(2), process.env)
  if (options === undefined) {
    say(CHAT_USAGE)
    return
  }
  const { url } = options
  await (url === undefined ? chatHere(options) : chatWith(url, options))
})

/** The agent runs in this process. */
async function chatHere(options: ChatOptions): Promise<void> {
  const model = await chatModel(options.model, awsAccess(options.region))
  const engine = options.isAwsTable ? undefined : await startLocalEngine(options)
  try {
    const { region, session, tenant, owner, table: tableName } = options
    const clientConfig = engine?.clientConfig ?? (region === undefined ? {} : { region })
    if (engine !== undefined) await createSessionTable({ tableName, clientConfig })
    const table = { tableName, clientConfig, tenantId: tenant }
    say(
      ...(engine === undefined
        ? [`${paint.bold('DynamoDB')} in AWS, table ${tableName}`]
        : describeEngine(engine, paint)),
    )
    say(options.model === undefined ? 'Offline model; --model ID uses Amazon Bedrock.' : `Model ${options.model}`)
    await begin(new LocalConversation(model, { ...table, sessionId: session, owner }))
  } finally {
    await engine?.stop()
  }
}

/** The agent is a deployed one. */
async function chatWith(url: URL, { region, session }: ChatOptions): Promise<void> {
  const client = new AgentClient(await agentRequests(url, region, process.env))
  say(`${paint.bold('The agent')} at ${url.href}`)
  await begin(new RemoteConversation(client, session))
}

async function begin(conversation: Conversation): Promise<void> {
  const context = { conversation, paint, say }
  await open(context)
  say('Type /help for the commands, /quit to leave.', '')
  await talk(context)
}

async function startLocalEngine({ endpoint, region }: ChatOptions): Promise<Engine> {
  process.stderr.write('Starting DynamoDB …\n')
  return startEngine({ endpoint, region, dataFolder: DATA_FOLDER })
}

/** Reads lines until the user leaves, or until the input ends. */
async function talk(context: ChatContext): Promise<void> {
  const isInteractive = process.stdin.isTTY === true
  const terminal = createInterface({
    input: process.stdin,
    ...(isInteractive && { output: process.stdout }),
    prompt: `${paint.dim('you  ')} `,
  })
  // Ctrl-C stops an answer that is being given, and leaves otherwise.
  let isAnswering = false
  terminal.on('SIGINT', () => (isAnswering ? context.conversation.cancel() : terminal.close()))
  // The shell's own prompt belongs on a new line, however the user leaves.
  if (isInteractive) terminal.on('close', () => process.stdout.write('\n'))
  for await (const line of promptedLines(terminal, isInteractive)) {
    try {
      if (line.startsWith('/')) {
        if ((await runChatCommand(line, context)) === 'quit') break
      } else {
        isAnswering = true
        await answer(line, context)
      }
    } catch (error) {
      // What fails, fails for this line only.
      say(paint.red(error instanceof Error ? error.message : String(error)))
      if (error instanceof SessionConflictError) {
        await open(context)
        say('It now has what the other writer said. Please say yours again.')
      }
    } finally {
      isAnswering = false
    }
  }
  terminal.close()
}

async function* promptedLines(terminal: Interface, isInteractive: boolean): AsyncGenerator<string> {
  if (isInteractive) terminal.prompt()
  for await (const line of terminal) {
    // Piped lines are not on the screen yet.
    if (!isInteractive) say(`${paint.dim('you  ')} ${line}`)
    if (line.trim() !== '') yield line.trim()
    if (isInteractive) terminal.prompt()
  }
}

/** Streams the answer. */
async function answer(question: string, { conversation }: ChatContext): Promise<void> {
  let isLineOpen = false
  const endLine = (): void => {
    if (isLineOpen) process.stdout.write('\n')
    isLineOpen = false
  }
  try {
    for await (const part of conversation.ask(question)) {
      if (part.type === 'text') {
        if (!isLineOpen) process.stdout.write(`${paint.dim('agent')} `)
        isLineOpen = true
        process.stdout.write(paint.cyan(part.text))
      } else {
        endLine()
        const result = oneLine(part.result, RESULT_LENGTH)
        const call = [paint.yellow(part.name), ...(part.input === undefined ? [] : [part.input])].join(' ')
        say(`${paint.dim('tool ')} ${call} ${paint.dim('→')} ${result}`)
      }
    }
  } finally {
    endLine()
  }
}
