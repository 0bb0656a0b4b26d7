/** One scope's turns: who is at work, how long to wait for it, and what became of a turn with an id. */

import { SessionBusyError, SessionCorruptedError } from './errors.ts'
import { belongsTo } from './incarnation.ts'
import { parseMessage } from './items.ts'
import { isOpen, readProgress } from './log-reader.ts'
import type { SessionLog } from './session-log.ts'
import type { ScopeStore } from './shared-chunks.ts'
import { parseJson } from './values.ts'
import type { LogEntry } from './window.ts'

/** A turn that another writer has begun and not ended. */
interface OpenTurn {
  /** Name of the writer. */
  readonly writer: string
  /** When the turn is taken to have crashed unless it has gone on, in epoch milliseconds. */
  readonly until: number
}

/** What is stored of a turn with an id. */
export type TurnRecord =
  /** The turn has not begun, or was begun and then overtaken by another one. */
  | { readonly status: 'new' }
  /** The turn has ended with an answer, a message's JSON. */
  | { readonly status: 'answered'; readonly answer: unknown }
  /** The turn has begun and not ended, and is the last one: the position in the window from which it goes to the end. */
  | { readonly status: 'unanswered'; readonly first: number }

/** What {@link Turns} works with. */
export interface TurnsOptions extends ScopeStore {
  readonly log: SessionLog
  readonly sessionId: string
  readonly scopeId: string
  /** Runs a task after the earlier ones on the same log. */
  readonly enqueue: <T>(task: () => Promise<T>) => Promise<T>
  /** Current time in milliseconds since the epoch. */
  readonly now: () => number
  /** Waits for some milliseconds. */
  readonly pause: (milliseconds: number) => Promise<unknown>
}

/** Pauses between two looks at somebody else's turn: jittered, from the first on doubling up to the longest. */
const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 1000

/** The turns of one agent. */
export class Turns {
  readonly #options: TurnsOptions

  constructor(options: TurnsOptions) {
    this.#options = options
  }

  /** Says what rows written from now on are part of. Without `leaseMs` they do not show that a turn is under way. */
  begin(mark: { readonly id?: string | undefined; readonly leaseMs?: number | undefined }): void {
    this.#options.log.turn = mark
  }

  /**
   * Shows that a turn that was cut short goes on, before its next message is stored.
   *
   * @throws `SessionConflictError` when another writer was faster.
   */
  async claim(): Promise<void> {
    const { log, enqueue } = this.#options
    await enqueue(() => log.claim())
  }

  /** Whether another writer's turn was under way when the log was last looked at. */
  isBusy(): boolean {
    const open = this.#open()
    return open !== undefined && open.until > this.#options.now()
  }

  /** Whether the newest row is one of a turn that was begun and never ended, and that nobody is at work on any more. */
  hasCrashed(): boolean {
    const open = this.#open()
    return open !== undefined && open.until <= this.#options.now()
  }

  /**
   * Waits until no other writer's turn is under way, or it is taken to have crashed.
   *
   * @param waitUntil - When to give up, in epoch milliseconds.
   * @param signal - Ends the wait early, without an error.
   * @returns Whether there was a turn to wait for: the log has then gone on.
   * @throws {@link SessionBusyError} when the time is up.
   */
  async waitUntilFree(waitUntil: number, signal?: AbortSignal): Promise<boolean> {
    const { sessionId, scopeId, enqueue, now, pause } = this.#options
    let open = this.#open()
    let waited = false
    for (let attempt = 0; open !== undefined && open.until > now() && !signal?.aborted; attempt++) {
      const left = waitUntil - now()
      if (left <= 0 && !waited) {
        // What was known may be long over: one look, also for those who do not wait.
        open = await enqueue(() => this.#follow())
        waited = true
        continue
      }
      if (left <= 0 && open !== undefined) {
        throw new SessionBusyError({ sessionId, scopeId, writer: open.writer, retryAfterMs: open.until - now() })
      }
      const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt)
      await pause(Math.min(left, longest * (0.5 + Math.random() / 2)))
      open = await enqueue(() => this.#follow())
      waited = true
    }
    return waited
  }

  /** Looks up a turn, among the rows that are known first. */
  async find(id: string): Promise<TurnRecord> {
    const { values, log, keys, enqueue } = this.#options
    await enqueue(() => log.look())
    const known = this.#answerOf(id)
    const answer = known === undefined ? undefined : await this.#message(known, id)
    if (answer !== undefined) return { status: 'answered', answer }
    // What was known of an answer that is not there belongs to a session that was deleted.
    if (known !== undefined) return { status: 'new' }
    const { window = [], entries, head } = log.view() ?? {}
    const before = window.findLastIndex((seq) => entries?.get(seq)?.turn.id !== id)
    if (before + 1 < window.length) return { status: 'unanswered', first: before + 1 }
    const record = await values.load(keys.turn(id))
    if (record === undefined) return { status: 'new' }
    if (!isRecord(record)) throw new SessionCorruptedError(keys.turn(id), 'does not say which message was the answer')
    if (record.incarnation !== head?.incarnation) return { status: 'new' }
    const stored = await this.#message(record.answer, id)
    if (stored === undefined) {
      throw new SessionCorruptedError(keys.message(record.answer), 'is not the answer that a turn names')
    }
    return { status: 'answered', answer: stored }
  }

  /** Notes that a turn has ended with an answer, so that it is found when its rows have left the window. */
  async complete(id: string): Promise<void> {
    const { values, keys, log } = this.#options
    const answer = this.#answerOf(id)
    const incarnation = log.view()?.head.incarnation
    if (answer !== undefined) await values.save(keys.turn(id), JSON.stringify({ answer, incarnation }))
  }

  /** The turn that another writer had under way when the log was last looked at. */
  #open(): OpenTurn | undefined {
    const view = this.#options.log.view()
    if (view === undefined || !isOpen(view)) return undefined
    const { writer, turn } = view.newest ?? {}
    if (writer === undefined || writer === view.writer || turn?.until === undefined) return undefined
    return { writer, until: turn.until }
  }

  async #follow(): Promise<OpenTurn | undefined> {
    const { table, log, keys } = this.#options
    const view = log.view()
    const progress = view && (await readProgress(table, keys, view.last))
    if (progress === undefined) return undefined
    log.noteProgress(progress)
    return this.#open()
  }

  /** Sequence number of a turn's answer: its last row, if that is one and a head shows it. */
  #answerOf(id: string): number | undefined {
    const view = this.#options.log.view()
    let last: LogEntry | undefined
    for (const entry of view?.entries.values() ?? []) {
      if (entry.turn.id === id && entry.seq > (last?.seq ?? 0)) last = entry
    }
    if (view === undefined || last === undefined || !last.isAnswer) return undefined
    return last.detached && last.seq > view.head.last ? undefined : last.seq
  }

  /** A turn's answer, or undefined when its row is not there or another turn's by now. */
  async #message(seq: number, id: string): Promise<unknown> {
    const { table, shared, keys, log } = this.#options
    const key = keys.message(seq)
    const item = await table.get(key)
    const row = item && parseMessage(item, seq)
    const { incarnation = '' } = log.view()?.head ?? {}
    if (row?.turn.id !== id || !belongsTo(row.writer, incarnation)) return undefined
    return parseJson(key, await shared.read(incarnation, key, row.value))
  }
}

function isRecord(record: unknown): record is { readonly answer: number; readonly incarnation?: unknown } {
  return typeof record === 'object' && record !== null && Number.isSafeInteger(Reflect.get(record, 'answer'))
}
