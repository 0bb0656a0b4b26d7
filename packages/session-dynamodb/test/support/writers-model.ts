/**
 * What several writers may do to a session, as commands: each does it to the real session and to a reference that fits in
 * memory, and expects the same of both.
 */

import { type Agent, type AgentResult, SlidingWindowConversationManager } from '@strands-agents/sdk'
import type fc from 'fast-check'
import { AnswerNotSavedError, SessionBusyError, SessionConflictError, verifySession } from 'strands-session-dynamodb'
import { expect, vi } from 'vitest'
import { textsOf } from './active-turn.ts'
import { type Gate, GatedModel, gate } from './gate.ts'
import type { Script } from './scripted-model.ts'
import type { TestTable } from './table.ts'
import { messagesOf, type TestSession, toolNamed } from './test-session.ts'

/** After how long a turn is taken to have crashed, in milliseconds. */
export const LEASE = 1000
/** Writers that take turns. */
export const WRITERS = 3
const USE = 'assistant: toolUse'
const RESULT = 'user: toolResult'
const NO_ANSWER = 'assistant: The turn was interrupted before it was answered.'

/** How far a turn came before its process stalled: its model was asked for the first or for the second time. */
export type Point = 'asked' | 'seen'

/** What a stalled turn has stored beyond its question. */
const STORED: Readonly<Record<Point, readonly string[]>> = { asked: [], seen: [USE, RESULT] }

/** A turn that was begun and not ended. */
interface OpenTurn {
  readonly question: string
  readonly id: string | undefined
  readonly point: Point
  readonly leaseUntil: number
}

/** What the session must hold. */
export interface Reference {
  now: number
  messages: string[]
  open: OpenTurn | undefined
  /** Answers of completed turns by their ids. */
  answers: Map<string, string>
  /** Counts questions, so that no two are the same. */
  questions: number
  /** How often the session was deleted. */
  deletions: number
  /** For each writer: in which life of the session its agent was last at work, or undefined for a new agent. */
  agents: (number | undefined)[]
}

/** A turn whose process has stalled. */
interface Stalled {
  readonly turn: OpenTurn
  readonly at: Gate
  readonly ended: Promise<AgentResult>
}

/** The real thing. */
export interface Writers {
  readonly table: TestTable
  readonly session: TestSession
  readonly agents: (Agent | undefined)[]
  readonly stalled: Stalled[]
}

export type Command = fc.AsyncCommand<Reference, Writers>

/** Uses a tool unless it has just seen a result, then answers the question that was asked last. */
const script: Script = (_call, messages) => {
  if (messages.at(-1)?.content[0]?.type === 'toolResultBlock') return { text: `to ${questionIn(messages)}` }
  return { toolUses: [{ name: 'look', input: {}, toolUseId: crypto.randomUUID() }] }
}

function questionIn(messages: Parameters<Exclude<Script, readonly unknown[]>>[1]): string {
  const texts = messages.flatMap(({ role, content: [block] }) =>
    role === 'user' && block?.type === 'textBlock' ? [block.text] : [],
  )
  return texts.at(-1) ?? '?'
}

/** A new agent of a process that starts, or of one that will stall at a gate. */
function newAgent(session: TestSession, at?: Gate, call = 0): Agent {
  const model = at === undefined ? script : new GatedModel(script, at, call)
  const conversationManager = new SlidingWindowConversationManager({ windowSize: 200 })
  return session.agent(model, { tools: [toolNamed('look', () => 'a thing')], conversationManager })
}

function stateOf(id: string | undefined): { invocationState?: { turnId: string } } {
  return id === undefined ? {} : { invocationState: { turnId: id } }
}

/** What the reference says becomes of a turn that begins now. */
function outlook(reference: Reference, id: string | undefined): 'busy' | 'replay' | 'resume' | 'new' {
  const { open, now, answers } = reference
  if (open !== undefined && open.leaseUntil > now) return 'busy'
  if (id !== undefined && answers.has(id)) return 'replay'
  return id !== undefined && open?.id === id ? 'resume' : 'new'
}

/** Notes that a turn begins: what had crashed before is repaired, or run on. Returns the turn's question. */
function begin(reference: Reference, question: string, id: string | undefined): string {
  const isResumed = outlook(reference, id) === 'resume'
  const { open } = reference
  reference.open = undefined
  if (isResumed && open !== undefined) return open.question
  if (open !== undefined) reference.messages.push(NO_ANSWER)
  reference.messages.push(`user: ${question}`)
  return question
}

function complete(reference: Reference, { question, id }: Pick<OpenTurn, 'question' | 'id'>): void {
  if (reference.messages.at(-1) !== RESULT) reference.messages.push(USE, RESULT)
  reference.messages.push(`assistant: to ${question}`)
  if (id !== undefined) reference.answers.set(id, `to ${question}`)
}

async function expectSame(reference: Reference, { session, table }: Writers): Promise<void> {
  const { sessionId } = session
  expect(messagesOf(await session.restored())).toEqual(reference.messages)
  const { tableName, client } = table
  expect(await verifySession({ sessionId, tableName, client })).toMatchObject({ problems: [] })
}

/** A writer runs a turn, in the agent that it has or in a new one. */
export class RunTurn implements Command {
  readonly #writer: number
  readonly #id: string | undefined

  constructor(writer: number, id: string | undefined) {
    this.#writer = writer
    this.#id = id
  }

  check = (): boolean => true

  async run(reference: Reference, writers: Writers): Promise<void> {
    const id = this.#id
    const agent = writers.agents[this.#writer] ?? newAgent(writers.session)
    writers.agents[this.#writer] = agent
    const life = reference.agents[this.#writer] ?? reference.deletions
    reference.agents[this.#writer] = life
    const question = `${reference.questions++}?`
    const outcome = await agent.invoke(question, stateOf(id)).then(
      (result) => ({ answer: textsOf(result)[0] }),
      (error: unknown) => ({ error }),
    )
    if (life !== reference.deletions) {
      // An agent of a deleted session: it finds out at its first row or at its end, and leaves nothing either way.
      if ('error' in outcome) {
        expect([AnswerNotSavedError, SessionConflictError, SessionBusyError]).toContain(
          (outcome.error as Error).constructor,
        )
        writers.agents[this.#writer] = undefined
        reference.agents[this.#writer] = undefined
        return expectSame(reference, writers)
      }
    }
    switch (outlook(reference, id)) {
      case 'busy':
        // An agent that was behind knows nothing of the other turn: it may have an old answer at hand.
        if ('answer' in outcome) expect(outcome).toEqual({ answer: reference.answers.get(id ?? '') })
        else expect(outcome.error).toBeInstanceOf(SessionBusyError)
        break
      case 'replay':
        expect(outcome).toEqual({ answer: reference.answers.get(id ?? '') })
        break
      default: {
        const asked = begin(reference, question, id)
        complete(reference, { question: asked, id })
        expect(outcome).toEqual({ answer: `to ${asked}` })
        expect(messagesOf(agent)).toEqual(reference.messages)
      }
    }
    reference.agents[this.#writer] = reference.deletions
    await expectSame(reference, writers)
  }

  toString = (): string => `turn(${this.#writer}${this.#id === undefined ? '' : `, ${this.#id}`})`
}

/** A new process begins a turn and stalls. */
export class Stall implements Command {
  readonly #point: Point
  readonly #id: string | undefined

  constructor(point: Point, id: string | undefined) {
    this.#point = point
    this.#id = id
  }

  check = (reference: Readonly<Reference>): boolean => ['new', 'resume'].includes(outlook(reference, this.#id))

  async run(reference: Reference, writers: Writers): Promise<void> {
    const [id, { open }] = [this.#id, reference]
    const isResumed = outlook(reference, id) === 'resume'
    // A turn that had seen its tool's result is asked once more, for its answer.
    const hasSeen = isResumed && open?.point === 'seen'
    const point = hasSeen ? 'seen' : this.#point
    const at = gate()
    const agent = newAgent(writers.session, at, point === 'seen' && !hasSeen ? 1 : 0)
    const question = `${reference.questions++}?`
    const ended = agent.invoke(question, stateOf(id))
    ended.catch(() => undefined)
    await Promise.race([at.reached, ended])
    const asked = begin(reference, question, id)
    if (!hasSeen) reference.messages.push(...STORED[point])
    reference.open = { question: asked, id, point, leaseUntil: reference.now + LEASE }
    writers.stalled.push({ turn: reference.open, at, ended })
    await expectSame(reference, writers)
  }

  toString = (): string => `stall(${this.#point}${this.#id === undefined ? '' : `, ${this.#id}`})`
}

/** The process that has stalled longest goes on. */
export class Wake implements Command {
  check = (): boolean => true

  async run(reference: Reference, writers: Writers): Promise<void> {
    const stalled = writers.stalled.shift()
    if (stalled === undefined) return
    stalled.at.open()
    if (reference.open === stalled.turn) {
      await stalled.ended
      reference.open = undefined
      complete(reference, stalled.turn)
    } else {
      const outcome = await stalled.ended.then(
        (result) => ({ answer: textsOf(result)[0] }),
        (error: Error) => ({ error }),
      )
      // A resumed turn that had stored nothing yet finds the answer that the first run was given.
      if ('answer' in outcome) expect(outcome.answer).toBe(reference.answers.get(stalled.turn.id ?? ''))
      else expect([AnswerNotSavedError, SessionConflictError, SessionBusyError]).toContain(outcome.error.constructor)
    }
    await expectSame(reference, writers)
  }

  toString = (): string => 'wake()'
}

/** Time goes by: what has stalled is taken to have crashed. */
export class PassLease implements Command {
  check = (reference: Readonly<Reference>): boolean => reference.open !== undefined

  async run(reference: Reference): Promise<void> {
    reference.now += LEASE
    vi.setSystemTime(reference.now)
  }

  toString = (): string => 'lease is over'
}

/** A writer's process ends; the next one starts with a new agent. */
export class Restart implements Command {
  readonly #writer: number

  constructor(writer: number) {
    this.#writer = writer
  }

  check = (): boolean => true

  async run(reference: Reference, writers: Writers): Promise<void> {
    writers.agents[this.#writer] = undefined
    reference.agents[this.#writer] = undefined
  }

  toString = (): string => `restart(${this.#writer})`
}

/** Somebody deletes the session. */
export class Delete implements Command {
  check = (): boolean => true

  async run(reference: Reference, writers: Writers): Promise<void> {
    await writers.session.manager().deleteSession()
    // A session that begins in the same millisecond as the one before could not be told from it.
    reference.now += 1
    vi.setSystemTime(reference.now)
    reference.messages = []
    reference.open = undefined
    reference.answers.clear()
    reference.deletions += 1
    await expectSame(reference, writers)
    expect(await writers.session.items()).toEqual([])
  }

  toString = (): string => 'delete()'
}
