/** Redaction: the one thing that overwrites rows. Afterwards no row and no part holds the old text. */

import { type Item, keyOf } from './attributes.ts'
import { encode } from './codec.ts'
import { mapConcurrently } from './concurrency.ts'
import { exists } from './conditions.ts'
import { type MessageRow, messageItem, parseValue, trackingIdOf } from './items.ts'
import { partOwnerOf } from './keys.ts'
import { parseRows } from './log-reader.ts'
import { conflict, entryOfRow, type Pen } from './log-writer.ts'
import { bySortKey, parseJson, readText, saveValue, writeParts } from './values.ts'
import type { LiveMessage, LogEntry } from './window.ts'

/** Rows that are read or overwritten at once. */
const CONCURRENCY = 8

/** Messages that are redacted, by tracking id, each with the references of its stash entries. */
export type Redactions = ReadonlyMap<string, readonly string[]>

/**
 * Overwrites every row of some messages that holds another text than the live snapshot, and deletes parts that no row
 * names. It reads the log from where the messages first appear, because rows that no window sees may hold their text:
 * earlier versions, copies for immutable snapshots, and what a failed save has left.
 *
 * @param redacted - The messages.
 * @param live - Messages of the snapshot, which hold the redacted texts.
 * @param known - Rows that are known; the messages' own among them say where to start.
 * @returns Whether the snapshot holds a redacted message, and the overwritten rows as they are now.
 */
export async function redactRows(
  pen: Pen,
  redacted: Redactions,
  live: readonly LiveMessage[],
  known: Iterable<LogEntry>,
  createdAt: string,
): Promise<{ isRedaction: boolean; changed: readonly LogEntry[] }> {
  const texts = new Map<string, LiveMessage>()
  for (const message of live) {
    if (message.trackingId !== undefined && redacted.has(message.trackingId)) texts.set(message.trackingId, message)
  }
  if (texts.size === 0) return { isRedaction: false, changed: [] }
  const current = new Set(live.map((message) => message.digest))
  const items = await readFrom(pen, firstOf(redacted, known))
  const rows = [...parseRows(pen.keys, pen.incarnation, items).values()]

  const overwritten = await mapConcurrently(rows, CONCURRENCY, async (row) => {
    if (current.has(row.value.digest)) return undefined
    const key = pen.keys.message(row.seq)
    const trackingId = trackingIdOf(parseJson(key, await readText(pen.table, key, row.value, items)))
    const message = trackingId === undefined ? undefined : texts.get(trackingId)
    return message && overwrite(pen, row, message, createdAt)
  })
  const changed = overwritten.filter((entry) => entry !== undefined)
  const digests = [
    ...rows.map((row) => [pen.keys.message(row.seq).sk, row.value.digest] as const),
    ...changed.map((entry) => [pen.keys.message(entry.seq).sk, entry.digest] as const),
  ]
  await deleteStrayParts(pen, items, new Map(digests))
  return { isRedaction: true, changed }
}

/** Removes stash entries from the stored states of immutable snapshots. The latest state comes from the live stash. */
export async function redactStates(pen: Pen, references: readonly string[]): Promise<void> {
  if (references.length === 0) return
  const range = { pk: pen.keys.pk, prefix: pen.keys.snapshotStatePrefix, consistent: true }
  for await (const page of pen.table.query(range)) {
    const items = bySortKey(page.items)
    await mapConcurrently(page.items.filter(isOwner), CONCURRENCY, async (item) => {
      const key = keyOf(item)
      const old = parseValue(item)
      const text = withoutEntries(parseJson(key, await readText(pen.table, key, old, items)), references)
      const value = text === undefined ? undefined : encode(text)
      if (value !== undefined) await saveValue(pen.table, key, value)
      await deleteStrayParts(pen, items, new Map([[key.sk, value?.digest ?? old.digest]]))
    })
  }
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

/** Where the messages first appear in the log; its start when they are not among the rows that are known. */
function firstOf(redacted: Redactions, known: Iterable<LogEntry>): number {
  const firsts = new Map<string, number>()
  for (const { trackingId, seq, replaces } of known) {
    if (trackingId === undefined || !redacted.has(trackingId)) continue
    firsts.set(trackingId, Math.min(firsts.get(trackingId) ?? seq, seq, ...replaces))
  }
  return firsts.size < redacted.size ? 1 : Math.min(...firsts.values())
}

async function readFrom(pen: Pen, first: number): Promise<Map<string, Item>> {
  const items: Item[] = []
  const between = [pen.keys.message(first).sk, pen.keys.head().sk] as const
  const range = { pk: pen.keys.pk, between, consistent: true }
  for await (const page of pen.table.query(range)) items.push(...page.items)
  return bySortKey(items)
}

async function overwrite(pen: Pen, row: MessageRow, message: LiveMessage, createdAt: string): Promise<LogEntry> {
  const { seq, detached, replaces, turn } = row
  const key = pen.keys.message(seq)
  const value = encode(message.text)
  await writeParts(pen.table, key, value)
  const planned = { seq, message, detached, replaces }
  const item = messageItem(key, planned, value, { writer: pen.writer, createdAt, turn })
  const outcome = await pen.table.put(item, exists)
  if (!outcome.written) throw conflict(pen, key, 'the message to redact', outcome.found)
  return entryOfRow(pen, planned, turn)
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
