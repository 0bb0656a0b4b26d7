/** One random session, played on the log and on the reference at once, and compared. */

import { deepStrictEqual } from 'node:assert'
import { createHash, randomUUID } from 'node:crypto'
import type { Snapshot, SnapshotLocation } from '@strands-agents/sdk'
import { DynamoDBSnapshotStorage, type DynamoDBSnapshotStorageOptions } from 'strands-session-dynamodb'
import { type Change, Conversation, type Redaction } from './conversation.ts'
import type { ReferenceStorage } from './reference-storage.ts'
import { itemsOfSession, textOf } from './stored-items.ts'
import type { TestTable } from './table.ts'

/** Agents of a session. */
export const AGENTS = ['a', 'b'] as const

/** What is saved after a change; `both` as a snapshot trigger does it, in parallel. */
export const SAVES = ['nothing', 'latest', 'immutable', 'both'] as const

/** One step of a session. Numbers choose snapshots: each is taken modulo how many there are. */
export type Step = { readonly agent: (typeof AGENTS)[number] } & (
  | { readonly kind: 'change'; readonly change: Change; readonly save: (typeof SAVES)[number]; readonly id: string }
  | { readonly kind: 'restore'; readonly at: number }
  | { readonly kind: 'list'; readonly limit: number; readonly after: number }
  /** A new process: resumes from the table, or saves what it holds without having looked. */
  | { readonly kind: 'newInstance'; readonly keepsConversation: boolean }
  | { readonly kind: 'reload' | 'delete' }
)

/** What a run needs. */
export interface FidelityRunOptions {
  readonly table: TestTable
  readonly reference: ReferenceStorage
}

/** A session that is played. */
export class FidelityRun {
  readonly #table: TestTable
  readonly #reference: ReferenceStorage
  readonly #sessionId = randomUUID()
  readonly #conversations = { a: new Conversation('a'), b: new Conversation('b') }
  readonly #redacted: string[] = []
  readonly #played = new Set<(typeof AGENTS)[number]>()
  #storage: DynamoDBSnapshotStorage
  #saves = 0

  constructor({ table, reference }: FidelityRunOptions) {
    this.#table = table
    this.#reference = reference
    this.#storage = this.#newStorage()
  }

  async play(step: Step): Promise<void> {
    const location = this.#locationOf(step.agent)
    const conversation = this.#conversations[step.agent]
    this.#played.add(step.agent)
    switch (step.kind) {
      case 'change':
        return this.#change(step)
      case 'restore': {
        const ids = await this.#reference.listSnapshotIds(location)
        const snapshotId = ids[step.at % Math.max(1, ids.length)]
        if (snapshotId === undefined) return
        const snapshot = await this.#check(location, snapshotId, this.#storage)
        if (snapshot !== null) conversation.load(snapshot)
        return
      }
      case 'reload': {
        const snapshot = await this.#check(location, undefined, this.#storage)
        if (snapshot !== null) conversation.load(snapshot)
        return
      }
      case 'list': {
        const ids = await this.#reference.listSnapshotIds(location)
        const startAfter = ids[step.after]
        const page = { limit: step.limit, ...(startAfter === undefined ? {} : { startAfter }) }
        const expected = ids.filter((id) => startAfter === undefined || id > startAfter).slice(0, step.limit)
        deepStrictEqual(await this.#storage.listSnapshotIds({ location, ...page }), expected)
        return
      }
      case 'newInstance':
        this.#storage = this.#newStorage()
        if (!step.keepsConversation) for (const agent of this.#played) await this.play({ kind: 'reload', agent })
        return
      case 'delete':
        await this.#storage.deleteSession({ sessionId: this.#sessionId })
        await this.#reference.deleteSession(this.#sessionId)
        deepStrictEqual(await itemsOfSession(this.#table, this.#sessionId), [])
    }
  }

  /** Compares all that is stored, as a process sees it that knows nothing yet. */
  async finish(): Promise<void> {
    const reader = this.#newStorage()
    for (const agent of this.#played) {
      const location = this.#locationOf(agent)
      await this.#check(location, undefined, reader)
      const ids = await this.#reference.listSnapshotIds(location)
      if (ids.length > 0) deepStrictEqual(await reader.listSnapshotIds({ location }), ids)
      for (const id of ids) await this.#check(location, id, reader)
    }
    if (this.#redacted.length === 0) return
    const text = textOf(await itemsOfSession(this.#table, this.#sessionId))
    deepStrictEqual(
      this.#redacted.filter((old) => text.includes(old)),
      [],
      'redacted text is still in the table',
    )
  }

  async #change(step: Extract<Step, { kind: 'change' }>): Promise<void> {
    const conversation = this.#conversations[step.agent]
    const location = this.#locationOf(step.agent)
    const redaction = conversation.apply(step.change)
    if (redaction !== undefined) {
      this.#redacted.push(...redaction.oldTexts)
      this.#storage.redact(location, redaction.replacement)
    }
    // The SDK saves the latest snapshot at once after a redaction.
    const save = redaction !== undefined && step.save !== 'both' ? 'latest' : step.save
    if (save === 'nothing') return
    await this.#save(location, conversation, save, step.id, redaction)
  }

  async #save(
    location: SnapshotLocation,
    conversation: Conversation,
    save: 'latest' | 'immutable' | 'both',
    snapshotId: string,
    redaction: Redaction | undefined,
  ): Promise<void> {
    const snapshot = conversation.snapshot(new Date(Date.UTC(2026, 0, 1) + ++this.#saves).toISOString())
    const copy = structuredClone(snapshot)
    const saving = Promise.all([
      ...(save === 'latest' ? [] : [this.#storage.saveSnapshot({ location, snapshotId, isLatest: false, snapshot })]),
      ...(save === 'immutable'
        ? []
        : [this.#storage.saveSnapshot({ location, snapshotId: 'latest', isLatest: true, snapshot })]),
    ])
    // The agent does not wait: what it does next is not part of this save.
    const { messages } = snapshot.data
    if (Array.isArray(messages)) messages.reverse()
    await saving
    if (Array.isArray(messages)) messages.reverse()
    if (save !== 'latest') await this.#reference.saveImmutable(location, snapshotId, copy)
    if (save !== 'immutable')
      await this.#reference.saveLatest(location, copy, redaction === undefined ? [] : [redaction])
  }

  /** Loads a snapshot and compares it with the reference's. */
  async #check(
    location: SnapshotLocation,
    snapshotId: string | undefined,
    storage: DynamoDBSnapshotStorage,
  ): Promise<Snapshot | null> {
    const id = snapshotId === undefined ? {} : { snapshotId }
    const loaded = await storage.loadSnapshot({ location, ...id })
    const expected = await this.#reference.load(location, snapshotId)
    deepStrictEqual(shortened(loaded), shortened(expected))
    return loaded
  }

  #locationOf(scopeId: string): SnapshotLocation {
    return { sessionId: this.#sessionId, scope: 'agent', scopeId }
  }

  #newStorage(options: Partial<DynamoDBSnapshotStorageOptions> = {}): DynamoDBSnapshotStorage {
    const { tableName, documentClient: client } = this.#table
    // A small window, so that reading further back is part of the game.
    return new DynamoDBSnapshotStorage({ tableName, client, windowSize: 1, ...options })
  }
}

/** Large values as their beginning, length and hash, so that a difference can be read. */
function shortened(value: unknown): unknown {
  if (typeof value === 'string' && value.length > 200) {
    return `${value.slice(0, 20)}… ${value.length} characters, ${createHash('sha256').update(value).digest('hex')}`
  }
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(shortened)
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, shortened(each)]))
}
