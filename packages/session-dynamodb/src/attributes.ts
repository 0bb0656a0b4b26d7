/** Reads an item's attributes: whatever they hold, the result is a value of the right kind or an error with the key. Pure. */

import { digestOf, ENCODINGS, type Encoding } from './codec.ts'
import { NewerFormatError, SessionCorruptedError } from './errors.ts'
import { type ItemKey, MAX_PARTS, SESSION_SORT_KEY } from './keys.ts'
import { ATTRIBUTE, FORMAT_VERSION } from './schema.ts'
import { parseRanges } from './window.ts'

/** An item as the document client reads and writes it. */
export type Item = Readonly<Record<string, unknown>>

/** A value as its item holds it: its text or what it was compressed to, or where that is. */
export interface StoredValue extends ValuePlace {
  readonly inline: string | Uint8Array | undefined
}

/** Where a value is: enough to delete what does not fit its item. */
export interface ValuePlace {
  readonly encoding: Encoding
  /** Digest of the text. */
  readonly digest: string
  readonly partCount: number
  /** The object that holds the value, when it is offloaded. */
  readonly object?: StoredObject
}

/** An object that holds a value: its name in the bucket, and its size in bytes. */
export interface StoredObject {
  readonly name: string
  readonly bytes: number
}

/** Key of an item that a query returned. */
export function keyOf(item: Item): ItemKey {
  return { pk: String(item[ATTRIBUTE.partitionKey]), sk: String(item[ATTRIBUTE.sortKey]) }
}

/** Attributes that a checksum does not cover: itself, and what may be refreshed without rewriting the item. */
const UNSEALED: ReadonlySet<string> = new Set(['sum', ATTRIBUTE.expiresAt])

/** Adds an item's checksum, over its key and all that it holds: a changed or misplaced item is never believed. */
export function seal(item: Item): Item {
  return { ...item, sum: checksumOf(item) }
}

/**
 * Reads an item's attributes one by one.
 *
 * @throws {@link NewerFormatError} for an item of a newer format; each reading function throws
 * {@link SessionCorruptedError} for an attribute that is not what it must be.
 */
export function readAttributes(item: Item) {
  const key = keyOf(item)
  const corrupted = (problem: string): SessionCorruptedError => new SessionCorruptedError(key, problem)
  const read = {
    string(name: string): string {
      const value = item[name]
      if (typeof value !== 'string') throw corrupted(`has no text in '${name}'`)
      return value
    },
    optionalString(name: string): string | undefined {
      return item[name] === undefined ? undefined : read.string(name)
    },
    optionalCount(name: string): number | undefined {
      return item[name] === undefined ? undefined : read.count(name)
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
    flag(name: string): boolean {
      const value = item[name] === undefined ? false : item[name]
      if (typeof value !== 'boolean') throw corrupted(`has neither true nor false in '${name}'`)
      return value
    },
    ranges(name: string): readonly number[] | undefined {
      if (item[name] === undefined) return undefined
      const ranges = parseRanges(read.string(name))
      if (ranges === undefined) throw corrupted(`has no sequence numbers in '${name}'`)
      return ranges
    },
    encoding(): Encoding {
      const encoding = ENCODINGS.find((each) => each === item.enc)
      if (encoding === undefined) throw corrupted(`has an unknown encoding in 'enc'`)
      return encoding
    },
    value(): StoredValue {
      const encoding = read.encoding()
      if (item.object !== undefined) {
        const object = { name: read.string('object'), bytes: read.count('bytes') }
        return { encoding, digest: read.string('digest'), inline: undefined, partCount: 0, object }
      }
      if (item.parts !== undefined) {
        const partCount = read.count('parts')
        if (partCount > MAX_PARTS) throw corrupted(`has more parts than there can be`)
        return { encoding, digest: read.string('digest'), inline: undefined, partCount }
      }
      if (encoding !== 'json') {
        return { encoding, digest: read.string('digest'), inline: read.bytes('data'), partCount: 0 }
      }
      const inline = read.string('data')
      return { encoding, digest: digestOf(inline), inline, partCount: 0 }
    },
  }
  const version = read.count('v')
  if (version > FORMAT_VERSION) throw new NewerFormatError(key, version, FORMAT_VERSION)
  if (!isSessionItem(key) && item.sum !== checksumOf(item)) throw corrupted('does not match its checksum')
  return read
}

/** Session items are updated attribute by attribute, so they carry no checksum; no conversation depends on them. */
function isSessionItem(key: ItemKey): boolean {
  return key.sk === SESSION_SORT_KEY
}

function checksumOf(item: Item): string {
  const entries = Object.entries(item)
    .filter(([name]) => !UNSEALED.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => [name, value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value])
  // The document client reads numbers beyond 2^53 as big integers.
  const text = JSON.stringify(entries, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))
  return digestOf(text).slice(0, 12)
}
