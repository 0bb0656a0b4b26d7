/** One agent's turns: what its hooks load, wait for, save and report. */

import {
  AfterInvocationEvent,
  AfterModelCallEvent,
  type Agent,
  AgentResultEvent,
  BeforeInvocationEvent,
  HookOrder,
  InvokeModelStage,
  Message,
  MessageAddedEvent,
  type MessageData,
} from '@strands-agents/sdk'
import { AnswerNotSavedError, SessionBusyError, SessionConflictError } from './errors.ts'
import { isAnswer } from './items.ts'
import { checkId } from './keys.ts'
import type { TurnOptions } from './parse-options.ts'
import { repairConversation } from './repair.ts'
import { freeze } from './snapshot.ts'
import type { DynamoDBSnapshotStorage } from './snapshot-storage.ts'
import type { Turns } from './turns.ts'

/** What an {@link AgentSession} needs of its manager. */
export interface AgentSessionOptions extends TurnOptions {
  readonly sessionId: string
  readonly agent: Agent
  readonly storage: DynamoDBSnapshotStorage
  /** Restores the latest snapshot into the agent. */
  readonly restore: () => Promise<boolean>
  /** Saves the agent's latest snapshot. */
  readonly save: () => Promise<void>
}

/** One run of the agent loop. */
interface Turn {
  readonly id: string | undefined
  /** The caller's object, by which a continuation of the same call is recognised. */
  readonly invocationState: object
  /** When to stop waiting for other writers, in epoch milliseconds. */
  readonly waitUntil: number
  /** The caller's messages that the agent has added and the log does not hold yet. */
  readonly unclaimed: Message[]
  /** Whether a message of this turn is stored: from then on a conflict cannot be healed. */
  isClaimed: boolean
  /** How many of the caller's messages the log holds from an earlier run of the turn. */
  storedInputs: number
  /** The stored answer, when the turn has been run before. */
  replay: Message | undefined
  /** Whether the run ended with an error of its own, which a failing save must not hide. */
  hasFailed: boolean
  isOver: boolean
}

/** Connects one agent to its storage. */
export class AgentSession {
  readonly #options: AgentSessionOptions
  readonly #turns: Turns
  #turn: Turn | undefined

  constructor(options: AgentSessionOptions) {
    this.#options = options
    this.#turns = options.storage.turns(this.#location)
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
    const { turnExclusion, turnLeaseMs, turnWaitMs } = this.#options
    const id = turnIdOf(invocationState)
    const turn: Turn = {
      id,
      invocationState,
      waitUntil: Date.now() + this.#within(turnWaitMs),
      unclaimed: [],
      isClaimed: false,
      storedInputs: 0,
      replay: undefined,
      hasFailed: false,
      isOver: false,
    }
    const isContinuation = this.#turn?.invocationState === invocationState && !this.#turn.isOver
    this.#turn = turn
    this.#turns.begin({ id, leaseMs: turnExclusion ? this.#within(turnLeaseMs) : undefined })
    // A plugin may let an invocation go on with more input: that is not another run of its turn.
    if (isContinuation) return
    await this.#prepare(turn).catch((error: unknown) => {
      turn.isOver = true
      throw error
    })
  }

  /** Brings the agent to where the turn can start. */
  async #prepare(turn: Turn): Promise<void> {
    const { turnExclusion, restore, agent } = this.#options
    // Whoever else has waited may be faster: what a restore finds may again be a turn under way.
    while (turnExclusion && (await this.#turns.waitUntilFree(turn.waitUntil, agent.cancelSignal))) await restore()
    const isResumed = turn.id !== undefined && (await this.#resume(turn, turn.id))
    if (turn.replay === undefined) this.#repair(this.#turns.hasCrashed() && !isResumed)
  }

  /** Finds an earlier run of a turn with an id. */
  async #resume(turn: Turn, id: string): Promise<boolean> {
    const { agent } = this.#options
    const record = await this.#turns.find(id)
    if (record.status === 'answered') turn.replay = Message.fromMessageData(record.answer as MessageData)
    if (record.status !== 'unanswered') return false
    const messages = record.positions.flatMap((position) => agent.messages[position] ?? [])
    const answered = messages.findIndex((message) => message.role === 'assistant')
    turn.storedInputs = answered < 0 ? messages.length : answered
    return messages.length > 0
  }

  #repair(endsUnanswered: boolean): void {
    const { agent, repair, sessionId, logger } = this.#options
    if (repair === 'off' || isInterrupted(agent)) return
    const repaired = repairConversation(agent.messages, repair, endsUnanswered)
    if (repaired === undefined) return
    logger.warn(
      `session_id=<${sessionId}>, agent_id=<${agent.id}>, repair=<${repair}>, messages=<${agent.messages.length}>, ` +
        `repaired_messages=<${repaired.length}> | an earlier turn was cut short, the conversation was repaired`,
    )
    agent.messages.splice(0, agent.messages.length, ...repaired)
  }

  async #messageAdded({ message }: MessageAddedEvent): Promise<void> {
    const turn = this.#turn
    const { agent, saveLatestOn, save } = this.#options
    if (turn === undefined) return save()
    if (turn.replay !== undefined || (turn.storedInputs > 0 && message.role === 'user')) {
      // The log holds it already: from an earlier run of this turn.
      turn.storedInputs -= 1
      agent.messages.splice(agent.messages.lastIndexOf(message), 1)
      return
    }
    turn.storedInputs = 0
    if (!turn.isClaimed) return this.#claim(turn, message)
    if (saveLatestOn !== 'message') return
    // An answer that cannot be stored now is stored, or handed to the caller, when the turn ends.
    if (isAnswer(message.toJSON())) await save().catch(() => undefined)
    else await save()
  }

  /** Stores the first message of a turn. Whoever does it first has the turn; the others go on from where it ends. */
  async #claim(turn: Turn, message: Message): Promise<void> {
    turn.unclaimed.push(message)
    try {
      await this.#store(turn)
      turn.isClaimed = true
    } catch (error) {
      // The turn has not begun: what it was asked is not part of the conversation.
      const { messages } = this.#options.agent
      messages.splice(0, messages.length, ...messages.filter((each) => !turn.unclaimed.includes(each)))
      turn.hasFailed = true
      throw error
    }
  }

  async #store(turn: Turn): Promise<void> {
    const { save, turnExclusion } = this.#options
    for (let isFirst = true; ; isFirst = false) {
      try {
        return await save()
      } catch (error) {
        if (!(error instanceof SessionConflictError) || !turnExclusion) throw error
        if (!isFirst && Date.now() >= turn.waitUntil) throw this.#busy(error)
        await this.#catchUp(turn, error)
      }
    }
  }

  /** Loads what another writer has added, and puts this turn's messages behind it. */
  async #catchUp(turn: Turn, conflict: SessionConflictError): Promise<void> {
    const { agent, restore, storage } = this.#options
    const base = storage.storedStateDigest(this.#location)
    const own = agent.takeSnapshot({ preset: 'session' })
    const isChanged = base !== undefined && freeze(own).stateDigest !== base
    await restore()
    await this.#prepare(turn)
    if (isChanged) {
      if (storage.storedStateDigest(this.#location) !== base) throw conflict
      const { messages: _, ...data } = own.data
      agent.loadSnapshot({ ...own, data })
    }
    if (turn.replay === undefined) agent.messages.push(...turn.unclaimed)
  }

  #busy(conflict: SessionConflictError): SessionBusyError {
    const { sessionId, agent, turnLeaseMs } = this.#options
    const facts = { sessionId, scopeId: agent.id, writer: conflict.actual, retryAfterMs: turnLeaseMs }
    return new SessionBusyError(facts, { cause: conflict })
  }

  /** A redaction is stored before the invocation goes on: the old text never rests. */
  async #afterModelCall(event: AfterModelCallEvent): Promise<void> {
    const { agent, storage, saveLatestOn, save } = this.#options
    const redacted = event.stopData?.redaction?.userMessage === undefined ? undefined : agent.messages.at(-1)
    if (redacted === undefined) return
    storage.redact(this.#location, redacted, await unstash(agent, redacted))
    if (saveLatestOn !== 'trigger') await save()
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
    if (turn?.replay !== undefined || (turn?.hasFailed && !turn.isClaimed)) return this.#over()
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

  /** A span of time, or what is left until the process is ended if that is less. */
  #within(milliseconds: number): number {
    const { remainingMs } = this.#options
    return remainingMs === undefined ? milliseconds : Math.max(0, Math.min(milliseconds, remainingMs()))
  }

  get #location(): { sessionId: string; scope: 'agent'; scopeId: string } {
    return { sessionId: this.#options.sessionId, scope: 'agent', scopeId: this.#options.agent.id }
  }
}

/**
 * The id that a caller gave a turn, in `invocationState.turnId`.
 *
 * @throws `InvalidOptionError` for one that is not an id.
 */
function turnIdOf(invocationState: Readonly<Record<string, unknown>>): string | undefined {
  const { turnId } = invocationState
  return turnId === undefined ? undefined : checkId('invocationState.turnId', turnId)
}

/** Whether the agent waits for a person's answer: its unfinished tool uses are not those of a crash. */
function isInterrupted(agent: Agent): boolean {
  const { interrupts } = agent.takeSnapshot({ include: ['interrupts'] }).data
  return typeof interrupts === 'object' && interrupts !== null && Reflect.get(interrupts, 'activated') === true
}

/** Deletes what a context manager's stash has kept of a message. Returns the references of the entries. */
async function unstash(agent: Agent, message: Message): Promise<string[]> {
  const stash = agent.contextManager?.stash
  if (stash === undefined) return []
  const ids = [
    message.trackingId,
    ...message.content.flatMap((block) => ('toolUseId' in block ? [block.toolUseId] : [])),
  ]
  // The stash names an entry by the message's or the tool use's id and the number of the block.
  const references = (await stash.list()).filter((reference) => ids.includes(reference.replace(/_\d+$/, '')))
  await Promise.all(references.map((reference) => stash.delete(reference)))
  return references
}
