/** Keeps the items of a live session from expiring: all of them at once, and seldom. */

import { type Item, keyOf } from './attributes.ts'
import { mapConcurrently } from './concurrency.ts'
import { expiresBefore } from './conditions.ts'
import { type ItemKey, isEntryPoint } from './keys.ts'
import { itemExpiry, lifetimeAt, NEVER } from './lifetime.ts'
import { ATTRIBUTE } from './schema.ts'
import { listItems } from './session-removal.ts'
import type { SessionTable } from './table.ts'

/** Items that are renewed at once. */
const CONCURRENCY = 16

const TTL_NAME = { '#ttl': 'ttl' } as const

const neverExpires = {
  expression: `attribute_exists(${ATTRIBUTE.partitionKey}) AND attribute_not_exists(${ATTRIBUTE.expiresAt})`,
  values: { ':never': NEVER },
}

/**
 * Gives a session without a time to live one. Until its items are renewed, which `rowsUntil` asks for, some of them never
 * expire, the session's own among them. Whatever a crash leaves of that, no agent outlives its session: the heads say before
 * that the session's item is to be asked. When the session has a time to live by now, nothing else is changed.
 *
 * @param at - The time in epoch seconds.
 */
export async function adoptLifetime(table: SessionTable, session: ItemKey, at: number, ttl: number): Promise<void> {
  const heads = (await listItems(table, session, [])).filter((item) => isEntryPoint(keyOf(item).sk))
  await mapConcurrently(heads, CONCURRENCY, (item) =>
    table.update(keyOf(item), `SET ${ATTRIBUTE.expiresAt} = :never`, neverExpires),
  )
  const { idleUntil } = lifetimeAt(at, ttl)
  await table.update(session, 'SET #ttl = :ttl, idleUntil = :idleUntil, rowsUntil = :rowsUntil', {
    expression: `attribute_exists(${ATTRIBUTE.partitionKey}) AND attribute_not_exists(deletedAt) AND attribute_not_exists(#ttl)`,
    names: TTL_NAME,
    values: { ':ttl': ttl, ':idleUntil': idleUntil, ':rowsUntil': 0 },
  })
}

/**
 * Puts off the expiry of every item of a session, and only then notes that it has done so. A crash on the way leaves items
 * that expire later than they need to, and the next writer begins again.
 *
 * Costs a write of each item, and three of the session's own item. It is due when the session has been active for about
 * seven eighths of its time to live since it was created or last renewed.
 *
 * @param found - The session's item as it was found.
 * @param at - The time in epoch seconds.
 */
export async function renewItems(table: SessionTable, found: Item, at: number, ttl: number): Promise<void> {
  const session = keyOf(found)
  const { rowsUntil, expiresAt } = lifetimeAt(at, ttl)
  const isLive = {
    expression: '#ttl = :ttl AND idleUntil > :at AND attribute_not_exists(deletedAt)',
    names: TTL_NAME,
  }
  const set = (expression: string, values: Readonly<Record<string, number>>) =>
    table.update(session, `SET ${expression}`, { ...isLive, values: { ':ttl': ttl, ':at': at, ...values } })
  const outlive = `${ATTRIBUTE.expiresAt} = :expiresAt`
  // The session's item outlives all others. Its expiry is put off first, and if it has none yet, it is given one last.
  if (found[ATTRIBUTE.expiresAt] !== undefined) {
    const outlives = await set(outlive, { ':expiresAt': expiresAt })
    if (!outlives.written) return
  }
  const until = itemExpiry(at, ttl)
  const due = (await listItems(table, session, [])).filter((item) => {
    const expiry = item[ATTRIBUTE.expiresAt]
    if (keyOf(item).sk === session.sk) return false
    if (typeof expiry !== 'number' || expiry === NEVER) return true
    // What is past its expiry is an earlier session's, and must not come back: of a live one nothing is.
    return expiry > at && expiry < until
  })
  await mapConcurrently(due, CONCURRENCY, (item) =>
    table.update(keyOf(item), `SET ${ATTRIBUTE.expiresAt} = :until`, expiresBefore(until)),
  )
  await set(`rowsUntil = :rowsUntil, ${outlive}`, { ':rowsUntil': rowsUntil, ':expiresAt': expiresAt })
}
