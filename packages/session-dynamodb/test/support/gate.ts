/** Stops agents at points that a test decides, so that tests need no sleeps. */

import type { JSONValue, Message, ModelStreamEvent, StreamOptions } from '@strands-agents/sdk'
import { type Script, ScriptedModel } from './scripted-model.ts'

/** A place where somebody waits until a test lets it go on. */
export interface Gate {
  /** Resolves when somebody waits here. */
  readonly reached: Promise<void>
  /** Waits here. */
  readonly pass: <T extends JSONValue>(value: T) => Promise<T>
  /** Lets whoever waits go on, now or later. */
  readonly open: () => void
}

export function gate(): Gate {
  const reached = Promise.withResolvers<void>()
  const opened = Promise.withResolvers<void>()
  return {
    reached: reached.promise,
    pass: async (value) => {
      reached.resolve()
      await opened.promise
      return value
    },
    open: () => opened.resolve(),
  }
}

/** Waits at a gate before one of its answers. */
export class GatedModel extends ScriptedModel {
  readonly #gate: Gate
  readonly #call: number

  /** @param call - Number of the call that waits, from 0. */
  constructor(script: Script, at: Gate, call = 0) {
    super(script)
    this.#gate = at
    this.#call = call
  }

  override async *stream(messages: Message[], options?: StreamOptions): AsyncIterable<ModelStreamEvent> {
    if (this.calls.length === this.#call) await this.#gate.pass(null)
    yield* super.stream(messages, options)
  }
}
