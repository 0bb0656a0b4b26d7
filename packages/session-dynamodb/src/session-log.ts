/** One scope's log: loads and saves its latest snapshot, writing only what is new. */

import type { Snapshot } from '@strands-agents/sdk'
import type { Item, StoredValue } from './attributes.ts'
import { type EncodedValue, encode } from './codec.ts'
import { SessionConflictError, SessionCorruptedError } from './errors.ts'
import { incarnationAt, writerOf } from './incarnation.ts'
import type { Head } from './items.ts'
import type { ItemKey, ScopeKeys } from './keys.ts'
import { createdAtOf, entriesOf, type LogPage, readLog, readMessages } from './log-reader.ts'
import { appendRows, createScope, type Pen, putHead, putState } from './log-writer.ts'
import { type Redactions, redactRows, redactStates } from './redaction.ts'
import type { SessionDirectory } from './session-directory.ts'
import { type FrozenSnapshot, thaw } from './snapshot.ts'
import type { SessionTable } from './table.ts'
import { deleteParts, parseJson, readText } from './values.ts'
import { type LogEntry, planWindow } from './window.ts'

/** What a {@link SessionLog} works with. */
export interface SessionLogOptions {
  readonly table: SessionTable
  readonly directory: SessionDirectory
  readonly keys: ScopeKeys
  readonly sessionId: string
  readonly scopeId: string
  /** Whether a session that does not exist may be created. */
  readonly autoCreate: boolean
  /** Messages that the window is expected to hold. */
  readonly windowSize: number
  /** How old the session item may grow while the session is active, in seconds. */
  readonly touchIntervalSeconds: number
  /** Current time in milliseconds since the epoch. */
  readonly now: () => number
  /** Tells this writer from others: unique per log object. */
  readonly nonce: string
}

/** The stored log as this writer last saw or left it. */
interface Known {
  head: Head
  /** Sequence numbers of the window: the head's and the tail's. */
  window: readonly number[] | undefined
  last: number
  stateVersion: number
  stateValue: Omit<StoredValue, 'inline'> | undefined
}

/** The log of one agent or orchestrator. Calls must not overlap: the caller runs them one after the other. */
export class SessionLog {
  readonly #options: SessionLogOptions
  /** What is stored, null when nothing is, undefined when that has to be read first. */
  #known: Known | null | undefined
  /** Rows whose content is known, in the window or not. */
  #entries = new Map<number, LogEntry>()
  /** What was known before a save that failed: when it is read again, only this writer may have gone on from there. */
  #doubted: Known | null | undefined
  /** Set once another writer was met: from then on nothing is saved until the log is loaded again. */
  #conflict: SessionConflictError | undefined

  constructor(options: SessionLogOptions) {
    this.#options = options
  }

  /**
   * Loads the latest snapshot.
   *
   * @returns null when none was saved.
   * @throws {@link SessionCorruptedError} naming the item that is missing or unreadable.
   */
  async load(): Promise<Snapshot | null> {
    this.#conflict = undefined
    this.#doubted = undefined
    const read = await this.#read()
    if (read === null || read.page.head.stateVersion === 0) return null
    const { page, messages } = read
    const key = this.#options.keys.state()
    if (page.state === undefined) throw new SessionCorruptedError(key, 'is missing, but the head names it')
    const state = parseJson(key, await readText(this.#options.table, key, page.state.value, page.items))
    const snapshot = thaw(state, messages, createdAtOf(page))
    if (snapshot === undefined) throw new SessionCorruptedError(key, 'does not hold the state of a snapshot')
    return snapshot
  }

  /**
   * Saves the latest snapshot.
   *
   * @param redacted - Messages whose earlier text must go.
   * @throws {@link SessionConflictError} when another writer has changed the log since it was loaded.
   */
  async save(snapshot: FrozenSnapshot, redacted: Redactions): Promise<void> {
    await this.#guarded(async () => {
      const known = await this.#basis(snapshot, true)
      const pen = this.#pen(known.head.incarnation)
      const { createdAt } = snapshot
      const plan = planWindow({ ...known, entries: this.#entries }, snapshot.messages, { redacted })
      await appendRows(pen, plan.rows, createdAt, (entry) => this.#note(known, entry))
      await this.#redact(pen, known, snapshot, redacted)
      known.window = plan.window

      const isFirst = known.head.stateVersion === 0
      const stateChanged = isFirst || known.stateValue?.digest !== snapshot.stateDigest
      if (stateChanged) await this.#saveState(pen, known, snapshot)
      const commit = plan.commit || isFirst || redacted.size > 0
      const changed = stateChanged || commit || plan.rows.length > 0
      const touchedAt = changed ? await this.#touchWhenDue(known.head) : known.head.touchedAt
      if (!commit && touchedAt === known.head.touchedAt) return
      const { head, window, last, stateVersion } = known
      known.head = {
        ...head,
        writer: pen.writer,
        version: head.version + 1,
        window,
        last,
        stateVersion,
        createdAt,
        touchedAt,
      }
      await putHead(pen, known.head)
    })
  }

  /**
   * Makes sure that all messages of a snapshot are in the log, without the window seeing those that are new.
   *
   * @param redacted - Messages whose earlier text must go.
   * @returns Where they are.
   */
  async stage(
    snapshot: FrozenSnapshot,
    redacted: Redactions,
  ): Promise<{ incarnation: string; window: readonly number[] | undefined }> {
    return this.#guarded(async () => {
      const known = await this.#basis(snapshot, false)
      const { incarnation } = known.head
      const pen = this.#pen(incarnation)
      const plan = planWindow({ ...known, entries: this.#entries }, snapshot.messages, { stage: true, redacted })
      await appendRows(pen, plan.rows, snapshot.createdAt, (entry) => this.#note(known, entry))
      await this.#redact(pen, known, snapshot, redacted)
      return { incarnation, window: plan.window }
    })
  }

  /** Takes note of a row that was read elsewhere, so that a save need not write its message again. */
  remember(incarnation: string, entry: LogEntry): void {
    if (this.#known?.head.incarnation === incarnation) this.#entries.set(entry.seq, entry)
  }

  /** Runs a save. After a failure what is stored has to be read again; after a conflict nothing is saved any more. */
  async #guarded<T>(save: () => Promise<T>): Promise<T> {
    if (this.#conflict !== undefined) throw this.#conflict
    const before = this.#known && { ...this.#known }
    try {
      return await save()
    } catch (error) {
      if (error instanceof SessionConflictError) this.#conflict = error
      if (this.#doubted === undefined) this.#doubted = before
      this.#known = undefined
      throw error
    }
  }

  /** What a save starts from: what is known, or read again, or newly created. */
  async #basis(snapshot: FrozenSnapshot, withLatest: boolean): Promise<Known> {
    if (this.#known === undefined) await this.#read()
    if (this.#doubted !== undefined) this.#checkOwn(this.#doubted)
    this.#doubted = undefined
    this.#known ??= await this.#create(snapshot, withLatest)
    return this.#known
  }

  async #create(snapshot: FrozenSnapshot, withLatest: boolean): Promise<Known> {
    const { directory, sessionId, now } = this.#options
    // The session's time is taken first: its first incarnation is never older than the session itself.
    const session = directory.refresh(sessionId)
    const incarnation = incarnationAt(now())
    const pen = this.#pen(incarnation)
    const { writer } = pen
    const { createdAt } = snapshot
    const window = withLatest && snapshot.messages !== undefined ? [] : undefined
    const stateVersion = withLatest ? 1 : 0
    const touchedAt = inSeconds(now())
    const head: Head = { version: 1, incarnation, writer, window, last: 0, stateVersion, createdAt, touchedAt }
    const value = encode(snapshot.state)
    const state = withLatest ? { facts: { version: 1, writer, last: 0, createdAt }, value } : undefined
    await createScope(pen, session, head, state, (found) => directory.refusal(sessionId, found))
    this.#entries = new Map()
    return { head, window, last: 0, stateVersion, stateValue: withLatest ? storedValue(value) : undefined }
  }

  async #redact(pen: Pen, known: Known, { messages, createdAt }: FrozenSnapshot, redacted: Redactions): Promise<void> {
    const changed = await redactRows(pen, redacted, messages ?? [], createdAt)
    for (const entry of changed) this.#note(known, entry)
    await redactStates(pen, redacted)
  }

  async #saveState(pen: Pen, known: Known, snapshot: FrozenSnapshot): Promise<void> {
    const value = encode(snapshot.state)
    const version = known.stateVersion + 1
    await putState(pen, { version, writer: pen.writer, last: known.last, createdAt: snapshot.createdAt }, value)
    const old = known.stateValue
    known.stateVersion = version
    known.stateValue = storedValue(value)
    if (old !== undefined && old.digest !== value.digest) await deleteParts(pen.table, pen.keys.state(), old)
  }

  /** Refreshes the session's item when it has grown old. Returns when it was last refreshed, in epoch seconds. */
  async #touchWhenDue({ touchedAt }: Head): Promise<number> {
    const { directory, sessionId, now, touchIntervalSeconds } = this.#options
    const seconds = inSeconds(now())
    if (seconds - touchedAt < touchIntervalSeconds) return touchedAt
    await directory.touch(sessionId)
    return seconds
  }

  /** Reads what is stored, and remembers it. */
  async #read(): Promise<{ page: LogPage; messages: readonly unknown[] | undefined } | null> {
    const { table, keys, windowSize } = this.#options
    this.#known = undefined
    this.#entries = new Map()
    const page = await readLog(table, keys, windowSize)
    if (page.head === undefined) {
      await this.#checkAbsence(page.leftovers)
      this.#known = null
      return null
    }
    const { head, window, last, state } = page
    const read = window && (await readMessages(table, keys, window, page.rows, page.items))
    // Rows that the window does not see are worth knowing too: a save that was cut short may have left them to be used.
    for (const entry of entriesOf(page)) this.#entries.set(entry.seq, entry)
    for (const { entry } of read ?? []) this.#entries.set(entry.seq, entry)
    this.#known = { head, window, last, stateVersion: state?.version ?? 0, stateValue: state?.value }
    return { page, messages: read?.map(({ message }) => message) }
  }

  /** Nothing to load is not the same as a head that got lost, or a session that nobody has created. */
  async #checkAbsence(leftovers: readonly Item[]): Promise<void> {
    const { directory, sessionId, keys, autoCreate } = this.#options
    if (leftovers.length === 0 && autoCreate) return
    const session = await directory.find(sessionId)
    if (session === undefined && !autoCreate) throw directory.refusal(sessionId, undefined)
    if (session === undefined) return
    const born = incarnationAt(Date.parse(session.createdAt))
    if (leftovers.some((item) => String(item.writer ?? '') >= born)) {
      throw new SessionCorruptedError(keys.head(), 'is missing, but there are messages of this agent')
    }
  }

  /** Checks that since a failed save only this writer has changed the log. */
  #checkOwn(before: Known | null): void {
    const known = this.#known
    if (known === undefined) return
    const { sessionId, scopeId, keys } = this.#options
    const fail = (key: ItemKey, expected: string, actual: string): never => {
      throw new SessionConflictError({ sessionId, scopeId, key: key.sk, expected, actual })
    }
    const version = before?.head.version ?? 0
    if (known === null) {
      if (version > 0) fail(keys.head(), `version ${version}`, 'nothing')
      return
    }
    const { writer } = this.#pen(known.head.incarnation)
    if (known.head.version !== version && known.head.writer !== writer) {
      fail(keys.head(), `version ${version}`, `version ${known.head.version} written by ${known.head.writer}`)
    }
    for (const seq of known.window ?? []) {
      const found = this.#entries.get(seq)?.writer
      if (seq > (before?.last ?? 0) && found !== writer) {
        fail(keys.message(seq), 'a row of this writer', `one written by ${found}`)
      }
    }
  }

  #note(known: Known, entry: LogEntry): void {
    this.#entries.set(entry.seq, entry)
    known.last = Math.max(known.last, entry.seq)
  }

  #pen(incarnation: string): Pen {
    const { table, keys, sessionId, scopeId, nonce } = this.#options
    return { table, keys, sessionId, scopeId, incarnation, writer: writerOf(incarnation, nonce) }
  }
}

function inSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000)
}

function storedValue(value: EncodedValue): Omit<StoredValue, 'inline'> {
  return { encoding: value.encoding, digest: value.digest, partCount: value.parts.length }
}
