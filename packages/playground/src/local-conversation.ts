/** A conversation with an agent in this process, made anew whenever the session changes. */

import type { Agent, Model } from '@strands-agents/sdk'
import {
  DynamoDBSessionManager,
  type DynamoDBSessionManagerOptions,
  listSessions,
  type SessionPage,
} from 'strands-session-dynamodb'
import { createAssistant } from './assistant.ts'
import type { AnswerPart, Conversation, HistoryLine } from './conversation.ts'
import { tellResult, textOf } from './transcript.ts'

/** Holds the agent of the session that is open. */
export class LocalConversation implements Conversation {
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

  /** As a new process would: everything is restored from the table. */
  async open(sessionId = this.sessionId): Promise<number> {
    this.#manager = new DynamoDBSessionManager({ ...this.#options, sessionId })
    this.#agent = createAssistant(this.#model, this.#manager)
    await this.#agent.initialize()
    return this.#agent.messages.length
  }

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

  async sessions(): Promise<SessionPage | undefined> {
    const { owner } = this.#options
    return owner === undefined ? undefined : listSessions({ ...this.#options, owner })
  }

  async delete(onProgress: (deleted: number) => void): Promise<void> {
    await this.#manager.deleteSession({ onProgress: ({ deleted }) => onProgress(deleted) })
    await this.open()
  }
}
