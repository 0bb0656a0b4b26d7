/** Items of the table to what the log knows of them, and back. Whatever an item holds, reading it is safe. Pure. */

import { digestOf, type EncodedValue, type Encoding } from './codec.ts'
import { NewerFormatError, SessionCorruptedError } from './errors.ts'
import type { ItemKey } from './keys.ts'
import { ATTRIBUTE, FORMAT_VERSION } from './schema.ts'
import { formatRanges, type LogEntry, type PlannedRow, parseRanges } from './window.ts'

/** An item as the document client reads and writes it. */
export type Item = Readonly<Record<string, unknown>>

/** A value as its item holds it: the text, or how many parts hold it. */
export interface StoredValue {
  readonly encoding: Encoding
  readonly digest: string
  readonly inline: string | undefined
  readonly partCount: number
}

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
  /** Version of the state that the head was written beside; 0 while there is no latest snapshot. */
  readonly stateVersion: number
  /** `createdAt` of the snapshot that this write saved. */
  readonly createdAt: string
  /** When the session item was last refreshed, in epoch seconds. */
  readonly touchedAt: number
}

/** What a state item says of the rest of the latest snapshot. */
export interface State {
  readonly version: number
  readonly writer: string
  /** Highest sequence number in use when it was written. */
  readonly last: number
  readonly createdAt: string
  readonly value: StoredValue
}

/** A message's row. */
export interface MessageRow {
  readonly seq: number
  readonly writer: string
  readonly createdAt: string
  readonly detached: boolean
  readonly replaces: readonly number[]
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

/** @param createdAt - `createdAt` of the snapshot that adds the row. */
export function messageItem(
  key: ItemKey,
  row: PlannedRow,
  value: EncodedValue,
  facts: { writer: string; createdAt: string },
): Item {
  return {
    ...key,
    v: FORMAT_VERSION,
    ...valueAttributes(value),
    ...(row.message.role === undefined ? {} : { role: row.message.role }),
    createdAt: facts.createdAt,
    writer: facts.writer,
    ...(row.detached ? { detached: true } : {}),
    ...(row.replaces.length > 0 ? { replaces: formatRanges(row.replaces) } : {}),
  }
}

/** @throws {@link SessionCorruptedError} or {@link NewerFormatError}, naming the item. */
export function parseMessage(item: Item, seq: number): MessageRow {
  const read = reader(item)
  return {
    seq,
    writer: read.string('writer'),
    createdAt: read.string('createdAt'),
    detached: item['detached'] === true,
    replaces: read.ranges('replaces') ?? [],
    value: read.value(),
  }
}

/** What the log remembers of a row that it has read. */
export function entryOf(row: MessageRow, message: unknown): LogEntry {
  const { seq, writer, detached, replaces } = row
  return { seq, digest: row.value.digest, trackingId: trackingIdOf(message), writer, detached, replaces }
}

/** The SDK's id in a message's JSON, if it has a usable one. */
export function trackingIdOf(message: unknown): string | undefined {
  return stringField(message, 'trackingId')
}

/** The role in a message's JSON, if it has one. */
export function roleOf(message: unknown): string | undefined {
  return stringField(message, 'role')
}

export function headItem(key: ItemKey, head: Head): Item {
  const { window, ...rest } = head
  return { ...key, v: FORMAT_VERSION, ...rest, ...(window === undefined ? {} : { window: formatRanges(window) }) }
}

/** @throws {@link SessionCorruptedError} or {@link NewerFormatError}, naming the item. */
export function parseHead(item: Item): Head {
  const read = reader(item)
  return {
    version: read.count('version'),
    incarnation: read.string('incarnation'),
    writer: read.string('writer'),
    window: read.ranges('window'),
    last: read.count('last'),
    stateVersion: read.count('stateVersion'),
    createdAt: read.string('createdAt'),
    touchedAt: read.count('touchedAt'),
  }
}

export function stateItem(key: ItemKey, state: Omit<State, 'value'>, value: EncodedValue): Item {
  return { ...key, v: FORMAT_VERSION, ...state, ...valueAttributes(value) }
}

/** @throws {@link SessionCorruptedError} or {@link NewerFormatError}, naming the item. */
export function parseState(item: Item): State {
  const read = reader(item)
  return {
    version: read.count('version'),
    writer: read.string('writer'),
    last: read.count('last'),
    createdAt: read.string('createdAt'),
    value: read.value(),
  }
}

export function snapshotItem(key: ItemKey, mark: SnapshotMark): Item {
  const { window, ...rest } = mark
  return { ...key, v: FORMAT_VERSION, ...rest, ...(window === undefined ? {} : { window: formatRanges(window) }) }
}

/** @throws {@link SessionCorruptedError} or {@link NewerFormatError}, naming the item. */
export function parseSnapshotMark(item: Item): SnapshotMark {
  const read = reader(item)
  return {
    incarnation: read.string('incarnation'),
    window: read.ranges('window'),
    createdAt: read.string('createdAt'),
    stateDigest: read.string('stateDigest'),
  }
}

/** An item that holds nothing but a value: a snapshot's state, a manifest. */
export function valueItem(key: ItemKey, value: EncodedValue): Item {
  return { ...key, v: FORMAT_VERSION, ...valueAttributes(value) }
}

/** @throws {@link SessionCorruptedError} or {@link NewerFormatError}, naming the item. */
export function parseValue(item: Item): StoredValue {
  return reader(item).value()
}

export function partItem(key: ItemKey, bytes: Uint8Array): Item {
  return { ...key, v: FORMAT_VERSION, data: bytes }
}

/** @throws {@link SessionCorruptedError} or {@link NewerFormatError}, naming the item. */
export function parsePart(item: Item): Uint8Array {
  return reader(item).bytes('data')
}

/** Key of an item that a query returned. */
export function keyOf(item: Item): ItemKey {
  return { pk: String(item[ATTRIBUTE.partitionKey]), sk: String(item[ATTRIBUTE.sortKey]) }
}

/** Checks that an item is of a format that this release reads. */
export function checkFormat(item: Item): void {
  reader(item)
}

function valueAttributes(value: EncodedValue): Item {
  if (value.inline !== undefined) return { enc: value.encoding, data: value.inline }
  return { enc: value.encoding, parts: value.parts.length, digest: value.digest }
}

/** Reads an item's attributes one by one; each that is not what it must be is an error that names the item. */
function reader(item: Item) {
  const key = keyOf(item)
  const corrupted = (problem: string): SessionCorruptedError => new SessionCorruptedError(key, problem)
  const read = {
    string(name: string): string {
      const value = item[name]
      if (typeof value !== 'string') throw corrupted(`has no text in '${name}'`)
      return value
    },
    count(name: string): number {
      const value = item[name]
      if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
        throw corrupted(`has no whole number in '${name}'`)
      }
      return value
    },
    bytes(name: string): Uint8Array {
      const value = item[name]
      if (!(value instanceof Uint8Array)) throw corrupted(`has no bytes in '${name}'`)
      return value
    },
    ranges(name: string): readonly number[] | undefined {
      if (item[name] === undefined) return undefined
      const ranges = parseRanges(read.string(name))
      if (ranges === undefined) throw corrupted(`has no sequence numbers in '${name}'`)
      return ranges
    },
    value(): StoredValue {
      if (item['enc'] !== 'json') throw corrupted(`has an unknown encoding in 'enc'`)
      if (item['parts'] === undefined) {
        const inline = read.string('data')
        return { encoding: 'json', digest: digestOf(inline), inline, partCount: 0 }
      }
      return { encoding: 'json', digest: read.string('digest'), inline: undefined, partCount: read.count('parts') }
    },
  }
  const version = read.count('v')
  if (version > FORMAT_VERSION) throw new NewerFormatError(key, version, FORMAT_VERSION)
  return read
}

function stringField(message: unknown, name: string): string | undefined {
  if (typeof message !== 'object' || message === null || !(name in message)) return undefined
  const value: unknown = Reflect.get(message, name)
  return typeof value === 'string' && value !== '' ? value : undefined
}
