/** One scope's log: loads and saves its latest snapshot, writing only what is new. */

import type { Snapshot } from '@strands-agents/sdk'
import type { ValuePlace } from './attributes.ts'
import { cutState } from './chunks.ts'
import { SessionConflictError, SessionCorruptedError } from './errors.ts'
import { foreignChange } from './foreign-change.ts'
import { type Head, parseHead } from './items.ts'
import { SESSION_SORT_KEY } from './keys.ts'
import { LateRows } from './late-rows.ts'
import { deleteStrayChunks, type StrayChunk, saveState } from './latest-state.ts'
import { createdAtOf, isOpen, type NewestRow, type Stray } from './log-reader.ts'
import { appendRows, conflict, putHead } from './log-writer.ts'
import { createLog, type NewLogOptions } from './new-log.ts'
import { checkSizes, type Pen, penOf } from './pen.ts'
import { prune, pruneLimit } from './pruning.ts'
import { type Redactions, redactRows, redactStates } from './redaction.ts'
import { type FrozenSnapshot, freezeMessage, thaw } from './snapshot.ts'
import { type Known, readStoredLog, type StoredLog, type StoredLogOptions } from './stored-log.ts'
import { sweepChunks } from './sweep.ts'
import { parseJson } from './values.ts'
import { type LogEntry, planWindow, type TurnMark } from './window.ts'

/** What a {@link SessionLog} works with. */
export interface SessionLogOptions extends StoredLogOptions, NewLogOptions {
  /** How old the session item may grow while the session is active, in seconds. */
  readonly touchIntervalSeconds: number
}

/** What is known of the stored log, for those who look at turns. */
export interface LogView extends Readonly<Known> {
  readonly entries: ReadonlyMap<number, LogEntry>
  /** Name of this writer. */
  readonly writer: string
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
  /** What new rows say of the turn that they are written in. */
  turn: { readonly id?: string | undefined; readonly leaseMs?: number | undefined } = {}
  readonly #lateRows = new LateRows()
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
      const pen = penOf(this.#options, known.head)
      const { createdAt } = snapshot
      await this.#deleteStrays(pen)
      const plan = planWindow({ ...known, entries: this.#entries }, snapshot.messages, { redacted })
      const isFirst = known.head.stateVersion === 0
      const stateChanged = isFirst || known.state?.digest !== snapshot.stateDigest
      checkSizes(this.#options, snapshot, plan.rows)
      const isActive = stateChanged || plan.commit || plan.rows.length > 0
      const touchedAt = isActive ? await this.#touchWhenDue(known) : undefined
      const facts = { createdAt, turn: this.#mark(), touchedAt }
      if (plan.rows.length > 0) await this.#checkCurrent(pen, known)
      if (endsTurn) this.#isCurrent = false
      await appendRows(pen, plan.rows, facts, (...written) => this.#note(known, ...written))
      // Before a redaction overwrites rows: see there.
      if (stateChanged) await this.#lateRows.unlessRefused(pen, known.head, this.#saveState(pen, known, snapshot))
      await this.#redact(pen, known, snapshot, redacted)
      known.window = plan.window

      const isUnsettled = endsTurn && isOpen(known) && known.newest?.writer === pen.writer
      const redacts = redacted.size > 0 || known.hasCutRedaction
      const wasSwept = !redacts && (await this.#sweepAgain(pen, known.head))
      const commit = plan.commit || isFirst || redacts || isUnsettled || wasSwept
      if (!commit && (touchedAt === undefined || plan.rows.length > 0)) {
        // Without turns each save is by itself.
        const isAlone = known.head.pruned !== undefined && this.turn.leaseMs === undefined
        if (endsTurn || isAlone) await this.#lateRows.check(pen)
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
        await this.#lateRows.unlessRefused(pen, known.head, putHead(pen, known.head))
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
      const pen = penOf(this.#options, known.head)
      const plan = planWindow({ ...known, entries: this.#entries }, snapshot.messages, { stage: true, redacted })
      checkSizes(this.#options, snapshot, plan.rows)
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
      await appendRows(penOf(this.#options, known.head), [row], facts, (...written) => this.#note(known, ...written))
    })
  }

  /** What is known of the stored log, or undefined when nothing is stored or it has to be read first. */
  view(): LogView | undefined {
    if (this.#known === undefined || this.#known === null) return undefined
    return { ...this.#known, entries: this.#entries, writer: penOf(this.#options, this.#known.head).writer }
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
    if (this.#known === null) {
      this.#known = await createLog(this.#options, snapshot, withLatest)
      this.#entries = new Map()
    }
    return this.#known as Known
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
    this.#lateRows.confirm()
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

  async #redact(pen: Pen, known: Known, { messages, createdAt }: FrozenSnapshot, redacted: Redactions): Promise<void> {
    // What states have kept of a message goes before its row: once that is overwritten nobody knows what else to look for.
    await redactStates(pen, redacted)
    const changed = await redactRows(pen, redacted, messages ?? [], createdAt)
    for (const { entry, place } of changed) this.#note(known, entry, place)
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
    this.#known = undefined
    this.#isCurrent = true
    const stored = await readStoredLog(this.#options)
    this.#known = stored === null ? null : { ...stored.known }
    this.#entries = new Map(stored?.entries)
    this.#strays = stored?.strays ?? []
    this.#strayChunks = stored?.strayChunks ?? []
    return stored
  }

  /** After a failed save only this writer may have gone on from what was known before. */
  #checkOwn(before: Known | null): void {
    const { sessionId, scopeId, keys } = this.#options
    const change = foreignChange(keys, before, this.view())
    if (change !== undefined) throw new SessionConflictError({ sessionId, scopeId, ...change })
  }

  #note(known: Known, entry: LogEntry, place: ValuePlace): void {
    this.#lateRows.add({ seq: entry.seq, place })
    this.#entries.set(entry.seq, entry)
    known.last = Math.max(known.last, entry.seq)
    if (entry.seq === known.last) known.newest = entry
  }

  #mark(): TurnMark {
    const { id, leaseMs } = this.turn
    return { id, until: leaseMs === undefined ? undefined : this.#options.now() + leaseMs }
  }
}
