/** Deletes the shared chunks that nothing refers to any more, so that what was redacted is nowhere. */

import { type Item, keyOf, type ValuePlace } from './attributes.ts'
import { referencesIn } from './chunks.ts'
import { parseChunk, parseValue } from './items.ts'
import { chunkOf, partOwnerOf } from './keys.ts'
import { parseRows, readWhole } from './log-reader.ts'
import type { Pen } from './pen.ts'

/**
 * Deletes chunks that neither a row nor an immutable snapshot's state refers to. Reads the whole log and all of them.
 *
 * @param version - Version of the head that was written before: a chunk that somebody has written for it is in use.
 */
export async function sweepChunks(pen: Pen, version: number): Promise<void> {
  const { keys, values, incarnation } = pen
  const chunkItems = await readWhole(pen, { prefix: keys.chunk(incarnation, '').sk })
  const chunks = new Map<string, ValuePlace>()
  for (const item of chunkItems.values()) {
    const digest = chunkOf(keyOf(item).sk)?.digest
    if (digest !== undefined) chunks.set(digest, parseChunk(item).value)
  }
  // A deletion that was cut short has left them. Whoever is about to write their chunk finds another head, and does it again.
  const lost = [...chunkItems.values()].map(keyOf).filter(({ sk }) => {
    const owner = partOwnerOf(sk)?.owner
    return owner !== undefined && !chunkItems.has(owner)
  })
  await pen.table.deleteAll(lost)
  if (chunks.size === 0) return
  const log = await readWhole(pen, { between: [keys.message(1).sk, keys.head().sk] })
  const states = await readWhole(pen, { prefix: keys.snapshotStatePrefix })

  const reached = new Set<string>()
  const reach = async (item: Item | undefined, items: ReadonlyMap<string, Item>): Promise<void> => {
    if (item === undefined) return
    const value = parseValue(item)
    // A chunk that does not fit its item is one string: what refers to others is small.
    if (items === chunkItems && value.inline === undefined) return
    const text = await values.readText(keyOf(item), value, items)
    const fresh = referencesIn(text).filter((digest) => !reached.has(digest))
    for (const digest of fresh) reached.add(digest)
    for (const digest of fresh) await reach(chunkItems.get(keys.chunk(incarnation, digest).sk), chunkItems)
  }
  for (const seq of parseRows(keys, incarnation, log).keys()) await reach(log.get(keys.message(seq).sk), log)
  for (const [sk, item] of states) if (partOwnerOf(sk) === undefined) await reach(item, states)

  const unused = [...chunks].filter(([digest]) => !reached.has(digest))
  await pen.shared.spaceOf(incarnation).drop(unused, version - 1)
}
