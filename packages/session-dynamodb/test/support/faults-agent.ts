/** Traces of one agent: turns, and what else a process does between them. */

import {
  Agent,
  type AgentConfig,
  type ContentBlockData,
  type ConversationManager,
  type MessageData,
} from '@strands-agents/sdk'
import {
  DynamoDBSessionError,
  DynamoDBSessionManager,
  type DynamoDBSessionManagerOptions,
  SessionBusyError,
  SessionConflictError,
  verifySession,
} from 'strands-session-dynamodb'
import { conversationProblems, differenceOf, endedProblems, placeProblems } from './faults-checks.ts'
import type { ProcessClient } from './faults-client.ts'
import { answerTextOf, type FaultModel, faultModel, faultTools, REDACTED } from './faults-model.ts'
import { describeError, type Stage, type Trace } from './faults-run.ts'
import { itemText, type StoredItem, textOf } from './stored-items.ts'

/** What a process does next. */
export type Step =
  | { readonly ask: string; readonly turnId?: string; readonly image?: Uint8Array }
  | { readonly act: (process: AgentProcess) => Promise<unknown> }

/** A trace of one agent. */
export interface AgentTraceOptions {
  readonly name: string
  readonly steps: readonly Step[]
  readonly options?: Partial<DynamoDBSessionManagerOptions>
  /** Whether large values go to S3. @defaultValue false */
  readonly offloads?: boolean
  readonly conversationManager?: () => ConversationManager
  /** Whether a context manager keeps what was said in its stash, which is part of the state. @defaultValue false */
  readonly hasStash?: boolean
  /** Whether every message stays in the window. @defaultValue true */
  readonly keepsAll?: boolean
  /** What must be gone from the table once it is redacted. */
  readonly secret?: string
  /** What the next process does. Turns with an id that the first process asked are asked again. @defaultValue one turn */
  readonly recovery?: readonly Step[]
  /** What the conversation must be in the end: the texts of its messages, tools aside. */
  readonly finally?: readonly string[]
}

/** An agent in a process of its own. */
export interface AgentProcess {
  readonly agent: Agent
  readonly manager: DynamoDBSessionManager
  readonly model: FaultModel
  readonly client: ProcessClient
  /** What each immutable snapshot held when it was taken, as JSON. */
  readonly snapshots: Set<string>
}

/** The shortest lease that there is: schedules wait until a dead process's turn has expired. */
const LEASE_MS = 1000

/** Makes the trace. */
export function agentTrace(trace: AgentTraceOptions): Trace {
  return { name: trace.name, run: (stage) => new AgentSchedule(stage, trace).run() }
}

/** One schedule of an agent's trace. */
class AgentSchedule {
  readonly #stage: Stage
  readonly #trace: AgentTraceOptions
  readonly #problems: string[] = []
  /** Messages of turns that were acknowledged, by tracking id, in order. */
  readonly #acknowledged = new Map<string, MessageData>()
  readonly #snapshots = new Set<string>()

  constructor(stage: Stage, trace: AgentTraceOptions) {
    this.#stage = stage
    this.#trace = trace
  }

  async run(): Promise<string[]> {
    const { steps, recovery = [{ ask: 'Is all well?' }], secret } = this.#trace
    const first = this.#process(this.#stage.first)
    const isDurable = await this.#play(first, steps)
    const live = isDurable ? messagesIn(first.agent) : undefined
    const state = isDurable ? await stateOf(first.agent) : undefined

    const next = this.#process(this.#stage.process())
    await next.agent.initialize()
    const restored = messagesIn(next.agent)
    this.#checkPlace(restored)
    if (live !== undefined) this.#report('the restored conversation differs', differenceOf(live, restored))
    if (state !== undefined && state !== (await stateOf(next.agent))) this.#problems.push('the restored state differs')
    const before = await this.#loadSnapshots()
    // A redaction that was begun must be completed; one that nobody began is not known to anybody else.
    const mustRedact = (isDurable && first.model.hasRedacted()) || (await this.#hasRedacted())

    await this.#play(next, recovery)
    const last = this.#process(this.#stage.process())
    await last.agent.initialize()
    const found = messagesIn(last.agent)
    this.#report('the conversation after recovery differs', differenceOf(messagesIn(next.agent), found))
    for (const problem of endedProblems(found)) this.#problems.push(`stored is ${problem}`)
    this.#checkPlace(found)
    this.#checkFinally(found)
    await this.#checkSnapshots(before)
    await this.#checkTable(mustRedact ? secret : undefined)
    return this.#problems
  }

  #process(client: ProcessClient): AgentProcess {
    const { sessionId, tableName } = this.#stage
    const { options, offloads, conversationManager, hasStash } = this.#trace
    const snapshots = this.#snapshots
    const manager = new DynamoDBSessionManager({
      sessionId,
      tableName,
      client: client.client,
      turnLeaseMs: LEASE_MS,
      logger: silent,
      ...options,
      ...(offloads && { offload: client.offload }),
      ...(options?.snapshotTrigger && {
        snapshotTrigger: (params) => {
          snapshots.add(JSON.stringify(params.agentData.messages))
          return options.snapshotTrigger?.(params) ?? false
        },
      }),
    })
    const model = faultModel()
    const config: AgentConfig = { model: model.model, sessionManager: manager, printer: false, tools: faultTools() }
    const agent = new Agent({
      ...config,
      ...(conversationManager && { conversationManager: conversationManager() }),
      ...(hasStash && { contextManager: 'auto' }),
    })
    return { agent, manager, model, client, snapshots }
  }

  /** Plays steps until the process dies. Returns whether it lived, and the last step succeeded. */
  async #play(process: AgentProcess, steps: readonly Step[]): Promise<boolean> {
    const { fault } = this.#stage
    const isFaulty = process.client === this.#stage.first
    const mayFail = isFaulty && fault !== undefined && !fault.mode.endsWith('retried')
    let isDurable = false
    for (const step of steps) {
      isDurable = false
      try {
        await Promise.race([this.#step(process, step), process.client.death])
        if (process.client.isDead()) return false
        isDurable = true
        this.#acknowledge(process)
      } catch (error) {
        if (!mayFail) this.#problems.push(`${nameOf(step)} failed: ${describeError(error)}`)
        else this.#checkError(error)
      }
    }
    for (const problem of process.model.problems) this.#problems.push(problem)
    return isDurable
  }

  async #step(process: AgentProcess, step: Step): Promise<void> {
    if ('act' in step) {
      await step.act(process)
      return
    }
    const { ask, turnId, image } = step
    const text: ContentBlockData = { text: ask }
    const input = image === undefined ? [text] : [{ image: { format: 'png' as const, source: { bytes: image } } }, text]
    const result = await process.agent.invoke(input, turnId === undefined ? {} : { invocationState: { turnId } })
    const answer = result.toString().trim()
    const expected = ask.startsWith('secret') ? 'I cannot answer that.' : answerTextOf(ask)
    if (answer !== expected) this.#problems.push(`the answer to '${ask.slice(0, 24)}' was '${answer.slice(0, 60)}'`)
  }

  #acknowledge({ agent }: AgentProcess): void {
    for (const message of messagesIn(agent)) this.#acknowledged.set(message.trackingId ?? '', message)
  }

  /** With one writer at a time there is nobody to be in conflict with. */
  #checkError(error: unknown): void {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    const isUntyped = !(error instanceof DynamoDBSessionError)
    const isConflict = [error, cause].some(
      (each) => each instanceof SessionConflictError || each instanceof SessionBusyError,
    )
    if (isUntyped || isConflict) this.#problems.push(`the error was ${describeError(error)}`)
  }

  #checkPlace(found: readonly MessageData[]): void {
    for (const problem of conversationProblems(this.#trace.keepsAll === false ? found : []))
      this.#problems.push(problem)
    if (this.#trace.keepsAll === false) return
    const problems = placeProblems(
      [...this.#acknowledged.keys()],
      found.map(({ trackingId }) => trackingId),
    )
    for (const problem of problems) this.#problems.push(problem)
  }

  #checkFinally(found: readonly MessageData[]): void {
    const { finally: expected } = this.#trace
    if (expected === undefined) return
    const texts = found.flatMap(({ content }) => content.flatMap((block) => ('text' in block ? [block.text] : [])))
    if (JSON.stringify(texts) !== JSON.stringify(expected)) {
      this.#problems.push(`expected ${JSON.stringify(expected)} in the end, found ${JSON.stringify(texts)}`)
    }
  }

  /** Immutable snapshots that the table lists, as JSON of their messages. */
  async #loadSnapshots(): Promise<Map<string, string>> {
    if (this.#trace.options?.snapshotTrigger === undefined) return new Map()
    const reader = this.#process(this.#stage.process())
    await reader.agent.initialize()
    const loaded = new Map<string, string>()
    for (const snapshotId of await reader.manager.listSnapshotIds({ target: reader.agent })) {
      await reader.manager.restoreSnapshot({ target: reader.agent, snapshotId })
      loaded.set(snapshotId, JSON.stringify(messagesIn(reader.agent)))
    }
    return loaded
  }

  async #checkSnapshots(before: ReadonlyMap<string, string>): Promise<void> {
    const after = await this.#loadSnapshots()
    for (const [id, messages] of before) {
      if (this.#redacted(after.get(id)) !== this.#redacted(messages)) {
        this.#problems.push('an immutable snapshot has changed')
      }
      if (![...this.#snapshots].some((taken) => this.#redacted(taken) === this.#redacted(messages))) {
        this.#problems.push('an immutable snapshot is not what was saved')
      }
    }
    const marks = [...this.#stage.ledger.answered().keys()].flatMap((sk) => sk.split('#snapshot#')[1] ?? [])
    for (const id of marks) if (!after.has(id)) this.#problems.push('an acknowledged immutable snapshot is missing')
  }

  /** What the messages of a snapshot may become. */
  #redacted(messages = '[]'): string {
    const { secret } = this.#trace
    if (secret === undefined) return messages
    const parsed = JSON.parse(messages) as readonly MessageData[]
    const isSecret = (message: MessageData): boolean => JSON.stringify(message).includes(secret)
    return JSON.stringify(parsed.map((each) => (isSecret(each) ? { ...each, content: [{ text: REDACTED }] } : each)))
  }

  async #hasRedacted(): Promise<boolean> {
    // Only in rows: a chunk that is being deleted may have lost its object already.
    return (
      this.#trace.secret !== undefined && rowsIn(await this.#stage.items()).some(({ text }) => text.includes(REDACTED))
    )
  }

  async #checkTable(secret: string | undefined): Promise<void> {
    const { sessionId, tableName, ledger } = this.#stage
    const items = await this.#stage.items()
    const rows = rowsIn(items)
    const ids = rows.flatMap(({ text }) => trackingIdIn(text))
    for (const problem of placeProblems(logOrder([...this.#acknowledged.values()]), ids))
      this.#problems.push(`log: ${problem}`)
    for (const [sk, sums] of ledger.answered()) {
      if (!/#msg#\d{10}$/.test(sk)) continue
      const row = rows.find(({ item }) => item.sk === sk)?.item
      if (row === undefined) this.#problems.push(`row ${sk} was acknowledged and is missing`)
      else if (!sums.includes(String(row['sum'])))
        this.#problems.push(`row ${sk} was acknowledged and then overwritten`)
    }
    const { client, offload } = this.#stage.process()
    const report = await verifySession({ sessionId, tableName, client, offload })
    for (const { key, problem } of report.problems) this.#problems.push(`verifySession: ${key.sk}: ${problem}`)
    if (secret !== undefined && textOf(items).includes(secret)) this.#problems.push('redacted text is in the table')
  }

  #report(what: string, difference: string | undefined): void {
    if (difference !== undefined) this.#problems.push(`${what}: ${difference}`)
  }
}

/** Repairs are what happens here all the time: nothing to warn of. */
export const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** What an agent holds beside its messages. */
async function stateOf(agent: Agent): Promise<string> {
  const stash = await agent.contextManager?.stash?.takeSnapshot()
  const entries = Object.entries(stash ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify([agent.appState, entries])
}

function messagesIn(agent: Agent): MessageData[] {
  return agent.messages.map((message) => message.toJSON())
}

/** A summary stands before the messages that the log had before it. */
function logOrder(messages: readonly MessageData[]): string[] {
  const isSummary = ({ content }: MessageData): boolean =>
    content.some((block) => 'text' in block && block.text.startsWith('Summary'))
  return messages.flatMap((message) => (isSummary(message) ? [] : (message.trackingId ?? [])))
}

/** The rows of messages among items, with their text. */
function rowsIn(items: readonly StoredItem[]): { item: StoredItem; text: string }[] {
  const rows = items.filter(({ sk }) => /#msg#\d{10}$/.test(sk))
  return rows.map((item) => ({ item, text: itemText(item, items) }))
}

function trackingIdIn(text: string): string[] {
  const message: unknown = JSON.parse(text)
  const id = typeof message === 'object' && message !== null ? Reflect.get(message, 'trackingId') : undefined
  return typeof id === 'string' ? [id] : []
}

function nameOf(step: Step): string {
  return 'ask' in step ? `the turn '${step.ask.slice(0, 24)}'` : 'an action'
}
