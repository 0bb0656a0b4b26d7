/** The commands that a user can type in the chat. */

import type { Conversation } from './conversation.ts'
import { alignRows, countOf, type Paint } from './format.ts'

/** What the commands work on. */
export interface ChatContext {
  readonly conversation: Conversation
  readonly paint: Paint
  readonly say: (...lines: readonly string[]) => void
}

/** Whether the chat goes on. */
export type Outcome = 'continue' | 'quit'

const HELP = [
  ['/history', 'what the model sees of this conversation'],
  ['/new [NAME]', 'begin another session, or go on with the one of that name'],
  ['/sessions', 'your sessions, newest first (needs --owner or --url)'],
  ['/delete', 'delete this session and begin it anew'],
  ['/quit', 'leave; the conversation stays in the table'],
] as const

/** Runs a command line, which starts with a slash. */
export async function runChatCommand(line: string, context: ChatContext): Promise<Outcome> {
  const { conversation, say, paint } = context
  const [command, argument, ...rest] = line.trim().split(/\s+/)
  if (rest.length > 0 || (argument !== undefined && command !== '/new')) {
    say(paint.red(`${command} does not take that; /help lists the commands.`))
    return 'continue'
  }
  switch (command) {
    case '/help':
      say(...alignRows(HELP).map((row) => `  ${row}`))
      return 'continue'
    case '/history':
      await showHistory(context)
      return 'continue'
    case '/new':
      await open(context, argument ?? `chat-${new Date().toISOString().replace(/\D/g, '').slice(0, 14)}`)
      return 'continue'
    case '/sessions':
      await showSessions(context)
      return 'continue'
    case '/delete':
      await conversation.delete((deleted) => process.stderr.write(`deleted ${countOf(deleted, 'item')}\n`))
      say(`Session ${paint.bold(conversation.sessionId)} is deleted. What you say next begins it anew.`)
      return 'continue'
    case '/quit':
    case '/exit':
      return 'quit'
    default:
      say(paint.red(`There is no ${command}; /help lists the commands.`))
      return 'continue'
  }
}

/** Opens a session and says whether there was one. */
export async function open({ conversation, say, paint }: ChatContext, sessionId?: string): Promise<void> {
  const restored = await conversation.open(sessionId)
  const state = restored > 0 ? `resumed with ${countOf(restored, 'message')}` : 'new'
  say(`Session ${paint.bold(conversation.sessionId)}: ${paint.green(state)}`)
}

async function showHistory({ conversation, say, paint }: ChatContext): Promise<void> {
  const lines = await conversation.history()
  const names = { user: 'you  ', assistant: 'agent', tool: 'tool ' }
  if (lines.length === 0) say('Nothing yet.')
  say(...lines.map(({ role, text }) => `${paint.dim(names[role])} ${text}`))
}

async function showSessions({ conversation, say, paint }: ChatContext): Promise<void> {
  const page = await conversation.sessions()
  if (page === undefined) {
    say(paint.red('Start the chat with --owner ID: sessions are listed by the user whom they belong to.'))
    return
  }
  const { sessions, cursor } = page
  if (sessions.length === 0) say('None yet.')
  const rows = sessions.map(({ sessionId, updatedAt }) => [
    sessionId === conversation.sessionId ? '*' : ' ',
    sessionId,
    updatedAt.slice(0, 16).replace('T', ' '),
  ])
  say(...alignRows(rows), ...(cursor === undefined ? [] : ['… and older ones']))
}
