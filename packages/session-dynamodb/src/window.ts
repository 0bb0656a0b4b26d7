/** The window as a view of the log: ranges of sequence numbers, and what a live snapshot asks the log to write. Pure. */

/** What a row says of the turn that it was written in. */
export interface TurnMark {
  /** Id that the caller gave the turn. */
  readonly id?: string | undefined
  /** When the turn is taken to have crashed unless it has gone on, in epoch milliseconds; absent once it has ended. */
  readonly until?: number | undefined
}

/** What is known of a row of the log. */
export interface LogEntry {
  readonly seq: number
  /** Digest of the message's JSON. */
  readonly digest: string
  /** The SDK's id of the message. Neither unique nor validated: a hint, never a key. */
  readonly trackingId: string | undefined
  /** Who wrote the row. */
  readonly writer: string
  /** Whether the row joins a window only through a head that names it. */
  readonly detached: boolean
  /** Sequence numbers of the rows that held earlier texts of this message, the newest first. */
  readonly replaces: readonly number[]
  readonly turn: TurnMark
  /** Whether the message is one with which a turn ends. */
  readonly isAnswer: boolean
}

/** A message of a live snapshot, as JSON. */
export interface LiveMessage {
  readonly text: string
  readonly digest: string
  readonly trackingId: string | undefined
  readonly role: string | undefined
  /** Whether the message is one with which a turn ends. */
  readonly isAnswer: boolean
}

/** A row to be written. */
export interface PlannedRow {
  readonly seq: number
  readonly message: LiveMessage
  readonly detached: boolean
  readonly replaces: readonly number[]
}

/** What brings the log to a live snapshot. */
export interface WindowPlan {
  /** Sequence numbers of the new window, in order; undefined when the snapshot has no messages at all. */
  readonly window: readonly number[] | undefined
  /** New rows, in order of their sequence numbers. */
  readonly rows: readonly PlannedRow[]
  /** Whether the head must be written for the new window to be seen. */
  readonly commit: boolean
}

/** What a plan starts from. */
export interface LogView {
  /** Sequence numbers of the stored window, in order; undefined when the stored snapshot has no messages. */
  readonly window: readonly number[] | undefined
  /** Every known row, in the window or not, by sequence number. */
  readonly entries: ReadonlyMap<number, LogEntry>
  /** Highest sequence number in use, 0 when there is none. */
  readonly last: number
}

/** Most rows that are appended one by one. More are staged and then committed together, in parallel and at once. */
export const MAX_TAIL_APPENDS = 8

/**
 * Compares a live snapshot's messages with the log.
 *
 * A snapshot that only adds to the window appends its new messages as the log's tail, which joins the window by itself.
 * Any other change (a trim, an edit, an insertion) stages new rows that no window sees yet, and commits them with the
 * head. An edited message gets a new row: the log is not rewritten, so immutable snapshots keep what they saw. A redacted
 * message is the exception: it keeps its row, which the redaction overwrites.
 *
 * @param view - The log as it is stored.
 * @param live - The snapshot's messages, or undefined when it has none at all.
 * @param options - `redacted`: tracking ids of messages that are being redacted. `stage`: let no new row join the
 * window by itself, as an immutable snapshot needs it.
 */
export function planWindow(
  view: LogView,
  live: readonly LiveMessage[] | undefined,
  options: { readonly redacted?: { has(trackingId: string): boolean }; readonly stage?: boolean } = {},
): WindowPlan {
  if (live === undefined) return { window: undefined, rows: [], commit: view.window !== undefined }

  const stored = view.window ?? []
  if (view.window !== undefined && isUnchanged(view, stored, live)) {
    return { window: view.window, rows: [], commit: false }
  }
  const matches = matchRows(view, stored, live)
  const addsOnly =
    view.window !== undefined &&
    stored.every((seq, index) => matches[index]?.seq === seq && matches[index]?.kind === 'same') &&
    matches.slice(stored.length).every((match) => match.kind === 'new')
  const detached = options.stage === true || !addsOnly || live.length - stored.length > MAX_TAIL_APPENDS

  const rows: PlannedRow[] = []
  const window = live.map((message, index) => {
    const match = matches[index] ?? { kind: 'new' }
    if (match.kind === 'same') return match.seq
    if (match.kind === 'edited' && options.redacted?.has(message.trackingId ?? '')) return match.seq
    const seq = view.last + 1 + rows.length
    const replaces = match.kind === 'edited' ? [match.seq, ...(view.entries.get(match.seq)?.replaces ?? [])] : []
    rows.push({ seq, message, detached, replaces })
    return seq
  })
  const seenAnyway = [...stored, ...rows.filter((row) => !row.detached).map((row) => row.seq)]
  const moved = window.length !== seenAnyway.length || window.some((seq, index) => seq !== seenAnyway[index])
  const commit = view.window === undefined || moved
  return { window, rows, commit }
}

type Match =
  | { readonly kind: 'same' | 'edited'; readonly seq: number }
  | { readonly kind: 'new'; readonly seq?: undefined }

function isUnchanged(view: LogView, stored: readonly number[], live: readonly LiveMessage[]): boolean {
  return (
    stored.length === live.length && stored.every((seq, index) => view.entries.get(seq)?.digest === live[index]?.digest)
  )
}

/**
 * Finds each live message's row: by content, then, for those left, by tracking id. Each row serves one message, and
 * rows of the window come before the others, in order.
 */
function matchRows(view: LogView, stored: readonly number[], live: readonly LiveMessage[]): Match[] {
  const inWindow = new Set(stored)
  const digests = new Set(live.map((message) => message.digest))
  const candidates = stored.flatMap((seq) => view.entries.get(seq) ?? [])
  for (const entry of view.entries.values()) {
    if (digests.has(entry.digest) && !inWindow.has(entry.seq)) candidates.push(entry)
  }
  const byDigest = groupBy(candidates, (entry) => entry.digest)
  const used = new Set<number>()

  const matches = live.map((message): Match => {
    const entry = byDigest.get(message.digest)?.shift()
    if (entry === undefined) return { kind: 'new' }
    used.add(entry.seq)
    return { kind: 'same', seq: entry.seq }
  })

  const unused = stored.flatMap((seq) => (used.has(seq) ? [] : (view.entries.get(seq) ?? [])))
  const byTrackingId = groupBy(unused, (entry) => entry.trackingId ?? '')
  return matches.map((match, index) => {
    const trackingId = live[index]?.trackingId
    if (match.kind !== 'new' || trackingId === undefined) return match
    const entry = byTrackingId.get(trackingId)?.shift()
    return entry === undefined ? match : { kind: 'edited', seq: entry.seq }
  })
}

/** Writes a window as text: `1-40,57` for 1 to 40 and then 57. The order counts, and a number may stand twice. */
export function formatRanges(seqs: readonly number[]): string {
  const ranges: [number, number][] = []
  for (const seq of seqs) {
    const range = ranges.at(-1)
    if (range !== undefined && range[1] + 1 === seq) range[1] = seq
    else ranges.push([seq, seq])
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',')
}

/**
 * Reads a window from text.
 *
 * @returns The sequence numbers in order, or undefined when the text is not a window.
 */
export function parseRanges(text: string): number[] | undefined {
  if (text === '') return []
  const seqs: number[] = []
  for (const range of text.split(',')) {
    const [, from, to = from] = /^([1-9]\d{0,9})(?:-([1-9]\d{0,9}))?$/.exec(range) ?? []
    const [first, last] = [Number(from), Number(to)]
    if (from === undefined || last < first || seqs.length + last - first >= MAX_WINDOW) return undefined
    for (let seq = first; seq <= last; seq++) seqs.push(seq)
  }
  return seqs
}

/** Longest window that is believed: a million messages are more than any model's, and fit in memory. */
const MAX_WINDOW = 1_000_000

function groupBy<T>(values: readonly T[], keyOf: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const value of values) {
    const group = groups.get(keyOf(value))
    if (group === undefined) groups.set(keyOf(value), [value])
    else group.push(value)
  }
  return groups
}
