/** A conversation with an agent that runs elsewhere, behind the sample agent's HTTP interface. */

import { randomUUID } from 'node:crypto'
import type { AnswerPart, Conversation, HistoryLine } from '../conversation.ts'
import { type AgentClient, AgentError, type SessionPage, type Turn } from '../dev/page/agent-client.js'

/** Holds which session is open; everything else is asked for. */
export class RemoteConversation implements Conversation {
  readonly #client: AgentClient
  #sessionId: string
  /** The turn that has failed last: the same question again is the same turn again. */
  #failed: Turn | undefined
  #running: AbortController | undefined

  /** Sends no request; {@link open} does. */
  constructor(client: AgentClient, sessionId: string) {
    this.#client = client
    this.#sessionId = sessionId
  }

  get sessionId(): string {
    return this.#sessionId
  }

  async open(sessionId = this.#sessionId): Promise<number> {
    const messages = await explained(this.#client.messages(sessionId))
    this.#sessionId = sessionId
    return messages?.length ?? 0
  }

  async *ask(question: string): AsyncGenerator<AnswerPart> {
    const sessionId = this.#sessionId
    const isRetry = this.#failed?.prompt === question && this.#failed.sessionId === sessionId
    const turn = isRetry && this.#failed ? this.#failed : { prompt: question, turnId: randomUUID(), sessionId }
    const running = new AbortController()
    this.#running = running
    this.#failed = turn
    try {
      for await (const event of this.#client.chat(turn, running.signal)) {
        if (event.type === 'text') yield { type: 'text', text: event.text }
        if (event.type === 'tool' && event.status !== 'started') {
          yield { type: 'tool', name: event.name, result: event.status }
        }
      }
      this.#failed = undefined
    } catch (error) {
      if (running.signal.aborted) this.#failed = undefined
      else throw explain(error, 'Say the same again to retry: it is not said twice.')
    } finally {
      this.#running = undefined
    }
  }

  cancel(): void {
    this.#running?.abort()
  }

  async history(): Promise<readonly HistoryLine[]> {
    const messages = (await explained(this.#client.messages(this.#sessionId))) ?? []
    return messages.flatMap(({ role, text, tools = [] }): HistoryLine[] => [
      ...(text === '' ? [] : [{ role, text }]),
      ...tools.map((name) => ({ role: 'tool' as const, text: name })),
    ])
  }

  async sessions(): Promise<SessionPage> {
    return explained(this.#client.sessions())
  }

  async delete(): Promise<void> {
    await explained(this.#client.delete(this.#sessionId))
  }
}

async function explained<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    throw explain(error)
  }
}

/**
 * The same error with what a person at a terminal can do about it.
 *
 * @param retry - What to do about a failure that passes, where anything can be done.
 */
function explain(error: unknown, retry?: string): unknown {
  if (!(error instanceof AgentError)) return error
  const advice = adviceFor(error, retry)
  return advice === undefined ? error : new Error(`${error.message} ${advice}`, { cause: error })
}

function adviceFor({ code, status }: AgentError, retry: string | undefined): string | undefined {
  if (status === 403) {
    return (
      'The URL refused the signature: you need credentials of its account that allow lambda:InvokeFunctionUrl and ' +
      'lambda:InvokeFunction (or execute-api:Invoke), and its region.'
    )
  }
  switch (code) {
    case 'busy':
    case 'cut_off':
    case 'internal':
      return retry
    case 'unreachable':
      return 'Is the URL right, and does the agent run?'
    case 'unexpected':
      return 'Is this the URL of the sample agent?'
    default:
      return undefined
  }
}
