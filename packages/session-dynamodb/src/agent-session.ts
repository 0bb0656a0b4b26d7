/** One agent's hooks: what they save while a turn goes on, and what they report when it ends. */

import {
  AfterInvocationEvent,
  AfterModelCallEvent,
  AgentResultEvent,
  BeforeInvocationEvent,
  HookOrder,
  InvokeModelStage,
  type Message,
  MessageAddedEvent,
} from '@strands-agents/sdk'
import { AnswerNotSavedError } from './errors.ts'
import { isAnswer } from './messages.ts'
import { unstash } from './stash.ts'
import type { Turn } from './turn.ts'
import { type AgentSessionOptions, TurnStart } from './turn-start.ts'
import type { Turns } from './turns.ts'

/** Connects one agent to its storage. */
export class AgentSession {
  readonly #options: AgentSessionOptions
  readonly #turns: Turns
  readonly #start: TurnStart
  #turn: Turn | undefined

  constructor(options: AgentSessionOptions) {
    this.#options = options
    this.#turns = options.storage.turns(this.#location)
    this.#start = new TurnStart(options, this.#turns)
  }

  /** Registers the hooks. Ours run first before a turn and last after it. */
  register(): void {
    const { agent, saveLatestOn } = this.#options
    agent.addHook(AfterModelCallEvent, (event) => this.#afterModelCall(event), { order: HookOrder.SDK_FIRST - 1 })
    if (saveLatestOn === 'trigger') return
    agent.addHook(BeforeInvocationEvent, (event) => this.#begin(event), { order: HookOrder.SDK_FIRST - 1 })
    agent.addHook(MessageAddedEvent, (event) => this.#messageAdded(event))
    agent.addHook(AgentResultEvent, () => this.#over())
    agent.addHook(AfterInvocationEvent, () => this.#end(), { order: HookOrder.SDK_LAST + 1 })
    // A plugin that throws on this event keeps later hooks from running: what the turn has added is saved before.
    if (saveLatestOn === 'invocation') agent.addHook(AfterInvocationEvent, () => this.#saveEarly())
    agent.addHook(AfterModelCallEvent, (event) => this.#noteFailure(event), { order: HookOrder.SDK_LAST + 1 })
    const replay = (): Message | undefined => this.#turn?.replay
    agent.addMiddleware(InvokeModelStage, async function* (context, next) {
      const answer = replay()
      return answer === undefined ? yield* next(context) : { result: { message: answer, stopReason: 'endTurn' } }
    })
  }

  /**
   * Runs a save at the end of a turn. When it fails the answer is not lost, and an error of the turn itself is not
   * hidden.
   */
  async guardEnd(save: () => Promise<void>): Promise<void> {
    try {
      await save()
    } catch (error) {
      this.#reportUnsaved(error)
    }
  }

  async #begin(event: BeforeInvocationEvent): Promise<void> {
    const { invocationState } = event
    // A plugin may let an invocation go on with more input: that is not another run of its turn.
    const isContinuation = this.#turn?.invocationState === invocationState && !this.#turn.isOver
    const isCutShort = this.#turn?.isCutShort === true
    const turn = this.#start.open(invocationState)
    this.#turn = turn
    if (isContinuation) return
    await this.#start.prepare(turn, isCutShort).catch((error: unknown) => {
      turn.isOver = true
      throw error
    })
  }

  async #messageAdded({ message }: MessageAddedEvent): Promise<void> {
    const turn = this.#turn
    const { agent, saveLatestOn, save } = this.#options
    if (turn === undefined) return save()
    if (turn.replay !== undefined || turn.isGivenUp || (turn.storedInputs > 0 && message.role === 'user')) {
      // The log holds it already: from an earlier run of this turn.
      turn.storedInputs -= 1
      agent.messages.splice(agent.messages.lastIndexOf(message), 1)
      return
    }
    if (message.role === 'assistant' && agent.cancelSignal.aborted) this.#start.giveUp(turn)
    if (!turn.isResumed && turn.unclaimed.length === 0) this.#start.separate(message)
    turn.storedInputs = 0
    if (!turn.isClaimed) return this.#start.claim(turn, message)
    if (saveLatestOn !== 'message') return
    // An answer that cannot be stored now is stored, or handed to the caller, when the turn ends.
    if (isAnswer(message.toJSON())) await save().catch(() => undefined)
    else await this.#saveInTurn()
  }

  /** A save that fails in the middle of a turn ends it. */
  async #saveInTurn(): Promise<void> {
    await this.#options.save().catch((error: unknown) => {
      if (this.#turn !== undefined) this.#turn.isCutShort = true
      throw error
    })
  }

  /** A redaction is stored before the invocation goes on: the old text never rests. */
  async #afterModelCall(event: AfterModelCallEvent): Promise<void> {
    const { agent, storage, saveLatestOn } = this.#options
    const redacted = event.stopData?.redaction?.userMessage === undefined ? undefined : agent.messages.at(-1)
    if (redacted === undefined) return
    storage.redact(this.#location, redacted, await unstash(agent, redacted))
    if (saveLatestOn !== 'trigger') await this.#saveInTurn()
  }

  /** Model errors that nobody retries end the turn, and come before whatever a save may have to say. */
  #noteFailure({ error, retry }: AfterModelCallEvent): void {
    if (this.#turn !== undefined)
      this.#turn.hasFailed = error !== undefined && !retry && error.name !== 'CancelledError'
  }

  async #saveEarly(): Promise<void> {
    if (this.#turn?.replay === undefined) await this.guardEnd(this.#options.save)
  }

  /** Saves what the conversation manager has trimmed and late hooks have changed, and ends the turn. */
  async #end(): Promise<void> {
    const turn = this.#turn
    if (turn?.replay !== undefined || turn?.isGivenUp || (turn?.hasFailed && !turn.isClaimed)) return this.#over()
    await this.guardEnd(async () => {
      this.#options.storage.endTurn(this.#location)
      await this.#options.save()
      if (turn?.id !== undefined) await this.#turns.complete(turn.id)
    })
    this.#turns.begin({})
    if (turn?.hasFailed) this.#over()
  }

  #over(): void {
    if (this.#turn !== undefined) this.#turn.isOver = true
  }

  #reportUnsaved(error: unknown): void {
    const { agent, sessionId, onAnswerNotSaved, logger } = this.#options
    const turn = this.#turn
    if (turn?.hasFailed) {
      const reason = error instanceof Error ? error.name : typeof error
      logger.error(`session_id=<${sessionId}>, agent_id=<${agent.id}>, error=<${reason}> | save failed after an error`)
      return
    }
    const answer = agent.messages.at(-1)
    if (answer === undefined || !isAnswer(answer.toJSON())) throw error
    const unsaved = new AnswerNotSavedError(sessionId, answer, error)
    if (onAnswerNotSaved === undefined) throw unsaved
    onAnswerNotSaved(unsaved)
  }

  get #location(): { sessionId: string; scope: 'agent'; scopeId: string } {
    return { sessionId: this.#options.sessionId, scope: 'agent', scopeId: this.#options.agent.id }
  }
}
