/** Brings an agent to where a turn can start: waits, catches up, repairs, and stores the turn's first message. */

import { type Agent, Message, type MessageData } from '@strands-agents/sdk'
import { SessionBusyError, SessionConflictError } from './errors.ts'
import { checkId } from './keys.ts'
import type { TurnOptions } from './parse-options.ts'
import { repairConversation } from './repair.ts'
import { freeze } from './snapshot.ts'
import type { DynamoDBSnapshotStorage } from './snapshot-storage.ts'
import type { Turns } from './turns.ts'

/** What an agent's session needs of its manager. */
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
export interface Turn {
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

/** Starts the turns of one agent. */
export class TurnStart {
  readonly #options: AgentSessionOptions
  readonly #turns: Turns

  constructor(options: AgentSessionOptions, turns: Turns) {
    this.#options = options
    this.#turns = turns
  }

  /** Opens a turn: what is written from now on is part of it. */
  open(invocationState: Readonly<Record<string, unknown>>): Turn {
    const { turnExclusion, turnLeaseMs, turnWaitMs } = this.#options
    const id = turnIdOf(invocationState)
    this.#turns.begin({ id, leaseMs: turnExclusion ? this.#within(turnLeaseMs) : undefined })
    return {
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
  }

  /** Brings the agent to where the turn can start. */
  async prepare(turn: Turn): Promise<void> {
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

  /** Stores the first message of a turn. Whoever does it first has the turn; the others go on from where it ends. */
  async claim(turn: Turn, message: Message): Promise<void> {
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
    await this.prepare(turn)
    if (isChanged) {
      if (storage.storedStateDigest(this.#location) !== base) throw conflict
      const { messages: _, ...data } = own.data
      agent.loadSnapshot({ ...own, data })
    }
    if (turn.replay === undefined) agent.messages.push(...turn.unclaimed.slice(turn.storedInputs))
  }

  #busy(conflict: SessionConflictError): SessionBusyError {
    const { sessionId, agent, turnLeaseMs } = this.#options
    const facts = { sessionId, scopeId: agent.id, writer: conflict.actual, retryAfterMs: turnLeaseMs }
    return new SessionBusyError(facts, { cause: conflict })
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
