/** Items of the table to what the log knows of them, and back. Pure. */

import { type Item, readAttributes, type StoredValue, seal } from './attributes.ts'
import type { ItemKey } from './keys.ts'
import { isAnswer, trackingIdOf } from './messages.ts'
import { FORMAT_VERSION } from './schema.ts'
import { formatRanges, type LogEntry, type PlannedRow, type TurnMark } from './window.ts'

/** What the head says. */
export interface Head {
  /** Counts the writes of this item: the guard against a lost update. */
  readonly version: number
  /** Which life of the session this is: rows of an earlier one, left by a late writer, are not part of it. */
  readonly incarnation: string
  readonly writer: string
  /** Sequence numbers of the window, in order; undefined when the snapshot has no messages at all. */
  readonly window: readonly number[] | undefined
  /** Highest sequence number that the window was made from. Rows above it join the window by themselves. */
  readonly last: number
  /** Highest sequence number of turns that have ended without an answer: an error, an interrupt, a structured output. */
  readonly settled: number
  /** Version of the state that the head was written beside; 0 while there is no latest snapshot. */
  readonly stateVersion: number
  /** `createdAt` of the snapshot that this write saved. */
  readonly createdAt: string
  /** When the session item was last refreshed, in epoch seconds. */
  readonly touchedAt: number
  /** The session's time to live in seconds; absent when it had none that its writer knew of. */
  readonly ttl?: number | undefined
  /** Up to which row those have been deleted that nothing needs; absent while all rows are kept. */
  readonly pruned?: number | undefined
  /** Whether a redaction has written it, and may not have deleted all chunks yet that nothing refers to any more. */
  readonly unswept?: boolean
}

/** What a state item says of the rest of the latest snapshot. */
export interface State {
  readonly version: number
  readonly writer: string
  /** Highest sequence number in use when it was written. */
  readonly last: number
  readonly createdAt: string
  /** Digest of the state's JSON; that of the value is another one when it refers to chunks. */
  readonly digest: string
  readonly value: StoredValue
}

/** A message's row. */
export interface MessageRow {
  readonly seq: number
  readonly writer: string
  readonly createdAt: string
  readonly detached: boolean
  readonly replaces: readonly number[]
  readonly turn: TurnMark
  readonly touchedAt: number | undefined
  /** Version of the head while a redaction overwrote the row: until there is another, chunks of the old text are left. */
  readonly unswept?: number
  /** Name of an object with an earlier text, which a redaction that was cut short has left. */
  readonly stale: string | undefined
  /** Digest of the message's JSON; that of the value is another one when it refers to chunks. */
  readonly digest: string
  readonly value: StoredValue
}

/** What the item of an immutable snapshot says. */
export interface SnapshotMark {
  /** Life of the session to which its rows belong. */
  readonly incarnation: string
  readonly window: readonly number[] | undefined
  readonly createdAt: string
  readonly stateDigest: string
}

/** Whether a turn ends with a row: an answer that joins the window by itself. A staged one waits for the head. */
export function closesTurn(row: PlannedRow): boolean {
  return row.message.isAnswer && !row.detached
}

/** What a row says beside its message. */
export interface RowFacts {
  readonly writer: string
  /** `createdAt` of the snapshot that adds the row. */
  readonly createdAt: string
  /** The turn that the row is part of. */
  readonly turn?: TurnMark | undefined
  /** When the session item was refreshed, if it was for this row, in epoch seconds. */
  readonly touchedAt?: number | undefined
  /** Version of the head as it is known, when chunks of an earlier text are about to be deleted. */
  readonly unswept?: number | undefined
  /** Name of an object with an earlier text, which is about to be deleted. */
  readonly stale?: string | undefined
}

/** A message's item, but for the message: {@link withValue} adds it. `isRope`: whether its text refers to chunks. */
export function messageFrame(key: ItemKey, row: PlannedRow, facts: RowFacts, isRope: boolean): Item {
  return {
    ...key,
    v: FORMAT_VERSION,
    ...(isRope ? { whole: row.message.digest } : {}),
    ...(facts.unswept === undefined ? {} : { unswept: facts.unswept }),
    ...(row.message.role === undefined ? {} : { role: row.message.role }),
    createdAt: facts.createdAt,
    writer: facts.writer,
    ...(row.detached ? { detached: true } : {}),
    ...(row.replaces.length > 0 ? { replaces: formatRanges(row.replaces) } : {}),
    ...(facts.turn?.until === undefined || closesTurn(row) ? {} : { until: facts.turn.until }),
    ...(facts.turn?.id === undefined ? {} : { turn: facts.turn.id }),
    ...(facts.touchedAt === undefined ? {} : { touchedAt: facts.touchedAt }),
    ...(facts.stale === undefined ? {} : { stale: facts.stale }),
  }
}

/** @throws {@link SessionCorruptedError} or {@link NewerFormatError}, naming the item. */
export function parseMessage(item: Item, seq: number): MessageRow {
  const read = readAttributes(item)
  return {
    seq,
    writer: read.string('writer'),
    createdAt: read.string('createdAt'),
    detached: read.flag('detached'),
    replaces: read.ranges('replaces') ?? [],
    turn: { id: read.optionalString('turn'), until: read.optionalCount('until') },
    touchedAt: read.optionalCount('touchedAt'),
    stale: read.optionalString('stale'),
    ...(read.optionalCount('unswept') === undefined ? {} : { unswept: read.count('unswept') }),
    ...storedValueOf(read),
  }
}

/** What the log remembers of a row that it has read. */
export function entryOf(row: MessageRow, message: unknown): LogEntry {
  const { seq, digest, writer, detached, replaces, turn } = row
  const trackingId = trackingIdOf(message)
  return { seq, digest, trackingId, writer, detached, replaces, turn, isAnswer: isAnswer(message) }
}

export function headItem(key: ItemKey, head: Head): Item {
  const { window, ttl, pruned, unswept, ...rest } = head
  return seal({
    ...key,
    v: FORMAT_VERSION,
    ...rest,
    ...(window === undefined ? {} : { window: formatRanges(window) }),
    ...(ttl === undefined ? {} : { ttl }),
    ...(pruned === undefined ? {} : { pruned }),
    ...(unswept ? { unswept } : {}),
  })
}

/** @throws {@link SessionCorruptedError} or {@link NewerFormatError}, naming the item. */
export function parseHead(item: Item): Head {
  const read = readAttributes(item)
  return {
    version: read.count('version'),
    incarnation: read.string('incarnation'),
    writer: read.string('writer'),
    window: read.ranges('window'),
    last: read.count('last'),
    settled: read.count('settled'),
    stateVersion: read.count('stateVersion'),
    createdAt: read.string('createdAt'),
    touchedAt: read.count('touchedAt'),
    ttl: read.optionalCount('ttl'),
    pruned: read.optionalCount('pruned'),
    ...(read.flag('unswept') ? { unswept: true } : {}),
  }
}

/** A state's item, but for the state itself: {@link withValue} adds it. `isRope`: whether its text refers to chunks. */
export function stateFrame(key: ItemKey, { digest, ...facts }: Omit<State, 'value'>, isRope: boolean): Item {
  return { ...key, v: FORMAT_VERSION, ...facts, ...(isRope ? { whole: digest } : {}) }
}

/** @throws {@link SessionCorruptedError} or {@link NewerFormatError}, naming the item. */
export function parseState(item: Item): State {
  const read = readAttributes(item)
  return {
    version: read.count('version'),
    writer: read.string('writer'),
    last: read.count('last'),
    createdAt: read.string('createdAt'),
    ...storedValueOf(read),
  }
}

export function snapshotItem(key: ItemKey, mark: SnapshotMark): Item {
  const { window, ...rest } = mark
  return seal({ ...key, v: FORMAT_VERSION, ...rest, ...(window === undefined ? {} : { window: formatRanges(window) }) })
}

/** @throws {@link SessionCorruptedError} or {@link NewerFormatError}, naming the item. */
export function parseSnapshotMark(item: Item): SnapshotMark {
  const read = readAttributes(item)
  return {
    incarnation: read.string('incarnation'),
    window: read.ranges('window'),
    createdAt: read.string('createdAt'),
    stateDigest: read.string('stateDigest'),
  }
}

/** An item that holds nothing but a value, such as a snapshot's state or a manifest: {@link withValue} adds it. */
export function valueFrame(key: ItemKey): Item {
  return { ...key, v: FORMAT_VERSION }
}

/** A chunk's item, but for its text: {@link withValue} adds it. `version` guards it from who found it unused before. */
export function chunkFrame(key: ItemKey, version: number): Item {
  return { ...key, v: FORMAT_VERSION, version }
}

/** @throws {@link SessionCorruptedError} or {@link NewerFormatError}, naming the item. */
export function parseChunk(item: Item): { readonly version: number; readonly value: StoredValue } {
  const read = readAttributes(item)
  return { version: read.count('version'), value: read.value() }
}

/** Completes an item with its value and its checksum. */
export function withValue(frame: Item, { encoding, digest, inline, partCount, object }: StoredValue): Item {
  const framed = { ...frame, enc: encoding }
  if (object !== undefined) return seal({ ...framed, object: object.name, bytes: object.bytes, digest })
  if (inline === undefined) return seal({ ...framed, parts: partCount, digest })
  // The digest of a text that is there to be read need not be stored.
  return seal({ ...framed, data: inline, ...(encoding === 'json' ? {} : { digest }) })
}

/** @throws {@link SessionCorruptedError} or {@link NewerFormatError}, naming the item. */
export function parseValue(item: Item): StoredValue {
  return readAttributes(item).value()
}

export function partItem(key: ItemKey, bytes: Uint8Array): Item {
  return seal({ ...key, v: FORMAT_VERSION, data: bytes })
}

/** @throws {@link SessionCorruptedError} or {@link NewerFormatError}, naming the item. */
export function parsePart(item: Item): Uint8Array {
  return readAttributes(item).bytes('data')
}

/** Checks that an item is of a format that this release reads. */
export function checkFormat(item: Item): void {
  readAttributes(item)
}

function storedValueOf(read: ReturnType<typeof readAttributes>): Pick<State, 'digest' | 'value'> {
  const value = read.value()
  return { digest: read.optionalString('whole') ?? value.digest, value }
}
