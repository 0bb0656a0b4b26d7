/** Redaction: the one thing that overwrites rows. Afterwards no row and no part holds the old text. */

import { type Item, keyOf, type ValuePlace } from './attributes.ts'
import { cutState, outline, type Rope } from './chunks.ts'
import { mapConcurrently } from './concurrency.ts'
import { exists } from './conditions.ts'
import { type MessageRow, parseValue } from './items.ts'
import { type ItemKey, partOwnerOf } from './keys.ts'
import { parseRows, readWhole } from './log-reader.ts'
import { entryOfRow, putRow } from './log-writer.ts'
import { trackingIdOf } from './messages.ts'
import type { Pen } from './pen.ts'
import { bySortKey, parseJson } from './values.ts'
import type { LiveMessage, LogEntry } from './window.ts'

/** Rows that are read or overwritten at once. */
const CONCURRENCY = 8

/** A message that is redacted. */
export interface Redaction {
  /** What takes its place. */
  readonly message: LiveMessage
  /** References of the entries that a context manager's stash had made of it. */
  readonly stashReferences: readonly string[]
}

/** Messages that are redacted, by tracking id. */
export type Redactions = ReadonlyMap<string, Redaction>

/**
 * Overwrites every row of some messages that holds another text than the live snapshot, and deletes parts that no row
 * names. It reads the whole log, because rows that no window sees may hold their text: earlier versions, copies for
 * immutable snapshots, and what a failed save has left. That is rare, and the only way to be sure.
 *
 * @param redacted - The messages.
 * @param live - Messages of the snapshot: what they hold stays.
 * @returns The overwritten rows as they are now.
 */
export async function redactRows(
  pen: Pen,
  redacted: Redactions,
  live: readonly LiveMessage[],
  createdAt: string,
): Promise<readonly { entry: LogEntry; place: ValuePlace }[]> {
  if (redacted.size === 0) return []
  const current = new Set(
    [...live, ...[...redacted.values()].map(({ message }) => message)].map(({ digest }) => digest),
  )
  const items = await readWhole(pen, { between: [pen.keys.message(1).sk, pen.keys.head().sk] })
  const rows = [...parseRows(pen.keys, pen.incarnation, items).values()]

  const overwritten = await mapConcurrently(rows, CONCURRENCY, async (row) => {
    if (current.has(row.digest)) return undefined
    const key = pen.keys.message(row.seq)
    const trackingId = trackingIdOf(parseJson(key, outline(await pen.values.readText(key, row.value, items))))
    const redaction = trackingId === undefined ? undefined : redacted.get(trackingId)
    return redaction && overwrite(pen, row, redaction.message, createdAt)
  })
  const changed = overwritten.filter((entry) => entry !== undefined)
  const digests = [
    ...rows.map((row) => [pen.keys.message(row.seq).sk, row.value.digest] as const),
    ...changed.map(({ entry, place }) => [pen.keys.message(entry.seq).sk, place.digest] as const),
  ]
  await deleteStrayParts(pen, items, new Map(digests))
  return changed
}

/** Removes stash entries from the stored states of immutable snapshots. The latest state comes from the live stash. */
export async function redactStates(pen: Pen, redacted: Redactions): Promise<void> {
  const references = [...redacted.values()].flatMap(({ stashReferences }) => stashReferences)
  if (references.length === 0) return
  const range = { pk: pen.keys.pk, prefix: pen.keys.snapshotStatePrefix, consistent: true }
  for await (const page of pen.table.query(range)) {
    const items = bySortKey(page.items)
    await mapConcurrently(page.items.filter(isOwner), CONCURRENCY, async (item) => {
      const key = keyOf(item)
      const old = parseValue(item)
      const left = withoutEntries(parseJson(key, await pen.shared.read(pen.incarnation, key, old, items)), references)
      const { digest } = left === undefined ? old : await save(pen, key, cutState(left))
      await deleteStrayParts(pen, items, new Map([[key.sk, digest]]))
      if (old.object !== undefined && digest !== old.digest) await pen.values.discard(key, old)
    })
  }
}

/** Writes a text, and before it the chunks that it refers to. */
async function save(pen: Pen, key: ItemKey, { text, chunks }: Rope): Promise<ValuePlace> {
  return pen.shared.keep(pen, chunks, () => pen.values.save(key, text))
}

function isOwner(item: Item): boolean {
  return partOwnerOf(keyOf(item).sk) === undefined
}

/** A state's JSON without some stash entries, or undefined when it has none of them. */
function withoutEntries(state: unknown, references: readonly string[]): string | undefined {
  const entries = ['data', 'stash', 'entries'].reduce<unknown>(
    (value, name) => (typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined),
    state,
  )
  if (typeof entries !== 'object' || entries === null) return undefined
  const found = references.filter((reference) => Object.hasOwn(entries, reference))
  for (const reference of found) Reflect.deleteProperty(entries, reference)
  return found.length === 0 ? undefined : JSON.stringify(state)
}

async function overwrite(pen: Pen, row: MessageRow, message: LiveMessage, createdAt: string) {
  const { seq, detached, replaces, turn, value } = row
  const planned = { seq, message, detached, replaces }
  const unswept = row.digest === value.digest ? row.unswept : pen.headVersion
  const facts = { createdAt, turn, unswept, stale: value.object?.name ?? row.stale }
  const place = await putRow(pen, planned, facts, exists, 'the message to redact')
  // A crash before this leaves the name in the row: the next process deletes the object.
  if (value.object !== undefined) await pen.values.discardObjects([value.object.name])
  return { entry: entryOfRow(pen, planned, turn), place }
}

/** Deletes parts of items that name another value by now. Parts without their item are left: it may be on its way. */
async function deleteStrayParts(
  pen: Pen,
  items: ReadonlyMap<string, Item>,
  named: ReadonlyMap<string, string>,
): Promise<void> {
  const stray = [...items.values()].map(keyOf).filter(({ sk }) => {
    const part = partOwnerOf(sk)
    const digest = part && named.get(part.owner)
    return digest !== undefined && digest !== part?.digest
  })
  if (stray.length > 0) await pen.table.deleteAll(stray)
}
