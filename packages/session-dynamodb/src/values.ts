/** Values of any size in the table: what does not fit a value's item is written before the item is. */

import { type Item, keyOf, type StoredObject, type StoredValue, type ValuePlace } from './attributes.ts'
import { compress, decode, digestOf, type EncodedText, INLINE_LIMIT, slice, VALUE_LIMIT } from './codec.ts'
import { InvalidOptionError, SessionCorruptedError, ValueTooLargeError } from './errors.ts'
import { itemSize, writeUnits } from './item-size.ts'
import { parsePart, parseValue, partItem, valueFrame, withValue } from './items.ts'
import { type ItemKey, partKey, partPrefix } from './keys.ts'
import type { ObjectStore } from './objects.ts'
import type { SessionTable } from './table.ts'

/** An item that is ready to be written: all that its value needs beside it is stored. */
export interface PreparedItem {
  readonly item: Item
  readonly place: ValuePlace
}

/** How values are stored. */
export interface ValueOptions {
  readonly compression?: 'auto' | 'off'
  /** Where large values go; undefined when they are kept in parts. */
  readonly objects?: ObjectStore | undefined
}

/** Parts that one request reads: about 3 MB, so that several requests share a large value. */
const PARTS_AT_ONCE = 8

/** How one table's values are stored and read back. A value is a JSON text. */
export class ValueStore {
  readonly #table: SessionTable
  readonly #options: ValueOptions

  constructor(table: SessionTable, options: ValueOptions = {}) {
    this.#table = table
    this.#options = options
  }

  /** @throws {@link ValueTooLargeError} for a text that no {@link prepare} takes. */
  check(owner: ItemKey, text: string): void {
    const size = Buffer.byteLength(text)
    if (size > VALUE_LIMIT) throw new ValueTooLargeError(owner, size, VALUE_LIMIT)
  }

  /**
   * Encodes a value for its item, and writes what does not fit there. The caller writes the item: until then no reader
   * looks for the rest.
   *
   * @param frame - The item's key and its other attributes.
   * @throws {@link ValueTooLargeError} before anything is written.
   */
  async prepare(frame: Item, text: string): Promise<PreparedItem> {
    const owner = keyOf(frame)
    this.check(owner, text)
    const { encoding, digest, data } = await this.#encode(this.#table.stamped(frame), text)
    const object = await this.#offload(owner, digest, data)
    if (object !== undefined) {
      const place = { encoding, digest, partCount: 0, object }
      return { item: withValue(frame, { ...place, inline: undefined }), place }
    }
    const isInline = Buffer.byteLength(data) <= INLINE_LIMIT
    const parts = isInline ? [] : slice(Buffer.from(data), INLINE_LIMIT)
    await this.#table.putAll(parts.map((bytes, index) => partItem(partKey(owner, digest, index), bytes)))
    const place = { encoding, digest, partCount: parts.length }
    return { item: withValue(frame, { ...place, inline: isInline ? data : undefined }), place }
  }

  /** Deletes what a value had beside its item, which no longer names it. */
  async discard(owner: ItemKey, place: Pick<ValuePlace, 'digest' | 'partCount' | 'object'>): Promise<void> {
    const keys = partKeys(owner, place)
    if (keys.length > 0) await this.#table.deleteAll(keys)
    await this.discardObjects(place.object === undefined ? [] : [place.object.name])
  }

  /** Deletes objects that no item needs any more. */
  async discardObjects(names: readonly string[]): Promise<void> {
    if (names.length > 0) await this.#objects().delete(names)
  }

  /** The same for a value of which only the digest is known. */
  async discardAll(owner: ItemKey, digest: string): Promise<void> {
    const range = { pk: owner.pk, prefix: partPrefix(owner, digest), keysOnly: true, consistent: true }
    for await (const page of this.#table.query(range)) await this.#table.deleteAll(page.items.map(keyOf))
    const name = this.#options.objects?.nameOf(owner, digest)
    if (name !== undefined) await this.#options.objects?.delete([name])
  }

  /**
   * The text of a value.
   *
   * @param known - Items that a query has brought along, by sort key: parts among them are not read again.
   * @throws {@link SessionCorruptedError} when a part or an object is missing or not the one that was written.
   */
  async readText(owner: ItemKey, value: StoredValue, known: ReadonlyMap<string, Item> = new Map()): Promise<string> {
    const { encoding, digest, inline, partCount, object } = value
    if (typeof inline === 'string') return inline
    const data =
      inline ??
      (object === undefined ? await this.#readParts(owner, value, known) : await this.#objects().get(object.name))
    const text = data && (await decode({ encoding, digest, data }))
    if (text !== undefined) return text
    if (object !== undefined) {
      const problem = data === undefined ? 'is gone' : 'has another content than was written'
      throw new SessionCorruptedError(owner, `names an object that ${problem}: '${object.name}'`)
    }
    const problem = inline === undefined ? `has ${partCount} parts, of which some are missing or changed` : undefined
    throw new SessionCorruptedError(owner, problem ?? 'does not hold what its digest says')
  }

  /** Reads and parses the value of an item that holds nothing else. It is undefined when there is no such item. */
  async load(key: ItemKey): Promise<unknown> {
    const item = await this.#table.get(key)
    return item === undefined ? undefined : parseJson(key, await this.readText(key, parseValue(item)))
  }

  /** Writes an item that holds nothing but a value. */
  async save(key: ItemKey, text: string): Promise<ValuePlace> {
    const { item, place } = await this.prepare(valueFrame(key), text)
    await this.#table.put(item)
    return place
  }

  /** Writes an object for a value that is large enough. Before its item, so that no item names an object in vain. */
  async #offload(owner: ItemKey, digest: string, data: string | Uint8Array): Promise<StoredObject | undefined> {
    const { objects } = this.#options
    const bytes = Buffer.byteLength(data)
    if (objects === undefined || bytes <= objects.thresholdBytes) return undefined
    const name = objects.nameOf(owner, digest)
    if (name === undefined) return undefined
    await objects.put(name, typeof data === 'string' ? Buffer.from(data) : data)
    return { name, bytes }
  }

  /** @throws {@link InvalidOptionError} when the caller has not said where offloaded values are. */
  #objects(): ObjectStore {
    const { objects } = this.#options
    if (objects !== undefined) return objects
    throw new InvalidOptionError('offload', undefined, "expected the bucket that holds this session's large values")
  }

  /** A text that is compressed if that makes writing its item cheaper. */
  async #encode(frame: Item, text: string): Promise<EncodedText> {
    const digest = digestOf(text)
    const plain: EncodedText = { encoding: 'json', digest, data: text }
    const unitsOf = ({ encoding, data }: EncodedText): number => {
      const inline = encoding === 'json' ? '' : new Uint8Array()
      return writeUnits(
        itemSize(withValue(frame, { encoding, digest, inline, partCount: 0 })) + Buffer.byteLength(data),
      )
    }
    if (this.#options.compression === 'off' || unitsOf(plain) === 1) return plain
    const compressed: EncodedText = { encoding: 'br', digest, data: await compress(text) }
    return unitsOf(compressed) < unitsOf(plain) ? compressed : plain
  }

  /** The parts of a value, joined, or undefined when one is missing. */
  async #readParts(
    owner: ItemKey,
    place: ValuePlace,
    known: ReadonlyMap<string, Item>,
  ): Promise<Uint8Array | undefined> {
    const keys = partKeys(owner, place)
    const unread = keys.filter(({ sk }) => !known.has(sk))
    // Strongly consistent: an item may be seen before the parts that were written first.
    const read = bySortKey(await this.#table.getAll(unread, { atOnce: PARTS_AT_ONCE, consistent: true }))
    const parts = keys.map(({ sk }) => known.get(sk) ?? read.get(sk)).filter((part) => part !== undefined)
    return parts.length < keys.length ? undefined : Buffer.concat(parts.map(parsePart))
  }
}

/** Parses the JSON of an item. */
export function parseJson(owner: ItemKey, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Without the cause: its message quotes the text, and error messages end up in logs.
    throw new SessionCorruptedError(owner, 'does not hold JSON')
  }
}

/** Items by sort key. */
export function bySortKey(items: readonly Item[]): Map<string, Item> {
  return new Map(items.map((item) => [keyOf(item).sk, item]))
}

function partKeys(owner: ItemKey, { digest, partCount }: Pick<ValuePlace, 'digest' | 'partCount'>): ItemKey[] {
  return Array.from({ length: partCount }, (_, index) => partKey(owner, digest, index))
}
