/** A model that needs no network: it answers from the messages that it is given, and streams as a real one does. */

import { randomUUID } from 'node:crypto'
import {
  type BaseModelConfig,
  type Message,
  Model,
  type ModelStreamEvent,
  type StreamOptions,
} from '@strands-agents/sdk'
import { replyTo } from './offline-reply.ts'

/** Settings of {@link OfflineModel}. */
export interface OfflineModelConfig extends BaseModelConfig {
  /** Makes the ids of tool calls, which a conversation never repeats. @defaultValue random UUIDs */
  readonly newId?: () => string
  /** Called after each word; the next one comes when it resolves. @defaultValue none: all words come at once */
  readonly pause?: () => Promise<void>
}

/** Characters per token, as the SDK estimates it for text. */
const CHARACTERS_PER_TOKEN = 4

/** Recalls what the user stated, uses the tools that it is offered, and says so when it does not know. */
export class OfflineModel extends Model<OfflineModelConfig> {
  #config: OfflineModelConfig

  constructor(config: OfflineModelConfig = {}) {
    super()
    this.#config = { modelId: 'offline', contextWindowLimit: 200_000, ...config }
  }

  override updateConfig(config: OfflineModelConfig): void {
    this.#config = { ...this.#config, ...config }
  }

  override getConfig(): OfflineModelConfig {
    return this.#config
  }

  override async *stream(messages: Message[], options: StreamOptions = {}): AsyncIterable<ModelStreamEvent> {
    const { systemPrompt, toolSpecs = [] } = options
    const { newId = randomUUID, pause } = this.#config
    const { text, toolRequests } = replyTo(
      messages,
      toolSpecs.map(({ name }) => name),
    )

    yield { type: 'modelMessageStartEvent', role: 'assistant' }
    yield { type: 'modelContentBlockStartEvent' }
    for (const chunk of text.match(/\S+\s*/g) ?? []) {
      options.cancelSignal?.throwIfAborted()
      yield { type: 'modelContentBlockDeltaEvent', delta: { type: 'textDelta', text: chunk } }
      await pause?.()
    }
    yield { type: 'modelContentBlockStopEvent' }
    for (const { name, input } of toolRequests) {
      yield { type: 'modelContentBlockStartEvent', start: { type: 'toolUseStart', name, toolUseId: newId() } }
      const delta = { type: 'toolUseInputDelta', input: JSON.stringify(input) } as const
      yield { type: 'modelContentBlockDeltaEvent', delta }
      yield { type: 'modelContentBlockStopEvent' }
    }
    yield { type: 'modelMessageStopEvent', stopReason: toolRequests.length > 0 ? 'toolUse' : 'endTurn' }

    const inputTokens = await this.countTokens(messages, {
      ...(systemPrompt !== undefined && { systemPrompt }),
      toolSpecs,
    })
    const written = text.length + JSON.stringify(toolRequests).length
    const outputTokens = Math.ceil(written / CHARACTERS_PER_TOKEN)
    yield {
      type: 'modelMetadataEvent',
      usage: { inputTokens, outputTokens, totalTokens: inputTokens + outputTokens },
    }
  }
}
