/** Values of any size in the table: what does not fit a value's item is written before the item is. */

import { type Item, keyOf, type StoredValue, type ValuePlace } from './attributes.ts'
import { encode, join } from './codec.ts'
import { SessionCorruptedError } from './errors.ts'
import { parsePart, parseValue, partItem, valueFrame, withValue } from './items.ts'
import { type ItemKey, partKey, partPrefix } from './keys.ts'
import type { SessionTable } from './table.ts'

/** An item that is ready to be written: all that its value needs beside it is stored. */
export interface PreparedItem {
  readonly item: Item
  readonly place: ValuePlace
}

/** How one table's values are stored and read back. A value is a JSON text. */
export class ValueStore {
  readonly #table: SessionTable

  constructor(table: SessionTable) {
    this.#table = table
  }

  /**
   * Encodes a value for its item, and writes what does not fit there. The caller writes the item: until then no reader
   * looks for the rest.
   *
   * @param frame - The item's key and its other attributes.
   */
  async prepare(frame: Item, text: string): Promise<PreparedItem> {
    const value = encode(text)
    const owner = keyOf(frame)
    const { encoding, digest, parts } = value
    await this.#table.putAll(parts.map((bytes, index) => partItem(partKey(owner, digest, index), bytes)))
    return { item: withValue(frame, value), place: { encoding, digest, partCount: parts.length } }
  }

  /** Deletes what a value had beside its item, which no longer names it. */
  async discard(owner: ItemKey, place: Pick<ValuePlace, 'digest' | 'partCount'>): Promise<void> {
    const keys = partKeys(owner, place)
    if (keys.length > 0) await this.#table.deleteAll(keys)
  }

  /** The same for a value of which only the digest is known. */
  async discardAll(owner: ItemKey, digest: string): Promise<void> {
    const range = { pk: owner.pk, prefix: partPrefix(owner, digest), keysOnly: true, consistent: true }
    for await (const page of this.#table.query(range)) await this.#table.deleteAll(page.items.map(keyOf))
  }

  /**
   * The text of a value.
   *
   * @param known - Items that a query has brought along, by sort key: parts among them are not read again.
   * @throws {@link SessionCorruptedError} when a part is missing or the parts are not the ones that were written.
   */
  async readText(owner: ItemKey, value: StoredValue, known: ReadonlyMap<string, Item> = new Map()): Promise<string> {
    if (value.inline !== undefined) return value.inline
    const parts = partKeys(owner, value).map((key) => known.get(key.sk))
    const complete = parts.every((part) => part !== undefined) ? parts : await this.#queryParts(owner, value)
    const text = join(complete.map(parsePart), value.digest)
    if (complete.length !== value.partCount || text === undefined) {
      throw new SessionCorruptedError(owner, `has ${value.partCount} parts, of which some are missing or changed`)
    }
    return text
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

  async #queryParts(owner: ItemKey, value: StoredValue): Promise<Item[]> {
    const parts: Item[] = []
    for await (const page of this.#table.query({ pk: owner.pk, prefix: partPrefix(owner, value.digest) })) {
      parts.push(...page.items)
    }
    return parts
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
