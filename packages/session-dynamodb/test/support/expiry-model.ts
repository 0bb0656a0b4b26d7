/** What may become of a session with a time to live, as commands: turns that may fail, time that goes by, and removals. */

import { Agent } from '@strands-agents/sdk'
import type fc from 'fast-check'
import {
  AnswerNotSavedError,
  DynamoDBSessionManager,
  SessionConflictError,
  TableRequestError,
} from 'strands-session-dynamodb'
import { expect } from 'vitest'
import { MemoryBucket } from './bucket.ts'
import { expiredItems, passSeconds, removeExpired } from './clock.ts'
import {
  type AgentId,
  type Counts,
  expectSame,
  noteTime,
  nowInSeconds,
  type Reference,
  type Stored,
  slackOf,
} from './expiry-reference.ts'
import { silent } from './faults-agent.ts'
import { type Fault, Ledger, type ProcessClient, processClient } from './faults-client.ts'
import { type Script, ScriptedModel } from './scripted-model.ts'
import { testClientConfig } from './table.ts'
import { messagesOf } from './test-session.ts'

/** The agents of the processes: two have the same one, so that one of them may be behind. */
export const AGENT_OF_PROCESS: readonly AgentId[] = ['agent', 'agent', 'other']

/** After how long a turn is taken to have crashed, in seconds. */
const LEASE = 1

/** Time that goes by in a session without a time to live is measured by this, in seconds. */
const DAY = 24 * 3600

/** What a process does in a turn. */
export interface TurnPlan {
  /** Which process, by its number. */
  readonly process: number
  /** If the process has to start: what its manager is given, and what fails. */
  readonly ttl: number | undefined
  readonly fault: Fault | undefined
  /** Whether a process that has to start takes an immutable snapshot in the end. */
  readonly takesSnapshot: boolean
}

/** A process that keeps its agent from turn to turn. */
interface Process extends Pick<TurnPlan, 'ttl' | 'fault'> {
  readonly agent: Agent
  readonly manager: DynamoDBSessionManager
  readonly client: ProcessClient
  /** The life of the session that its agent remembers. */
  life: number | undefined
}

/** The real thing. */
export interface Expiring extends Stored {
  readonly processes: (Process | undefined)[]
  readonly counts: Counts
}

export type Command = fc.AsyncCommand<Reference, Expiring>

/** Processes run a turn each, at the same time. */
export class Turns implements Command {
  readonly #plans: readonly TurnPlan[]

  constructor(plans: readonly TurnPlan[]) {
    this.#plans = plans
  }

  check = (): boolean => true

  async run(reference: Reference, real: Expiring): Promise<void> {
    const { exists } = reference
    const outcomes = await Promise.all(this.#plans.map((plan) => runTurn(plan, reference, real)))
    const acknowledged = outcomes.filter(({ isAcknowledged }) => isAcknowledged)
    const info = await real.session.manager().findSession()
    if (exists || acknowledged.length > 0) expect(info).toBeDefined()
    reference.exists = info !== undefined
    if (!exists) reference.begunAt = nowInSeconds()
    noteLifetime(reference, info?.expiresAt, outcomes)
    // The turns of those that have died are over then.
    if (acknowledged.length < outcomes.length) {
      passSeconds(LEASE + 1)
      await noteTime(reference, real, real.counts)
    }
    await expectSame(reference, real)
  }

  toString = (): string => `turns(${JSON.stringify(this.#plans)})`
}

interface Outcome extends Pick<TurnPlan, 'ttl'> {
  readonly isAcknowledged: boolean
}

/** Notes what time to live the session has, and when it expires. It keeps the first one that it is given. */
function noteLifetime(reference: Reference, expiresAt: string | undefined, outcomes: readonly Outcome[]): void {
  const at = nowInSeconds()
  const before = reference.ttl
  const until = expiresAt === undefined ? undefined : Date.parse(expiresAt) / 1000
  const acknowledged = outcomes.filter(({ isAcknowledged }) => isAcknowledged)
  const isIn = (ttl: number): boolean => until !== undefined && until >= at + ttl && until <= at + ttl + slackOf(ttl)
  if (before === undefined) {
    const given = outcomes.flatMap(({ ttl }) => ttl ?? [])
    reference.ttl = given.find(isIn)
    if (until !== undefined) expect(reference.ttl).toBeDefined()
    // Whoever has a time to live gives it to a session that has none.
    if (acknowledged.some(({ ttl }) => ttl !== undefined)) expect(until).toBeDefined()
  } else if (acknowledged.length > 0) expect(isIn(before)).toBe(true)
  const { ttl } = reference
  if (ttl === undefined) return
  if (before === undefined || acknowledged.length > 0) reference.least = at + ttl
  reference.most = at + ttl + slackOf(ttl)
}

async function runTurn(plan: TurnPlan, reference: Reference, real: Expiring): Promise<Outcome> {
  const { process: number, takesSnapshot } = plan
  const { life, exists } = reference
  const { counts, processes } = real
  const agentId = AGENT_OF_PROCESS[number] ?? 'agent'
  const memory = reference.memories[agentId]
  const isCold = processes[number] === undefined
  const process = processes[number] ?? start(plan, agentId, real)
  processes[number] = process
  const { agent, client, manager, ttl, fault } = process
  const isStale = process.life !== undefined && process.life !== life
  const question = `${reference.questions++}?`
  const lines = [`user: ${question}`, `assistant: to ${question}`]
  const before = client.requests.length
  counts.turns += 1
  const failure = await Promise.race([
    ask(agent, question, isCold).catch((error: unknown) => error),
    client.death.then(() => new TypeError('The process died.')),
  ])
  if (client.requests.slice(before).some((request) => /^UpdateItem .*#msg#\d/.test(request))) counts.renewed += 1
  const isStruck = fault !== undefined && before < fault.request && client.requests.length >= fault.request
  if (failure === undefined) {
    // What an agent remembers of an expired session does not come back.
    if (isStale && !exists) expect.fail(`${question} was acknowledged by an agent of an expired session`)
    process.life = life
    memory.acknowledged.push(...lines)
    if (isCold) memory.states = [question]
    if (takesSnapshot && isCold && fault === undefined) {
      const known = new Set(memory.snapshots.keys())
      await manager.saveSnapshot({ target: agent, isLatest: false })
      const added = (await manager.listSnapshotIds({ target: agent })).filter((id) => !known.has(id))
      expect(added).toHaveLength(1)
      for (const id of added) memory.snapshots.set(id, messagesOf(agent))
    }
    return { isAcknowledged: true, ttl }
  }
  processes[number] = undefined
  if (isStruck) {
    counts.failed += 1
    for (const line of lines) memory.attempted.add(line)
    if (memory.states.length === 0) memory.states.push(undefined)
    if (isCold) memory.states.push(question)
    if (!client.isDead()) expect([AnswerNotSavedError, TableRequestError]).toContain((failure as Error).constructor)
    return { isAcknowledged: false, ttl }
  }
  // Whoever remembers another session gives way, and so may one of several that begin it at once.
  if (exists && !isStale) throw failure
  expect([AnswerNotSavedError, SessionConflictError]).toContain((failure as Error).constructor)
  counts.refused += 1
  return { isAcknowledged: false, ttl }
}

async function ask(agent: Agent, question: string, isCold: boolean): Promise<undefined> {
  await agent.initialize()
  // State is the last writer's: an agent that may be behind leaves it alone.
  if (isCold) agent.appState.set('state', question)
  await agent.invoke(question)
}

/** Answers the question that was asked last. */
const script: Script = (_call, messages) => {
  const [block] = messages.at(-1)?.content ?? []
  return { text: `to ${block?.type === 'textBlock' ? block.text : '?'}` }
}

function start({ ttl, fault }: TurnPlan, id: AgentId, { table, session }: Expiring): Process {
  const client = processClient(testClientConfig(), new Ledger(), new MemoryBucket(), fault)
  const manager = new DynamoDBSessionManager({
    sessionId: session.sessionId,
    tableName: table.tableName,
    client: client.client,
    ttlSeconds: ttl,
    turnLeaseMs: LEASE * 1000,
    turnWaitMs: 0,
    logger: silent,
  })
  const agent = new Agent({ id, model: new ScriptedModel(script), sessionManager: manager, printer: false })
  return { agent, manager, client, ttl, fault, life: undefined }
}

/** Nobody uses the session for a while. */
export class Pass implements Command {
  readonly #share: number

  /** @param share - How long, in thousandths of the session's time to live. */
  constructor(share: number) {
    this.#share = share
  }

  check = (): boolean => true

  async run(reference: Reference, real: Expiring): Promise<void> {
    passSeconds(Math.ceil((this.#share * (reference.ttl ?? DAY)) / 1000))
    await noteTime(reference, real, real.counts)
    await expectSame(reference, real)
  }

  toString = (): string => `pass(${this.#share / 1000} ttl)`
}

/** DynamoDB removes some of what it may remove; once the session has expired, up to a month later. */
export class Remove implements Command {
  readonly #choice: number

  /** @param choice - Bits that say which of the items. */
  constructor(choice: number) {
    this.#choice = choice
  }

  check = (): boolean => true

  async run(reference: Reference, real: Expiring): Promise<void> {
    const { table, session, counts } = real
    if (!reference.exists) passSeconds((this.#choice % 30) * DAY)
    const before = (await expiredItems(table, session.sessionId)).length
    await removeExpired(table, session.sessionId, (_item, index) => ((this.#choice >> (index % 30)) & 1) === 1)
    counts.removed += before - (await expiredItems(table, session.sessionId)).length
    await expectSame(reference, real)
  }

  toString = (): string => `remove(${this.#choice.toString(2)})`
}

/** A process ends. */
export class End implements Command {
  readonly #process: number

  constructor(process: number) {
    this.#process = process
  }

  check = (_reference: Readonly<Reference>): boolean => true

  async run(_reference: Reference, { processes }: Expiring): Promise<void> {
    processes[this.#process] = undefined
  }

  toString = (): string => `end(${this.#process})`
}
