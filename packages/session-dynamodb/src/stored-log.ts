/** Reads one scope's log: its latest snapshot, and all that a writer has to know to go on from there. */

import type { Item } from './attributes.ts'
import { SessionCorruptedError, SessionNotFoundError } from './errors.ts'
import { incarnationAt } from './incarnation.ts'
import { type Head, type MessageRow, parseState } from './items.ts'
import { chunkOf } from './keys.ts'
import { type KnownState, readState, type StrayChunk, strayChunks } from './latest-state.ts'
import type { Lifetime } from './lifetime.ts'
import { entriesOf, type LogPage, type NewestRow, readLog, readMessages, type Stray, strays } from './log-reader.ts'
import { ATTRIBUTE } from './schema.ts'
import type { SessionDirectory } from './session-directory.ts'
import type { ScopeStore } from './shared-chunks.ts'
import type { LogEntry } from './window.ts'

/** Where to read, and what may be found. */
export interface StoredLogOptions extends ScopeStore {
  readonly directory: SessionDirectory
  readonly sessionId: string
  /** Whether a session that does not exist may be created. */
  readonly autoCreate: boolean
  /** Messages that the window is expected to hold. */
  readonly windowSize: number
  /** What this writer knows of the session's time to live. */
  readonly lifetime: Lifetime
}

/** The stored log as this writer last saw or left it. */
export interface Known {
  head: Head
  /** Sequence numbers of the window: the head's and the tail's. */
  window: readonly number[] | undefined
  last: number
  stateVersion: number
  state: KnownState | undefined
  /** Whether a redaction has overwritten rows and not written the head: chunks of the old texts may be left. */
  hasCutRedaction: boolean
  newest: NewestRow | undefined
  /** When the session item was last refreshed, in epoch seconds: the head says it, or a row since. */
  touchedAt: number
}

/** What a read of the log found, put together. */
export interface StoredLog {
  readonly known: Readonly<Known>
  /** Rows whose content is known, in the window or not. */
  readonly entries: ReadonlyMap<number, LogEntry>
  readonly page: LogPage
  /** The state's JSON. */
  readonly state: string | undefined
  readonly messages: readonly unknown[] | undefined
  /** What a crash has left of texts that their rows no longer hold. */
  readonly strays: readonly Stray[]
  /** Chunks of the state that a crash has left. */
  readonly strayChunks: readonly StrayChunk[]
}

/** How often the log is read before a chunk that is missing is missed: each time there was a newer state. */
const READ_ATTEMPTS = 4

/**
 * Reads what is stored.
 *
 * @returns null when nothing is.
 * @throws {@link SessionCorruptedError} naming the item that is missing or unreadable.
 */
export async function readStoredLog(options: StoredLogOptions): Promise<StoredLog | null> {
  const { table, keys, windowSize } = options
  for (let attempt = 1; ; attempt++) {
    const page = await readLog(table, keys, windowSize, (...read) => isGone(options, ...read))
    if (page.head === undefined) {
      await checkAbsence(options, page.leftovers)
      options.lifetime.ttl = options.lifetime.wanted
      return null
    }
    try {
      return await take(options, page)
    } catch (error) {
      // A state that was saved while it was read, page by page, has dropped chunks of the one that was found.
      if (attempt === READ_ATTEMPTS || !(await isOutdated(options, page, error))) throw error
    }
  }
}

async function take(store: StoredLogOptions, page: LogPage): Promise<StoredLog> {
  const { head, window, last, newest } = page
  const { incarnation } = head
  const entries = new Map<number, LogEntry>()
  const read = window && (await readMessages(store, incarnation, window, page.rows, page.items))
  // Rows that the window does not see are worth knowing too: a save that was cut short may have left them to be used.
  for (const entry of await entriesOf(store, page)) entries.set(entry.seq, entry)
  for (const { entry } of read ?? []) entries.set(entry.seq, entry)
  const state = page.state && (await readState(store, incarnation, page.state, page.items))
  const stateVersion = page.state?.version ?? 0
  const touchedAt = lastTouch(head, page.rows)
  const hasCutRedaction = [...page.rows.values()].some((row) => (row.unswept ?? 0) >= head.version)
  return {
    known: { head, window, last, stateVersion, state: state?.known, hasCutRedaction, newest, touchedAt },
    entries,
    page,
    state: state?.text,
    messages: read?.map(({ message }) => message),
    strays: strays(store.keys, page),
    strayChunks: strayChunks(incarnation, stateVersion, state?.known.chunks, page.items),
  }
}

/** Whether a chunk of the state could not be read because there is a newer state by now. */
async function isOutdated({ table, keys }: ScopeStore, { state }: LogPage, error: unknown): Promise<boolean> {
  if (!(error instanceof SessionCorruptedError) || !chunkOf(error.key.sk)?.ofState) return false
  const item = await table.get(keys.state())
  return item !== undefined && parseState(item).version !== state?.version
}

/**
 * Whether what was read is what an expired session has left. Rows that are young enough say that it has not expired;
 * only when they are not is the session's item read, which other agents of the session may have touched.
 */
async function isGone(
  { directory, sessionId, lifetime }: StoredLogOptions,
  head: Head,
  items: readonly Item[],
  rows: ReadonlyMap<number, MessageRow>,
): Promise<boolean> {
  lifetime.ttl = head.ttl
  // Whoever has given the session a time to live has stamped all that was there.
  if (head.ttl === undefined && items.every((item) => item[ATTRIBUTE.expiresAt] === undefined)) return false
  if (head.ttl !== undefined && lifetime.isFresh(lastTouch(head, rows))) return false
  return directory.hasExpired(sessionId, lifetime)
}

/** Nothing to load is not the same as a head that got lost, or a session that nobody has created. */
async function checkAbsence(
  { directory, sessionId, keys, autoCreate }: StoredLogOptions,
  leftovers: readonly Item[],
): Promise<void> {
  if (leftovers.length === 0 && autoCreate) return
  const session = await directory.find(sessionId)
  if (session === undefined && !autoCreate) throw new SessionNotFoundError(sessionId)
  if (session === undefined) return
  const born = incarnationAt(Date.parse(session.createdAt))
  if (leftovers.some((item) => String(item.writer ?? '') >= born)) {
    throw new SessionCorruptedError(keys.head(), 'is missing, but there are messages of this agent')
  }
}

/** When the session item was last refreshed, as far as an agent's own items tell, in epoch seconds. */
function lastTouch(head: Head, rows: ReadonlyMap<number, MessageRow>): number {
  return Math.max(head.touchedAt, ...[...rows.values()].map((row) => row.touchedAt ?? 0))
}
