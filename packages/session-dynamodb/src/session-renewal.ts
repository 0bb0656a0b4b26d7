/** Keeps the items of a live session from expiring: all of them at once, and seldom. */

import { keyOf } from './attributes.ts'
import { mapConcurrently } from './concurrency.ts'
import { expiresBefore } from './conditions.ts'
import type { ItemKey } from './keys.ts'
import { itemExpiry, lifetimeAt } from './lifetime.ts'
import { ATTRIBUTE } from './schema.ts'
import { listItems } from './session-removal.ts'
import type { SessionTable } from './table.ts'

/** Items that are renewed at once. */
const CONCURRENCY = 16

const TTL_NAME = { '#ttl': 'ttl' } as const

/**
 * Gives a session without a time to live one. Until its items are renewed, which `rowsUntil` asks for, some of them never
 * expire. When the session has one by now, nothing is changed.
 *
 * @param at - The time in epoch seconds.
 */
export async function adoptLifetime(table: SessionTable, session: ItemKey, at: number, ttl: number): Promise<void> {
  const { idleUntil, expiresAt } = lifetimeAt(at, ttl)
  await table.update(
    session,
    `SET #ttl = :ttl, idleUntil = :idleUntil, rowsUntil = :rowsUntil, ${ATTRIBUTE.expiresAt} = :expiresAt`,
    {
      expression: `attribute_exists(${ATTRIBUTE.partitionKey}) AND attribute_not_exists(deletedAt) AND attribute_not_exists(#ttl)`,
      names: TTL_NAME,
      values: { ':ttl': ttl, ':idleUntil': idleUntil, ':rowsUntil': 0, ':expiresAt': expiresAt },
    },
  )
}

/**
 * Puts off the expiry of every item of a session, and only then notes that it has done so. A crash on the way leaves items
 * that expire later than they need to, and the next writer begins again.
 *
 * Costs a write of each item, and three of the session's own item. It is due when the session has been active for about
 * seven eighths of its time to live since it was created or last renewed.
 *
 * @param at - The time in epoch seconds.
 */
export async function renewItems(table: SessionTable, session: ItemKey, at: number, ttl: number): Promise<void> {
  const { rowsUntil, expiresAt } = lifetimeAt(at, ttl)
  const isLive = {
    expression: '#ttl = :ttl AND idleUntil > :at AND attribute_not_exists(deletedAt)',
    names: TTL_NAME,
  }
  const values = { ':ttl': ttl, ':at': at }
  // The session's item outlives all others, so it goes first.
  const set = (name: string, value: number) =>
    table.update(session, `SET ${name} = :value`, { ...isLive, values: { ...values, ':value': value } })
  const outlives = await set(ATTRIBUTE.expiresAt, expiresAt)
  if (!outlives.written) return
  const until = itemExpiry(at, ttl)
  const due = (await listItems(table, session, [])).filter((item) => {
    const expiry = item[ATTRIBUTE.expiresAt]
    return keyOf(item).sk !== session.sk && !(typeof expiry === 'number' && expiry >= until)
  })
  await mapConcurrently(due, CONCURRENCY, (item) =>
    table.update(keyOf(item), `SET ${ATTRIBUTE.expiresAt} = :until`, expiresBefore(until)),
  )
  await set('rowsUntil', rowsUntil)
}
