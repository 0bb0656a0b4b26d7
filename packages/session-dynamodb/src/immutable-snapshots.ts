/** Immutable snapshots: each a mark that names rows of the log and a state, so its cost does not grow with the log. */

import type { Snapshot } from '@strands-agents/sdk'
import { type Item, keyOf } from './attributes.ts'
import { cutState } from './chunks.ts'
import { SessionCorruptedError } from './errors.ts'
import { parseSnapshotMark, parseValue } from './items.ts'
import { parseRows, readMessages, readRows } from './log-reader.ts'
import { putMark } from './log-writer.ts'
import type { Redactions } from './redaction.ts'
import { ATTRIBUTE } from './schema.ts'
import type { SessionLog } from './session-log.ts'
import type { ScopeStore } from './shared-chunks.ts'
import { type FrozenSnapshot, thaw } from './snapshot.ts'
import { parseJson } from './values.ts'

/** The immutable snapshots of one agent or orchestrator. */
export class ImmutableSnapshots {
  readonly #store: ScopeStore
  readonly #log: SessionLog
  /** Incarnations and digests of the states that this writer has stored: one that has not changed is stored once. */
  readonly #stored = new Set<string>()

  constructor(store: ScopeStore, log: SessionLog) {
    this.#store = store
    this.#log = log
  }

  /** Saves a snapshot: messages that the log does not hold yet, the state, and last the mark that makes it visible. */
  async save(snapshotId: string, snapshot: FrozenSnapshot, redacted: Redactions): Promise<void> {
    const { values, keys, shared } = this.#store
    const { createdAt, stateDigest } = snapshot
    const { pen, window, pruned } = await this.#log.stage(snapshot, redacted)
    const { incarnation } = pen
    const writeMark = (): Promise<void> =>
      putMark(pen, keys.snapshot(snapshotId), { incarnation, window, createdAt, stateDigest }, pruned)
    if (this.#stored.has(`${incarnation} ${stateDigest}`)) return writeMark()
    const { text, chunks } = cutState(snapshot.state)
    await shared.keep(pen, chunks, async () => {
      await values.save(keys.snapshotState(stateDigest), text)
      await writeMark()
    })
    this.#stored.add(`${incarnation} ${stateDigest}`)
  }

  /**
   * Loads a snapshot, in two round trips, and one more for each level of chunks that its messages or its state have.
   *
   * @returns null when there is none with this id.
   * @throws {@link SessionCorruptedError} naming the item that is missing or unreadable.
   */
  async load(snapshotId: string): Promise<Snapshot | null> {
    const { table, keys, shared } = this.#store
    const item = await table.get(keys.snapshot(snapshotId))
    if (item === undefined || (await this.#isGone([item]))) return null
    const mark = parseSnapshotMark(item)
    const stateKey = keys.snapshotState(mark.stateDigest)
    const [stateItem, items] = await Promise.all([table.get(stateKey), readRows(table, keys, mark.window ?? [])])
    if (stateItem === undefined) {
      throw new SessionCorruptedError(stateKey, `is missing, but '${keyOf(item).sk}' names it`)
    }
    const { incarnation } = mark
    const rows = parseRows(keys, incarnation, items)
    const [state, read] = await Promise.all([
      shared.read(incarnation, stateKey, parseValue(stateItem)),
      mark.window && readMessages(this.#store, incarnation, mark.window, rows, items),
    ])
    for (const { entry } of read ?? []) this.#log.remember(incarnation, entry)
    const messages = read?.map(({ message }) => message)
    const snapshot = thaw(parseJson(stateKey, state), messages, mark.createdAt)
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
    const { table, keys } = this.#store
    const { pk, snapshotPrefix: prefix } = keys
    const after = startAfter === undefined ? {} : { startAfter: { ...keys.snapshot(startAfter, 'startAfter') } }
    const range = { pk, prefix, keysOnly: true, ...after, ...(limit === undefined ? {} : { limit }) }
    const ids: string[] = []
    for await (const page of table.query(range)) {
      if (await this.#isGone(page.items)) return []
      for (const item of page.items) {
        const id = keys.snapshotIdOf(keyOf(item).sk)
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
