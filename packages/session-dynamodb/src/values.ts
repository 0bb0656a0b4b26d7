/** Values of any size in the table: a value that does not fit its item is written as parts before the item is. */

import { type Item, keyOf, type StoredValue } from './attributes.ts'
import { type EncodedValue, join } from './codec.ts'
import { SessionCorruptedError } from './errors.ts'
import { parsePart, parseValue, partItem, valueItem } from './items.ts'
import { type ItemKey, partKey, partPrefix } from './keys.ts'
import type { SessionTable } from './table.ts'

/**
 * Writes the parts of a value. The item that owns them is written afterwards, by the caller: until then no reader looks
 * for them.
 */
export async function writeParts(table: SessionTable, owner: ItemKey, value: EncodedValue): Promise<void> {
  await table.putAll(value.parts.map((bytes, index) => partItem(partKey(owner, value.digest, index), bytes)))
}

/** Deletes the parts of a value that its item no longer names. */
export async function deleteParts(
  table: SessionTable,
  owner: ItemKey,
  value: Pick<StoredValue, 'digest' | 'partCount'>,
): Promise<void> {
  const keys = Array.from({ length: value.partCount }, (_, index) => partKey(owner, value.digest, index))
  if (keys.length > 0) await table.deleteAll(keys)
}

/**
 * The text of a value.
 *
 * @param known - Items that a query has brought along, by sort key: parts among them are not read again.
 * @throws {@link SessionCorruptedError} when a part is missing or the parts are not the ones that were written.
 */
export async function readText(
  table: SessionTable,
  owner: ItemKey,
  value: StoredValue,
  known: ReadonlyMap<string, Item> = new Map(),
): Promise<string> {
  if (value.inline !== undefined) return value.inline
  const keys = Array.from({ length: value.partCount }, (_, index) => partKey(owner, value.digest, index))
  const parts = keys.map((key) => known.get(key.sk))
  const complete = parts.every((part) => part !== undefined) ? parts : await queryParts(table, owner, value)
  const text = join(complete.map(parsePart), value.digest)
  if (complete.length !== value.partCount || text === undefined) {
    throw new SessionCorruptedError(owner, `has ${value.partCount} parts, of which some are missing or changed`)
  }
  return text
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

/** Reads the value of an item that holds nothing else, or undefined when there is no such item. */
export async function loadValue(table: SessionTable, key: ItemKey): Promise<unknown> {
  const item = await table.get(key)
  return item === undefined ? undefined : parseJson(key, await readText(table, key, parseValue(item)))
}

/** Writes an item that holds nothing but a value. */
export async function saveValue(table: SessionTable, key: ItemKey, value: EncodedValue): Promise<void> {
  await writeParts(table, key, value)
  await table.put(valueItem(key, value))
}

/** Items by sort key. */
export function bySortKey(items: readonly Item[]): Map<string, Item> {
  return new Map(items.map((item) => [keyOf(item).sk, item]))
}

async function queryParts(table: SessionTable, owner: ItemKey, value: StoredValue): Promise<Item[]> {
  const parts: Item[] = []
  for await (const page of table.query({ pk: owner.pk, prefix: partPrefix(owner, value.digest) })) {
    parts.push(...page.items)
  }
  return parts
}
