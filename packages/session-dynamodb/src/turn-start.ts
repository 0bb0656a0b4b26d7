/** Brings an agent to where a turn can start: waits, catches up, repairs, and stores the turn's first message. */

import { type Agent, Message, type MessageData } from '@strands-agents/sdk'
import { SessionBusyError, SessionConflictError } from './errors.ts'
import { clearStaleInterrupt, isInterrupted } from './interrupts.ts'
import { SESSION_SORT_KEY } from './keys.ts'
import type { TurnOptions } from './parse-options.ts'
import { endsWithStructuredOutput, repairConversation } from './repair.ts'
import { freeze } from './snapshot.ts'
import type { DynamoDBSnapshotStorage } from './snapshot-storage.ts'
import { newTurn, type Turn } from './turn.ts'
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
    const { turnWaitMs } = this.#options
    const turn = newTurn(invocationState, Date.now() + this.#within(turnWaitMs))
    this.#mark(turn)
    return turn
  }

  /**
   * Brings the agent to where the turn can start.
   *
   * @param isCutShort - Whether the agent's own last turn ended because a save failed.
   */
  async prepare(turn: Turn, isCutShort = false): Promise<void> {
    const { turnExclusion, agent } = this.#options
    for (let isFirst = true; ; isFirst = false) {
      // Whoever else has waited may be faster: what a restore finds may again be a turn under way.
      while (turnExclusion && (await this.#turns.waitUntilFree(turn.waitUntil, agent.cancelSignal)))
        await this.#reload()
      turn.isGivenUp = agent.cancelSignal.aborted && this.#turns.isBusy()
      if (turn.isGivenUp) return
      const isResumed = turn.id !== undefined && (await this.#resume(turn, turn.id))
      const hasCrashed = this.#turns.hasCrashed() || isCutShort
      if (hasCrashed) clearStaleInterrupt(agent)
      if (turn.replay !== undefined) return
      const isRepaired = this.#repair(hasCrashed && !isResumed)
      if (!isRepaired && !(isResumed && turnExclusion)) return
      const write = (): Promise<void> => (isRepaired ? this.#saveRepair(turn, isResumed) : this.#turns.claim())
      if ((await this.#attempt(turn, isFirst, write)) === undefined) {
        turn.isClaimed = isResumed
        return
      }
      await this.#reload()
    }
  }

  /**
   * Restores the agent from what others have stored.
   *
   * @throws {@link SessionConflictError} when the session was deleted: what the agent remembers of it must not come back.
   */
  async #reload(): Promise<void> {
    const { restore, storage, sessionId, agent } = this.#options
    const existed = storage.storedStateDigest(this.#location) !== undefined
    if ((await restore()) || !existed) return
    const facts = { sessionId, scopeId: agent.id, key: SESSION_SORT_KEY }
    throw new SessionConflictError({ ...facts, expected: 'a session in use', actual: 'nothing: it was deleted' })
  }

  /** A cancelled turn is not answered by what the SDK says of that: asked again by its id, it is run again. */
  giveUp(turn: Turn): void {
    turn.id = undefined
    this.#mark(turn)
  }

  /** What is written from now on is part of a turn; without exclusion it says so, but keeps nobody waiting. */
  #mark({ id }: Turn): void {
    const { turnExclusion, turnLeaseMs } = this.#options
    this.#turns.begin({ id, leaseMs: turnExclusion ? this.#within(turnLeaseMs) : 0 })
  }

  /** Stores a repaired conversation at once: what was added belongs to the turn that was cut short, not to the next one. */
  async #saveRepair(turn: Turn, isResumed: boolean): Promise<void> {
    // Over at once: should this process die as well, the turn still counts as cut short.
    if (!isResumed) this.#turns.begin({ leaseMs: 0 })
    await this.#options.save().finally(() => this.#mark(turn))
  }

  /**
   * Runs a write with which a turn starts.
   *
   * @returns The conflict when another writer was faster, and there is time left to go on from there.
   */
  async #attempt(turn: Turn, isFirst: boolean, write: () => Promise<void>): Promise<SessionConflictError | undefined> {
    try {
      await write()
      return undefined
    } catch (error) {
      if (!this.#options.turnExclusion || !isOvertaken(error)) throw error
      if (!isFirst && Date.now() >= turn.waitUntil) throw this.#busy(error)
      return error
    }
  }

  /** Finds an earlier run of a turn with an id. */
  async #resume(turn: Turn, id: string): Promise<boolean> {
    const { agent } = this.#options
    const record = await this.#turns.find(id)
    turn.storedInputs = 0
    if (record.status === 'answered') turn.replay = Message.fromMessageData(record.answer as MessageData)
    if (record.status !== 'unanswered') return false
    const messages = agent.messages.slice(record.first)
    const answered = messages.findIndex((message) => message.role === 'assistant')
    turn.storedInputs = answered < 0 ? messages.length : answered
    turn.isResumed = true
    return true
  }

  /** @returns Whether there was anything to repair. */
  #repair(endsUnanswered: boolean): boolean {
    const { agent, repair } = this.#options
    if (repair === 'off' || isInterrupted(agent)) return false
    const repaired = repairConversation(agent.messages, repair, endsUnanswered)
    if (repaired === undefined) return false
    this.#replace(repaired)
    return true
  }

  #replace(repaired: readonly Message[]): void {
    const { agent, repair, sessionId, logger } = this.#options
    logger.warn(
      `session_id=<${sessionId}>, agent_id=<${agent.id}>, repair=<${repair}>, messages=<${agent.messages.length}>, ` +
        `repaired_messages=<${repaired.length}> | an earlier turn was cut short, the conversation was repaired`,
    )
    agent.messages.splice(0, agent.messages.length, ...repaired)
  }

  /**
   * A question that follows another one: the turn before has ended without an answer, by an error that nobody saw to. It is
   * given one, or taken back, so that questions and answers alternate.
   */
  separate(message: Message): void {
    const { agent, repair } = this.#options
    const before = agent.messages.slice(0, agent.messages.lastIndexOf(message))
    if (repair === 'off' || message.role !== 'user' || before.at(-1)?.role !== 'user') return
    if (isInterrupted(agent) || endsWithStructuredOutput(before)) return
    this.#replace([...(repairConversation(before, repair, true) ?? before), message])
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
    for (let isFirst = true; ; isFirst = false) {
      const conflict = await this.#attempt(turn, isFirst, this.#options.save)
      if (conflict === undefined) return
      await this.#catchUp(turn, conflict)
    }
  }

  /** Loads what another writer has added, and puts this turn's messages behind it. */
  async #catchUp(turn: Turn, conflict: SessionConflictError): Promise<void> {
    const { agent, storage } = this.#options
    const base = storage.storedStateDigest(this.#location)
    const own = agent.takeSnapshot({ preset: 'session' })
    const isChanged = base !== undefined && freeze(own).stateDigest !== base
    await this.#reload()
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
    const writer = conflict.writer ?? conflict.actual
    const facts = { sessionId, scopeId: agent.id, writer, retryAfterMs: turnLeaseMs }
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

/** Whether another writer was faster, which can be made up for. A session that is being deleted cannot be gone on with. */
function isOvertaken(error: unknown): error is SessionConflictError {
  return error instanceof SessionConflictError && error.key !== SESSION_SORT_KEY
}
