/** One scope's log: loads and saves its latest snapshot, writing only what is new. */

import type { Snapshot } from '@strands-agents/sdk'
import type { Item, ValuePlace } from './attributes.ts'
import { cutState } from './chunks.ts'
import { SessionConflictError, SessionCorruptedError, SessionNotFoundError } from './errors.ts'
import { foreignChange } from './foreign-change.ts'
import { belongsTo, incarnationAt, writerOf } from './incarnation.ts'
import { type Head, type MessageRow, parseHead, parseState } from './items.ts'
import { chunkOf, SESSION_SORT_KEY } from './keys.ts'
import {
  createState,
  deleteStrayChunks,
  type KnownState,
  readState,
  type StrayChunk,
  saveState,
  strayChunks,
} from './latest-state.ts'
import type { Lifetime } from './lifetime.ts'
import {
  createdAtOf,
  entriesOf,
  isOpen,
  type LogPage,
  type NewestRow,
  readLog,
  readMessages,
  type Stray,
  strays,
} from './log-reader.ts'
import { appendRows, conflict, createScope, type Pen, putHead, takeBack, type WrittenRow } from './log-writer.ts'
import type { Retention } from './options.ts'
import { prune, pruneLimit } from './pruning.ts'
import { type Redactions, redactRows, redactStates } from './redaction.ts'
import { ATTRIBUTE } from './schema.ts'
import type { SessionDirectory } from './session-directory.ts'
import type { ScopeStore } from './shared-chunks.ts'
import { type FrozenSnapshot, freezeMessage, thaw } from './snapshot.ts'
import { sweepChunks } from './sweep.ts'
import { parseJson } from './values.ts'
import { type LogEntry, type PlannedRow, planWindow, type TurnMark } from './window.ts'

/** What a {@link SessionLog} works with. */
export interface SessionLogOptions extends ScopeStore {
  readonly directory: SessionDirectory
  readonly sessionId: string
  readonly scopeId: string
  /** Whether a session that does not exist may be created. */
  readonly autoCreate: boolean
  /** Messages that the window is expected to hold. */
  readonly windowSize: number
  /** How old the session item may grow while the session is active, in seconds. */
  readonly touchIntervalSeconds: number
  /** Which rows are kept. */
  readonly retention: Retention
  /** What this writer knows of the session's time to live. */
  readonly lifetime: Lifetime
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
  state: KnownState | undefined
  /** Whether a redaction has overwritten rows and not written the head: chunks of the old texts may be left. */
  hasCutRedaction: boolean
  newest: NewestRow | undefined
  /** When the session item was last refreshed, in epoch seconds: the head says it, or a row since. */
  touchedAt: number
}

/** What is known of the stored log, for those who look at turns. */
export interface LogView extends Readonly<Known> {
  readonly entries: ReadonlyMap<number, LogEntry>
  /** Name of this writer. */
  readonly writer: string
}

/** What a read of the log found, put together. */
interface StoredLog {
  readonly page: LogPage
  /** The state's JSON. */
  readonly state: string | undefined
  readonly messages: readonly unknown[] | undefined
}

/** How often the log is read before a chunk that is missing is missed: each time there was a newer state. */
const READ_ATTEMPTS = 4

/** The log of one agent or orchestrator. Calls must not overlap: the caller runs them one after the other. */
export class SessionLog {
  readonly #options: SessionLogOptions
  /** What is stored, null when nothing is, undefined when that has to be read first. */
  #known: Known | null | undefined
  /** Rows whose content is known, in the window or not. */
  #entries = new Map<number, LogEntry>()
  /** What was known before a save that failed: when it is read again, only this writer may have gone on from there. */
  #doubted: Known | null | undefined
  /** What new rows say of the turn that they are written in. */
  turn: { readonly id?: string | undefined; readonly leaseMs?: number | undefined } = {}
  /** Rows written since the head was last written or looked at: whether the session still exists is not known. */
  #unconfirmed: WrittenRow[] = []
  /** What a crash has left of texts that their rows no longer hold. */
  #strays: readonly Stray[] = []
  /** Whether the log was read or looked at in this turn. */
  #isCurrent = false
  /** Chunks of the state that a crash has left. */
  #strayChunks: readonly StrayChunk[] = []
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
    this.forget()
    const read = await this.#read()
    if (read === null || read.page.head.stateVersion === 0) return null
    const { page, messages } = read
    const key = this.#options.keys.state()
    if (page.state === undefined) throw new SessionCorruptedError(key, 'is missing, but the head names it')
    const snapshot = thaw(parseJson(key, read.state ?? ''), messages, createdAtOf(page))
    if (snapshot === undefined) throw new SessionCorruptedError(key, 'does not hold the state of a snapshot')
    return snapshot
  }

  /**
   * Saves the latest snapshot.
   *
   * @param redacted - Messages whose earlier text must go.
   * @param endsTurn - Whether the turn is over: one that has not ended with an answer is then marked as ended.
   * @throws {@link SessionConflictError} when another writer has changed the log since it was loaded.
   */
  async save(snapshot: FrozenSnapshot, redacted: Redactions, endsTurn = false): Promise<void> {
    const { retention, lifetime } = this.#options
    await this.#guarded(async () => {
      const known = await this.#basis(snapshot, true)
      const pen = this.#pen(known.head)
      const { createdAt } = snapshot
      await this.#deleteStrays(pen)
      const plan = planWindow({ ...known, entries: this.#entries }, snapshot.messages, { redacted })
      const isFirst = known.head.stateVersion === 0
      const stateChanged = isFirst || known.state?.digest !== snapshot.stateDigest
      this.#checkSizes(snapshot, plan.rows)
      const isActive = stateChanged || plan.commit || plan.rows.length > 0
      const touchedAt = isActive ? await this.#touchWhenDue(known) : undefined
      const facts = { createdAt, turn: this.#mark(), touchedAt }
      if (plan.rows.length > 0) await this.#checkCurrent(pen, known)
      if (endsTurn) this.#isCurrent = false
      await appendRows(pen, plan.rows, facts, (...written) => this.#note(known, ...written))
      await this.#redact(pen, known, snapshot, redacted)
      known.window = plan.window

      if (stateChanged) await this.#orTakeBack(pen, this.#saveState(pen, known, snapshot))
      const isUnsettled = endsTurn && isOpen(known) && known.newest?.writer === pen.writer
      const redacts = redacted.size > 0 || known.hasCutRedaction
      const wasSwept = !redacts && (await this.#sweepAgain(pen, known.head))
      const commit = plan.commit || isFirst || redacts || isUnsettled || wasSwept
      if (!commit && (touchedAt === undefined || plan.rows.length > 0)) {
        // Without turns each save is by itself.
        const isAlone = known.head.pruned !== undefined && this.turn.leaseMs === undefined
        if (endsTurn || isAlone) await this.#checkAlive(pen)
        return
      }
      const { head, window, last, stateVersion } = known
      const prunes = retention === 'window' && head.pruned !== undefined && plan.rows.length === 0
      const limit = prunes ? pruneLimit(window ?? [], head.pruned ?? 0) : undefined
      const isAnswered = this.#entries.get(window?.at(-1) ?? 0)?.isAnswer === true
      known.head = {
        ...head,
        writer: pen.writer,
        version: head.version + 1,
        window,
        last,
        stateVersion,
        settled: isUnsettled || isAnswered ? last : head.settled,
        createdAt,
        touchedAt: known.touchedAt,
        ttl: lifetime.ttl,
        // Said before anything is pruned, so that others who read the head know of it.
        pruned: limit ?? head.pruned ?? (retention === 'window' ? 0 : undefined),
        unswept: redacts || (head.unswept === true && !wasSwept),
      }
      try {
        await this.#orTakeBack(pen, putHead(pen, known.head))
        if (redacts) {
          known.hasCutRedaction = false
          await sweepChunks(pen, known.head.version)
          // The next head says so.
          known.head = { ...known.head, unswept: false }
        }
      } catch (error) {
        // The answer is stored, and with it the session was free: whoever came next owns the window by now. This writer
        // catches up before its next turn.
        const isHarmless = endsTurn && !stateChanged && isAnswered && plan.rows.length === 0
        if (!isHarmless || !(error instanceof SessionConflictError) || error.key === SESSION_SORT_KEY) throw error
        this.#conflict = error
        this.#known = undefined
        return
      }
      this.#confirm()
      if (limit !== undefined) await this.#prune(pen, known, [Number(head.pruned) + 1, limit])
    })
  }

  /**
   * Makes sure that all messages of a snapshot are in the log, without the window seeing those that are new.
   *
   * @param redacted - Messages whose earlier text must go.
   * @returns Where they are, with what the snapshot is written, and up to which row the log was pruned then.
   */
  async stage(
    snapshot: FrozenSnapshot,
    redacted: Redactions,
  ): Promise<{ pen: Pen; window: readonly number[] | undefined; pruned: number | undefined }> {
    return this.#guarded(async () => {
      const known = await this.#basis(snapshot, false)
      const pen = this.#pen(known.head)
      const plan = planWindow({ ...known, entries: this.#entries }, snapshot.messages, { stage: true, redacted })
      this.#checkSizes(snapshot, plan.rows)
      const facts = { createdAt: snapshot.createdAt, touchedAt: await this.#touchWhenDue(known) }
      await appendRows(pen, plan.rows, facts, (...written) => this.#note(known, ...written))
      await this.#redact(pen, known, snapshot, redacted)
      return { pen, window: plan.window, pruned: known.head.pruned }
    })
  }

  /**
   * Takes the log's next number with a row that no window sees. Other writers then know that a turn goes on, and whoever
   * stalled in it is refused when it wakes.
   *
   * @throws {@link SessionConflictError} when another writer was faster.
   */
  async claim(): Promise<void> {
    await this.#guarded(async () => {
      const known = this.#known
      if (known === undefined || known === null) return
      const row = { seq: known.last + 1, message: freezeMessage(null), detached: true, replaces: [] }
      const facts = { createdAt: new Date(this.#options.now()).toISOString(), turn: this.#mark() }
      await appendRows(this.#pen(known.head), [row], facts, (...written) => this.#note(known, ...written))
    })
  }

  /** What is known of the stored log, or undefined when nothing is stored or it has to be read first. */
  view(): LogView | undefined {
    if (this.#known === undefined || this.#known === null) return undefined
    return { ...this.#known, entries: this.#entries, writer: this.#pen(this.#known.head).writer }
  }

  /** Reads what is stored if it is not known, as after a save that failed. */
  async look(): Promise<void> {
    if (this.#known === undefined) await this.#read()
  }

  /** Takes note of how far somebody else's turn has come. What it has added is read by the next {@link load}. */
  noteProgress({ head, newest }: { readonly head: Head; readonly newest: NewestRow | undefined }): void {
    if (this.#known === undefined || this.#known === null) return
    this.#known.newest = newest
    this.#known.head = { ...this.#known.head, settled: head.settled }
  }

  /** Digest of the state that was stored when the log was last read or written, also by a save that failed since. */
  stateDigest(): string | undefined {
    return (this.#known ?? this.#doubted)?.state?.digest
  }

  /** Forgets what is stored, so that it is read again before the next save. */
  forget(): void {
    this.#known = undefined
    this.#doubted = undefined
    this.#conflict = undefined
    this.#confirm()
    this.#options.shared.forget()
    this.#entries = new Map()
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
    const { directory, sessionId, now, autoCreate, lifetime, retention } = this.#options
    const { createdAt } = snapshot
    const window = withLatest && snapshot.messages !== undefined ? [] : undefined
    const stateVersion = withLatest ? 1 : 0
    this.#checkSizes(
      snapshot,
      (snapshot.messages ?? []).map((message, index) => ({ seq: index + 1, message })),
    )
    const created: Known[] = []
    await directory.refresh(sessionId, lifetime, autoCreate ? 'begin' : 'join', async (session) => {
      // Taken after the session's own time: its first incarnation is never older than the session itself.
      const incarnation = incarnationAt(now())
      const pen = this.#pen({ incarnation, version: 1 })
      const { writer } = pen
      const touchedAt = session.at
      const { ttl } = lifetime
      const versions = { version: 1, last: 0, settled: 0, stateVersion }
      const pruned = retention === 'window' ? 0 : undefined
      const head: Head = { ...versions, incarnation, writer, window, createdAt, touchedAt, ttl, pruned }
      const facts = { version: 1, writer, last: 0, createdAt, digest: snapshot.stateDigest }
      const newState = withLatest ? { ...cutState(snapshot.state), facts } : undefined
      const { outcome, state } = await createState(pen, newState, () => createScope(pen, session, head, newState))
      created[0] = { head, window, last: 0, stateVersion, state, hasCutRedaction: false, newest: undefined, touchedAt }
      return outcome
    })
    this.#entries = new Map()
    return created[0] as Known
  }

  /**
   * A row goes into the log whatever becomes of the session. Looks whether it has been deleted in the meantime, or pruned
   * beyond the row by others who were far ahead, and takes the rows back if so.
   *
   * @throws {@link SessionConflictError} when it has been.
   */
  async #checkAlive(pen: Pen): Promise<void> {
    if (this.#unconfirmed.length === 0) return
    const key = pen.keys.head()
    const item = await pen.table.get(key, true)
    const head = item && parseHead(item)
    const rows = this.#unconfirmed
    this.#unconfirmed = []
    const isSame = head?.incarnation === pen.incarnation
    const first = Math.min(...rows.map(({ seq }) => seq))
    if (isSame && (head.pruned ?? 0) < first) return this.#options.shared.confirm()
    await takeBack(pen, rows)
    // Others of the same life may refer to the chunks by now.
    if (isSame) throw conflict(pen, key, `rows before ${first}`, item)
    await this.#options.shared.takeBack()
    const { sessionId, scopeId } = pen
    const expected = `the session begun at ${pen.incarnation}`
    const actual = head === undefined ? 'nothing: it was deleted' : `the one begun at ${head.incarnation}`
    throw new SessionConflictError({ sessionId, scopeId, key: SESSION_SORT_KEY, expected, actual })
  }

  /**
   * Where a log is pruned, a sequence number that is free may have been in use: a writer that was idle for a while looks how
   * far the log has come before its turn takes one.
   */
  async #checkCurrent(pen: Pen, known: Known): Promise<void> {
    if (this.#isCurrent || known.head.pruned === undefined) return
    const item = await pen.table.get(pen.keys.head(), true)
    const head = item && parseHead(item)
    if (head?.incarnation === pen.incarnation && (head.pruned ?? 0) > known.last) {
      throw conflict(pen, pen.keys.head(), `rows up to ${known.last}`, item)
    }
    this.#isCurrent = true
  }

  /**
   * A head or a state that is refused may mean that the session was deleted: its late rows must not stay then. A head that
   * was found says that it was not; a state does not, because a deletion takes heads first.
   */
  async #orTakeBack(pen: Pen, write: Promise<void>): Promise<void> {
    try {
      await write
    } catch (error) {
      const isPruned = this.#known?.head.pruned !== undefined
      if (error instanceof SessionConflictError && (isPruned || !isAnotherHead(pen, error))) await this.#checkAlive(pen)
      throw error
    }
  }

  /**
   * Completes a redaction that was cut short behind its head. One that fails again is left to the next save.
   *
   * @returns Whether there was one, and it is complete.
   */
  async #sweepAgain(pen: Pen, { version, unswept = false }: Head): Promise<boolean> {
    if (!unswept) return false
    return sweepChunks(pen, version).then(
      () => true,
      () => false,
    )
  }

  #confirm(): void {
    this.#unconfirmed = []
    this.#options.shared.confirm()
  }

  /** Deletes strays, but not while the turn that wrote their row is under way: it may be about to do so itself. */
  async #deleteStrays(pen: Pen): Promise<void> {
    await deleteStrayChunks(pen, this.#strayChunks)
    this.#strayChunks = []
    const now = this.#options.now()
    const due = this.#strays.filter(({ until }) => until === undefined || until <= now)
    const keys = due.flatMap(({ key }) => key ?? [])
    if (keys.length > 0) await pen.table.deleteAll(keys)
    await pen.values.discardObjects(due.flatMap(({ object }) => object ?? []))
    this.#strays = this.#strays.filter((stray) => !due.includes(stray))
  }

  /** @throws {@link ValueTooLargeError} when one of the values that a save may write is too large to be stored. */
  #checkSizes({ state }: FrozenSnapshot, rows: readonly Pick<PlannedRow, 'seq' | 'message'>[]): void {
    const { values, keys } = this.#options
    values.check(keys.state(), state)
    for (const { seq, message } of rows) values.check(keys.message(seq), message.text)
  }

  async #redact(pen: Pen, known: Known, { messages, createdAt }: FrozenSnapshot, redacted: Redactions): Promise<void> {
    const changed = await redactRows(pen, redacted, messages ?? [], createdAt)
    for (const { entry, place } of changed) this.#note(known, entry, place)
    await redactStates(pen, redacted)
  }

  /** All is saved: what cannot be deleted now is left, and takes nothing but room. */
  async #prune(pen: Pen, { window, head }: Known, range: readonly [number, number]): Promise<void> {
    const pruned = await prune(pen, window ?? [], range).catch(() => [])
    for (const { seq } of pruned) this.#entries.delete(seq)
    const hadChunks = pruned.some(({ digest, value }) => digest !== value.digest)
    if (hadChunks) await sweepChunks(pen, head.version).catch(() => undefined)
  }

  async #saveState(pen: Pen, known: Known, snapshot: FrozenSnapshot): Promise<void> {
    const version = known.stateVersion + 1
    const { createdAt, stateDigest: digest } = snapshot
    const facts = { version, writer: pen.writer, last: known.last, createdAt, digest }
    known.state = await saveState(pen, known.state, { ...cutState(snapshot.state), facts })
    known.stateVersion = version
  }

  /** Refreshes the session's item when it has grown old. Returns the time in epoch seconds when it did. */
  async #touchWhenDue(known: Known): Promise<number | undefined> {
    const { directory, sessionId, lifetime, touchIntervalSeconds } = this.#options
    if (!lifetime.isDue(known.touchedAt, touchIntervalSeconds)) return undefined
    known.touchedAt = await directory.refresh(sessionId, lifetime, 'go on')
    return known.touchedAt
  }

  /** Whether the session is there, as far as its time to live is concerned. Asks only when what is known may be outdated. */
  async hasExpired(): Promise<boolean> {
    const { directory, sessionId, lifetime } = this.#options
    if (this.#known && lifetime.isFresh(this.#known.touchedAt)) return false
    return directory.hasExpired(sessionId, lifetime)
  }

  /** Reads what is stored, and remembers it. */
  async #read(): Promise<StoredLog | null> {
    const { table, keys, windowSize } = this.#options
    for (let attempt = 1; ; attempt++) {
      this.#isCurrent = true
      const page = await readLog(table, keys, windowSize, (...read) => this.#isGone(...read))
      try {
        return await this.#take(page)
      } catch (error) {
        // A state that was saved while it was read, page by page, has dropped chunks of the one that was found.
        if (attempt === READ_ATTEMPTS || page.head === undefined || !(await this.#isOutdated(page, error))) throw error
      }
    }
  }

  async #take(page: Awaited<ReturnType<typeof readLog>>): Promise<StoredLog | null> {
    const { keys, lifetime } = this.#options
    this.#known = undefined
    this.#entries = new Map()
    if (page.head === undefined) {
      await this.#checkAbsence(page.leftovers)
      lifetime.ttl = lifetime.wanted
      this.#known = null
      return null
    }
    const { head, window, last, newest } = page
    const { incarnation } = head
    const store = this.#pen(head)
    this.#strays = strays(keys, page)
    const read = window && (await readMessages(store, incarnation, window, page.rows, page.items))
    // Rows that the window does not see are worth knowing too: a save that was cut short may have left them to be used.
    for (const entry of await entriesOf(store, page)) this.#entries.set(entry.seq, entry)
    for (const { entry } of read ?? []) this.#entries.set(entry.seq, entry)
    const state = page.state && (await readState(store, incarnation, page.state, page.items))
    const stateVersion = page.state?.version ?? 0
    this.#strayChunks = strayChunks(incarnation, stateVersion, state?.known.chunks, page.items)
    const touchedAt = lastTouch(head, page.rows)
    const hasCutRedaction = [...page.rows.values()].some((row) => (row.unswept ?? 0) >= head.version)
    this.#known = { head, window, last, stateVersion, state: state?.known, hasCutRedaction, newest, touchedAt }
    return { page, state: state?.text, messages: read?.map(({ message }) => message) }
  }

  /** Whether a chunk of the state could not be read because there is a newer state by now. */
  async #isOutdated({ state }: LogPage, error: unknown): Promise<boolean> {
    if (!(error instanceof SessionCorruptedError) || !chunkOf(error.key.sk)?.ofState) return false
    const item = await this.#options.table.get(this.#options.keys.state())
    return item !== undefined && parseState(item).version !== state?.version
  }

  /**
   * Whether what was read is what an expired session has left. Rows that are young enough say that it has not expired;
   * only when they are not is the session's item read, which other agents of the session may have touched.
   */
  async #isGone(head: Head, items: readonly Item[], rows: ReadonlyMap<number, MessageRow>): Promise<boolean> {
    const { directory, sessionId, lifetime } = this.#options
    lifetime.ttl = head.ttl
    // Whoever has given the session a time to live has stamped all that was there.
    if (head.ttl === undefined && items.every((item) => item[ATTRIBUTE.expiresAt] === undefined)) return false
    if (head.ttl !== undefined && lifetime.isFresh(lastTouch(head, rows))) return false
    return directory.hasExpired(sessionId, lifetime)
  }

  /** Nothing to load is not the same as a head that got lost, or a session that nobody has created. */
  async #checkAbsence(leftovers: readonly Item[]): Promise<void> {
    const { directory, sessionId, keys, autoCreate } = this.#options
    if (leftovers.length === 0 && autoCreate) return
    const session = await directory.find(sessionId)
    if (session === undefined && !autoCreate) throw new SessionNotFoundError(sessionId)
    if (session === undefined) return
    const born = incarnationAt(Date.parse(session.createdAt))
    if (leftovers.some((item) => String(item.writer ?? '') >= born)) {
      throw new SessionCorruptedError(keys.head(), 'is missing, but there are messages of this agent')
    }
  }

  /** After a failed save only this writer may have gone on from what was known before. */
  #checkOwn(before: Known | null): void {
    const { sessionId, scopeId, keys } = this.#options
    const change = foreignChange(keys, before, this.view())
    if (change !== undefined) throw new SessionConflictError({ sessionId, scopeId, ...change })
  }

  #note(known: Known, entry: LogEntry, place: ValuePlace): void {
    this.#unconfirmed.push({ seq: entry.seq, place })
    this.#entries.set(entry.seq, entry)
    known.last = Math.max(known.last, entry.seq)
    if (entry.seq === known.last) known.newest = entry
  }

  #mark(): TurnMark {
    const { id, leaseMs } = this.turn
    return { id, until: leaseMs === undefined ? undefined : this.#options.now() + leaseMs }
  }

  #pen({ incarnation, version: headVersion }: Pick<Head, 'incarnation' | 'version'>): Pen {
    const { table, values, keys, shared, sessionId, scopeId, nonce } = this.#options
    const writer = writerOf(incarnation, nonce)
    return { table, values, keys, shared, sessionId, scopeId, incarnation, headVersion, writer }
  }
}

/** Whether a write was refused because of another head of the same life of the session. */
function isAnotherHead(pen: Pen, { key, writer }: SessionConflictError): boolean {
  return key === pen.keys.head().sk && writer !== undefined && belongsTo(writer, pen.incarnation)
}

/** When the session item was last refreshed, as far as an agent's own items tell, in epoch seconds. */
function lastTouch(head: Head, rows: ReadonlyMap<number, MessageRow>): number {
  return Math.max(head.touchedAt, ...[...rows.values()].map((row) => row.touchedAt ?? 0))
}
