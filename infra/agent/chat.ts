/** `POST /chat`: one turn of a session, told as it happens. */

import { createAgent } from './agent.ts'
import { chatEvents } from './events.ts'
import { type AgentRequest, RefusedError, type Reply } from './http.ts'
import { parseChat } from './request.ts'
import { type AgentService, callerOf, sessionManager } from './service.ts'

/** How long before the process ends a turn is ended, in milliseconds: time to store it and to say so. */
const DEADLINE_MARGIN_MS = 10_000

/** Longest title of a session, in characters: the beginning of its first prompt. */
const MAX_TITLE_LENGTH = 80

/**
 * Runs one turn. The reply begins when there is something to tell; until then whatever fails has a status code of its
 * own. A turn whose client goes away or whose time is up is ended, and what it has come to is stored.
 */
export async function chat(service: AgentService, request: AgentRequest): Promise<Reply> {
  const { sessionId: assigned } = callerOf(request)
  const { prompt, sessionId, turnId, isNewSession } = parseChat(request.body, {
    sessionId: assigned,
    requestId: request.requestId,
  })
  const title = isNewSession ? titleOf(prompt) : undefined
  const agent = createAgent(service.model, sessionManager(service, request, { sessionId, title }))
  const timeUp = deadlineOf(request)
  const events = chatEvents(
    agent.stream(prompt, {
      invocationState: { turnId },
      cancelSignal: AbortSignal.any([request.signal, timeUp]),
    }),
    { sessionId, isTimeUp: () => timeUp.aborted, onError: service.telemetry.noteError },
  )
  const first = await events.next()
  if (first.done) throw new RefusedError(500, 'internal', 'The agent had nothing to say.')
  return {
    status: 200,
    headers: { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' },
    body: startingWith(first.value, events),
  }
}

function deadlineOf({ getRemainingTimeInMillis }: AgentRequest): AbortSignal {
  if (getRemainingTimeInMillis === undefined) return new AbortController().signal
  return AbortSignal.timeout(Math.max(0, getRemainingTimeInMillis() - DEADLINE_MARGIN_MS))
}

function titleOf(prompt: string): string {
  const line = prompt.replace(/\s+/g, ' ')
  return line.length <= MAX_TITLE_LENGTH ? line : `${line.slice(0, MAX_TITLE_LENGTH - 1).toWellFormed()}…`
}

async function* startingWith(first: string, rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield first
  yield* rest
}
