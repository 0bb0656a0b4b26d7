/** Removes whole sessions: those that somebody deletes, and what is left of those that have expired. */

import { type Item, keyOf } from './attributes.ts'
import { chunksOf, mapConcurrently } from './concurrency.ts'
import { isUnchanged } from './conditions.ts'
import { InvalidOptionError } from './errors.ts'
import { ALL_SORT_KEYS, type ItemKey, isEntryPoint } from './keys.ts'
import { hasExpired } from './lifetime.ts'
import type { ObjectStore } from './objects.ts'
import { ATTRIBUTE } from './schema.ts'
import type { SessionTable } from './table.ts'

/** How far a deletion has come. */
export interface DeleteProgress {
  /** Items deleted so far. */
  readonly deleted: number
}

/** Items that one transaction deletes beside the mark: DynamoDB takes 100 actions. */
const ENTRY_POINTS_AT_ONCE = 99

/** Leftovers that are deleted at once. */
const CONCURRENCY = 16

/** How often leftovers are looked for that a late writer goes on changing. */
const ROUNDS = 5

/**
 * Deletes every item of a session. When it fails half-way, the session reads as absent, and calling it again completes the
 * deletion.
 *
 * @param session - Key of the session's item.
 * @param now - The time, ISO 8601.
 * @throws {@link InvalidOptionError} when values of the session are offloaded, and it is not said where.
 */
export async function deleteSession(
  { table, objects }: { readonly table: SessionTable; readonly objects?: ObjectStore | undefined },
  session: ItemKey,
  now: string,
  onProgress?: (progress: DeleteProgress) => void,
): Promise<void> {
  const items = await listItems(table, session, ['object'])
  const keys = items.map(keyOf)
  const names = items.flatMap(({ object }) => (typeof object === 'string' ? [object] : []))
  if (objects === undefined && names.length > 0) {
    throw new InvalidOptionError('offload', undefined, `expected the bucket of the session's ${names.length} objects`)
  }
  let deleted = 0
  const count = (more: number): void => {
    deleted += more
    onProgress?.({ deleted })
  }
  const others = keys.filter(({ sk }) => sk !== session.sk)
  const entryPoints = others.filter(({ sk }) => isEntryPoint(sk))
  const hidden = others.filter(({ sk }) => !isEntryPoint(sk))
  // The session is marked, and made to read as absent, in one step; its item goes last. In between nobody mistakes what
  // is left for a session, or starts one on top of it.
  if (others.length < keys.length) await hide(table, session, now, entryPoints, count)
  else await table.deleteAll(entryPoints, count)
  // Those that items name, and those that a crash has left. Before the items, so that a second try finds them.
  await objects?.delete(names)
  await objects?.deleteAll(session.pk)
  await table.deleteAll(hidden, count)
  if (others.length < keys.length) await table.deleteAll([session], count)
}

async function hide(
  table: SessionTable,
  session: ItemKey,
  now: string,
  entryPoints: readonly ItemKey[],
  count: (more: number) => void,
): Promise<void> {
  const mark = markOf(session, `attribute_exists(${ATTRIBUTE.partitionKey})`, { ':now': now })
  for (const keys of [...chunksOf(entryPoints, ENTRY_POINTS_AT_ONCE), ...(entryPoints.length === 0 ? [[]] : [])]) {
    // A mark that is refused means that another deletion of the session was faster.
    const outcome = await table.transact(mark, [], keys)
    if (outcome.written) count(keys.length)
    else await table.deleteAll(keys, count)
  }
}

/**
 * Deletes what an expired session has left, its item last, so that a new one can begin under the same id.
 *
 * Several processes may do so at once, or one after another has begun a new session already: the mark is set only on an
 * expired session, and each item is deleted only while it is still the one that was listed, so nothing newer is hit.
 *
 * @param at - The time in epoch seconds.
 * @returns Once the session is gone, or not an expired one any more.
 */
export async function clearExpired(table: SessionTable, session: ItemKey, now: string, at: number): Promise<void> {
  const mark = markOf(session, 'idleUntil <= :at', { ':now': now, ':at': at })
  const marked = await table.update(mark.key, mark.expression, mark.condition)
  if (!marked.written) return
  for (let round = 0; round < ROUNDS; round++) {
    const items = await listItems(table, session, ['sum', 'idleUntil', 'deletedAt'])
    const item = items.find((each) => keyOf(each).sk === session.sk)
    if (item?.deletedAt === undefined || !hasExpired(item, at)) return
    const others = items.filter((each) => each !== item)
    await mapConcurrently(others, CONCURRENCY, (each) => table.delete(keyOf(each), isUnchanged(each)))
    if (others.length > 0) continue
    const stillMarked = { expression: 'idleUntil <= :at AND attribute_exists(deletedAt)', values: { ':at': at } }
    await table.delete(session, stillMarked)
    return
  }
}

/** The write that marks a session as being deleted, and takes it out of its owner's list. */
function markOf(key: ItemKey, expression: string, values: Readonly<Record<string, unknown>>) {
  return {
    key,
    expression: `SET deletedAt = :now REMOVE ${ATTRIBUTE.ownerKey}`,
    condition: { expression, values },
  }
}

/** All items of a session, those that have expired too: their keys and some of their attributes. */
export async function listItems(
  table: SessionTable,
  { pk }: ItemKey,
  attributes: readonly string[],
): Promise<readonly Item[]> {
  const items: Item[] = []
  const range = { pk, between: ALL_SORT_KEYS, keysOnly: true, attributes, withPast: true, consistent: true }
  for await (const page of table.query(range)) items.push(...page.items)
  return items
}
