/** Immutable snapshots: each a mark that names rows of the log and a state, so its cost does not grow with the log. */

import type { Snapshot } from '@strands-agents/sdk'
import { type Item, keyOf } from './attributes.ts'
import { SessionCorruptedError } from './errors.ts'
import { parseSnapshotMark } from './items.ts'
import type { ScopeKeys } from './keys.ts'
import { parseRows, readMessages, readRows } from './log-reader.ts'
import { putMark } from './log-writer.ts'
import type { Redactions } from './redaction.ts'
import { ATTRIBUTE } from './schema.ts'
import type { SessionLog } from './session-log.ts'
import { type FrozenSnapshot, thaw } from './snapshot.ts'
import type { SessionTable } from './table.ts'
import type { ValueStore } from './values.ts'

/** The immutable snapshots of one agent or orchestrator. */
export class ImmutableSnapshots {
  readonly #table: SessionTable
  readonly #values: ValueStore
  readonly #keys: ScopeKeys
  readonly #log: SessionLog
  /** Incarnations and digests of the states that this writer has stored: one that has not changed is stored once. */
  readonly #stored = new Set<string>()

  constructor(table: SessionTable, values: ValueStore, keys: ScopeKeys, log: SessionLog) {
    this.#table = table
    this.#values = values
    this.#keys = keys
    this.#log = log
  }

  /** Saves a snapshot: messages that the log does not hold yet, the state, and last the mark that makes it visible. */
  async save(snapshotId: string, snapshot: FrozenSnapshot, redacted: Redactions): Promise<void> {
    const key = this.#keys.snapshot(snapshotId)
    const { createdAt, stateDigest } = snapshot
    const { pen, window, pruned } = await this.#log.stage(snapshot, redacted)
    const { incarnation } = pen
    if (!this.#stored.has(`${incarnation} ${stateDigest}`)) {
      await this.#values.save(this.#keys.snapshotState(stateDigest), snapshot.state)
      this.#stored.add(`${incarnation} ${stateDigest}`)
    }
    await putMark(pen, key, { incarnation, window, createdAt, stateDigest }, pruned)
  }

  /**
   * Loads a snapshot, in two round trips.
   *
   * @returns null when there is none with this id.
   * @throws {@link SessionCorruptedError} naming the item that is missing or unreadable.
   */
  async load(snapshotId: string): Promise<Snapshot | null> {
    const item = await this.#table.get(this.#keys.snapshot(snapshotId))
    if (item === undefined || (await this.#isGone([item]))) return null
    const mark = parseSnapshotMark(item)
    const stateKey = this.#keys.snapshotState(mark.stateDigest)
    const [state, items] = await Promise.all([
      this.#values.load(stateKey),
      readRows(this.#table, this.#keys, mark.window ?? []),
    ])
    if (state === undefined) throw new SessionCorruptedError(stateKey, `is missing, but '${keyOf(item).sk}' names it`)
    const rows = parseRows(this.#keys, mark.incarnation, items)
    const read = mark.window && (await readMessages(this.#values, this.#keys, mark.window, rows, items))
    for (const { entry } of read ?? []) this.#log.remember(mark.incarnation, entry)
    const messages = read?.map(({ message }) => message)
    const snapshot = thaw(state, messages, mark.createdAt)
    if (snapshot === undefined) throw new SessionCorruptedError(stateKey, 'does not hold the state of a snapshot')
    return snapshot
  }

  /**
   * Lists ids in the order of their keys: for the SDK's UUID v7 ids the oldest first.
   *
   * @param limit - Most ids to return.
   * @param startAfter - Last id of the page before.
   */
  async list(limit?: number, startAfter?: string): Promise<string[]> {
    const { pk, snapshotPrefix: prefix } = this.#keys
    const after = startAfter === undefined ? {} : { startAfter: { ...this.#keys.snapshot(startAfter, 'startAfter') } }
    const range = { pk, prefix, keysOnly: true, ...after, ...(limit === undefined ? {} : { limit }) }
    const ids: string[] = []
    for await (const page of this.#table.query(range)) {
      if (await this.#isGone(page.items)) return []
      for (const item of page.items) {
        const id = this.#keys.snapshotIdOf(keyOf(item).sk)
        if (id === undefined) throw new SessionCorruptedError(keyOf(item), 'has a key that no snapshot id makes')
        ids.push(id)
      }
      if (limit !== undefined && ids.length >= limit) break
    }
    return ids.slice(0, limit)
  }

  /** Whether items are what an expired session has left: those of a session that has a time to live are stamped. */
  async #isGone(items: readonly Item[]): Promise<boolean> {
    return items.some((item) => item[ATTRIBUTE.expiresAt] !== undefined) && (await this.#log.hasExpired())
  }
}
