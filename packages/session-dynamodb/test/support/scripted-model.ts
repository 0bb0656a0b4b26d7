/** A model that plays a script, so that a test decides every turn of a conversation. */

import {
  type BaseModelConfig,
  type JSONValue,
  type Message,
  Model,
  type ModelStreamEvent,
  type StreamOptions,
} from '@strands-agents/sdk'

/** One answer of the model. */
export type ScriptedTurn =
  | { readonly text: string }
  | {
      readonly toolUses: readonly ScriptedToolUse[]
      /** Said before the tools are used. @defaultValue nothing */
      readonly text?: string
    }
  | {
      /** What a guardrail puts in the place of the user's message, or of the answer. */
      readonly redact: { readonly input?: string; readonly output?: string }
      /** The answer that the guardrail replaced. @defaultValue `blocked` */
      readonly text?: string
    }
  | {
      /** Fails the call. */
      readonly error: Error
      /** Streamed before the call fails. @defaultValue nothing */
      readonly text?: string
    }

/** A tool that the model asks for. */
export interface ScriptedToolUse {
  readonly name: string
  readonly input: JSONValue
  /** @defaultValue `tool-1`, `tool-2`, … in the order in which this model asks */
  readonly toolUseId?: string
}

/**
 * The script: turns in order, or a function from the number of the call (from 0) and the messages that the model sees.
 */
export type Script = readonly ScriptedTurn[] | ((call: number, messages: readonly Message[]) => ScriptedTurn)

/** Plays the {@link Script}; the same script always makes the same messages, apart from the SDK's tracking ids. */
export class ScriptedModel extends Model<BaseModelConfig> {
  /** The messages that each call saw, as JSON, so that later changes to them do not show. */
  readonly calls: string[] = []
  readonly #script: Script
  #config: BaseModelConfig = { modelId: 'scripted', contextWindowLimit: 200_000 }
  #toolUses = 0

  constructor(script: Script) {
    super()
    this.#script = script
  }

  override updateConfig(config: BaseModelConfig): void {
    this.#config = { ...this.#config, ...config }
  }

  override getConfig(): BaseModelConfig {
    return this.#config
  }

  override async *stream(messages: Message[], _options?: StreamOptions): AsyncIterable<ModelStreamEvent> {
    const call = this.calls.push(JSON.stringify(messages)) - 1
    const turn = typeof this.#script === 'function' ? this.#script(call, messages) : this.#script[call]
    if (turn === undefined)
      throw new Error(`The script has ${this.#script.length} turns, but the model was called again`)

    yield { type: 'modelMessageStartEvent', role: 'assistant' }
    const text = turn.text ?? ('redact' in turn ? 'blocked' : undefined)
    if (text !== undefined) yield* textBlock(text)
    if ('error' in turn) throw turn.error
    const toolUses = 'toolUses' in turn ? turn.toolUses : []
    for (const toolUse of toolUses) yield* this.#toolUseBlock(toolUse)
    if ('redact' in turn) {
      yield { type: 'modelMessageStopEvent', stopReason: 'guardrailIntervened' }
      const { input, output } = turn.redact
      yield {
        type: 'modelRedactionEvent',
        ...(input !== undefined && { inputRedaction: { replaceContent: input } }),
        ...(output !== undefined && { outputRedaction: { replaceContent: output } }),
      }
    } else {
      yield { type: 'modelMessageStopEvent', stopReason: toolUses.length > 0 ? 'toolUse' : 'endTurn' }
    }
    yield { type: 'modelMetadataEvent', usage: { inputTokens: 10, outputTokens: 5, totalTokens: 15 } }
  }

  *#toolUseBlock({ name, input, toolUseId }: ScriptedToolUse): Iterable<ModelStreamEvent> {
    this.#toolUses += 1
    const start = { type: 'toolUseStart', name, toolUseId: toolUseId ?? `tool-${this.#toolUses}` } as const
    yield { type: 'modelContentBlockStartEvent', start }
    yield { type: 'modelContentBlockDeltaEvent', delta: { type: 'toolUseInputDelta', input: JSON.stringify(input) } }
    yield { type: 'modelContentBlockStopEvent' }
  }
}

function* textBlock(text: string): Iterable<ModelStreamEvent> {
  yield { type: 'modelContentBlockStartEvent' }
  yield { type: 'modelContentBlockDeltaEvent', delta: { type: 'textDelta', text } }
  yield { type: 'modelContentBlockStopEvent' }
}
