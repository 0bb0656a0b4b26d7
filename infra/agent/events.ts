/** Turns what an agent does into server-sent events. */

import type { AgentResult, AgentStreamEvent } from '@strands-agents/sdk'
import { refusalOf } from './refusals.ts'

/** What the caller is told of a turn. */
export interface ChatEventsOptions {
  readonly sessionId: string
  /** Whether the turn was ended because its time was up. */
  readonly isTimeUp: () => boolean
  /** Called with what ended the turn after the stream had begun. */
  readonly onError: (error: unknown) => void
}

/**
 * The events of one turn: `session`, then `text` and `tool` as they come, then `done` or `error`.
 *
 * What fails before there is anything to tell is thrown, so that it can still become a status code. All of the agent's
 * events are read in any case: its last one comes after the turn has been stored.
 */
export async function* chatEvents(
  stream: AsyncGenerator<AgentStreamEvent, AgentResult>,
  { sessionId, isTimeUp, onError }: ChatEventsOptions,
): AsyncGenerator<string> {
  let hasBegun = false
  let hasText = false
  try {
    for await (const event of stream) {
      const told = tellEvent(event, hasText)
      if (told === '') continue
      if (!hasBegun) yield serverSentEvent('session', { sessionId })
      hasBegun = true
      hasText ||= event.type === 'modelStreamUpdateEvent'
      const isCutShort = event.type === 'agentResultEvent' && event.result.stopReason === 'cancelled' && isTimeUp()
      yield isCutShort ? tellTimeUp() : told
    }
  } catch (error) {
    if (!hasBegun) throw error
    onError(error)
    const { code, message } = refusalOf(error)
    yield serverSentEvent('error', { code, message })
  }
}

/** One server-sent event. JSON has no line breaks, so that one line of data is enough. */
export function serverSentEvent(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}

/** What one event of the agent tells the caller; mostly nothing. */
function tellEvent(event: AgentStreamEvent, hasText: boolean): string {
  switch (event.type) {
    case 'modelStreamUpdateEvent':
      return event.event.type === 'modelContentBlockDeltaEvent' && event.event.delta.type === 'textDelta'
        ? serverSentEvent('text', { text: event.event.delta.text })
        : ''
    case 'beforeToolCallEvent':
      return tellTool(event.toolUse, 'started')
    case 'afterToolCallEvent':
      return event.retry === true ? '' : tellTool(event.toolUse, event.result.status)
    case 'agentResultEvent': {
      const { stopReason } = event.result
      // The stored answer of a turn that was already answered comes whole, not in pieces.
      const text = hasText ? '' : textOf(event.result)
      const whole = text === '' ? '' : serverSentEvent('text', { text })
      return `${whole}${serverSentEvent('done', { stopReason })}`
    }
    default:
      return ''
  }
}

function tellTool({ toolUseId, name }: { toolUseId: string; name: string }, status: string): string {
  return serverSentEvent('tool', { toolUseId, name, status })
}

function tellTimeUp(): string {
  const message = 'The turn took too long and was ended. What was said so far is in the session.'
  return serverSentEvent('error', { code: 'timeout', message })
}

function textOf({ lastMessage }: AgentResult): string {
  return lastMessage.content.map((block) => (block.type === 'textBlock' ? block.text : '')).join('')
}
