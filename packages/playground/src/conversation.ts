/** A conversation of the chat: an agent on a session, made anew whenever the session changes. */

import type { Agent, Model } from '@strands-agents/sdk'
import { DynamoDBSessionManager, type DynamoDBSessionManagerOptions } from 'strands-session-dynamodb'
import { createAssistant } from './assistant.ts'
import { tellResult, textOf } from './transcript.ts'

/** What happens while the agent answers. */
export type AnswerPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'tool'; readonly name: string; readonly input: string; readonly result: string }

/** A line of the history. */
export interface HistoryLine {
  readonly role: 'user' | 'assistant' | 'tool'
  readonly text: string
}

/** Holds the agent of the session that is open. */
export class Conversation {
  readonly #model: Model
  readonly #options: Omit<DynamoDBSessionManagerOptions, 'sessionId'>
  #manager: DynamoDBSessionManager
  #agent: Agent

  /** Sends no request; {@link open} does. */
  constructor(model: Model, { sessionId, ...options }: DynamoDBSessionManagerOptions) {
    this.#model = model
    this.#options = options
    this.#manager = new DynamoDBSessionManager({ ...options, sessionId })
    this.#agent = createAssistant(model, this.#manager)
  }

  get sessionId(): string {
    return this.#manager.sessionId
  }

  /**
   * Opens a session, as a new process would: everything is restored from the table.
   *
   * @param sessionId - Session to open. @defaultValue the same one again
   * @returns messages that were restored
   */
  async open(sessionId = this.sessionId): Promise<number> {
    this.#manager = new DynamoDBSessionManager({ ...this.#options, sessionId })
    this.#agent = createAssistant(this.#model, this.#manager)
    await this.#agent.initialize()
    return this.#agent.messages.length
  }

  /** Asks the agent; the parts of its answer come as they are made. */
  async *ask(question: string): AsyncGenerator<AnswerPart> {
    for await (const event of this.#agent.stream(question)) {
      if (event.type === 'modelStreamUpdateEvent') {
        const { event: update } = event
        if (update.type === 'modelContentBlockDeltaEvent' && update.delta.type === 'textDelta') {
          yield { type: 'text', text: update.delta.text }
        }
      } else if (event.type === 'afterToolCallEvent') {
        const { name, input } = event.toolUse
        yield { type: 'tool', name, input: JSON.stringify(input), result: tellResult(name, event.result) }
      }
    }
  }

  /** Stops an answer that is being given. */
  cancel(): void {
    if (this.#agent.isInvoking) this.#agent.cancel()
  }

  /** What the model sees of the conversation. */
  history(): HistoryLine[] {
    return this.#agent.messages.flatMap((message) => [
      ...(textOf(message) === '' ? [] : [{ role: message.role, text: textOf(message) }]),
      ...message.content.flatMap((block): HistoryLine[] => {
        if (block.type === 'toolUseBlock')
          return [{ role: 'tool', text: `${block.name} ${JSON.stringify(block.input)}` }]
        return block.type === 'toolResultBlock' ? [{ role: 'tool', text: `→ ${tellResult('', block)}` }] : []
      }),
    ])
  }

  /** Deletes the session from the table; the conversation starts empty. */
  async delete(onProgress: (deleted: number) => void): Promise<void> {
    await this.#manager.deleteSession({ onProgress: ({ deleted }) => onProgress(deleted) })
    await this.open()
  }
}
