/**
 * How long the items of a session live: what expires when, in whole seconds since the epoch. Pure.
 *
 * A session expires when it has been idle for its time to live. Its own item says when (`idleUntil`), and is refreshed
 * while the session is active; everything else is stamped with a time of its own at which DynamoDB may remove it.
 *
 * ```
 *   touched          idle for ttl         rowsUntil: no item expires before                the session's item
 *      |------ ttl ------|-slack-|- - - - - - - - - -|-- margin --| items expire |-- margin --| expires
 *      |                     idleUntil           + 2 ttl
 * ```
 *
 * A session is refreshed only to an `idleUntil` that `rowsUntil` covers, so no item of a live session ever expires.
 */

import type { Item } from './attributes.ts'
import { ATTRIBUTE } from './schema.ts'

/** Longest time to live: ten years. A longer one is most likely meant to be in milliseconds. */
export const MAX_TTL_SECONDS = 315_360_000

/**
 * How much later than needed items expire, in seconds: an hour, which covers writes that are slow and clocks that differ.
 * DynamoDB removes items up to days late, so it makes no difference otherwise.
 */
const MARGIN_SECONDS = 3600

/**
 * The end of the year 9999: when an item expires of which only that much is known that its session has, or is about to have,
 * a time to live. A reader that meets it asks the session's item.
 */
export const NEVER = 253_402_300_799

/** What the session item says of a session's time to live. */
export interface LifetimeAttributes {
  readonly ttl: number
  /** When the session expires, unless it is touched before. */
  readonly idleUntil: number
  /** No other item of the session expires before. */
  readonly rowsUntil: number
  /** When DynamoDB may remove the session item: after all others. */
  readonly expiresAt: number
}

/** What a session that is active at some time says of itself, if everything in it was written or renewed by then. */
export function lifetimeAt(at: number, ttl: number): LifetimeAttributes {
  const idleUntil = at + ttl + slackOf(ttl)
  const rowsUntil = at + 2 * ttl
  return { ttl, idleUntil, rowsUntil, expiresAt: rowsUntil + slackOf(ttl) + 2 * MARGIN_SECONDS }
}

/** When an item expires that is written or renewed at some time. */
export function itemExpiry(at: number, ttl: number): number {
  return at + 2 * ttl + MARGIN_SECONDS
}

/**
 * How long a session may be active without its item being touched, in seconds: an eighth of its time to live, at most an
 * hour. It expires that much later, because the touch stands for all that has happened since.
 */
export function slackOf(ttl: number): number {
  return Math.min(3600, Math.max(1, Math.floor(ttl / 8)))
}

/** Whether an item's time is over, so that DynamoDB may remove it at any moment: it is not there any more. */
export function isPast(item: Item, at: number): boolean {
  const expiresAt = item[ATTRIBUTE.expiresAt]
  return typeof expiresAt === 'number' && expiresAt <= at
}

/** Whether a session item says that its session has expired. */
export function hasExpired(session: Item | undefined, at: number): boolean {
  return typeof session?.idleUntil === 'number' && session.idleUntil <= at
}

/** The time to live of a session, as one writer knows it. */
export class Lifetime {
  /** What the session is to have if it has none, in seconds. */
  readonly wanted: number | undefined
  /** What the session has, as far as is known: new items expire by it. */
  ttl: number | undefined
  readonly #now: () => number

  /** @param now - Current time in milliseconds since the epoch. */
  constructor(wanted: number | undefined, now: () => number) {
    this.wanted = wanted
    this.ttl = wanted
    this.#now = now
  }

  /** When an item expires that is written now; never, if it is undefined. */
  itemExpiry(): number | undefined {
    return this.ttl === undefined ? undefined : itemExpiry(inSeconds(this.#now()), this.ttl)
  }

  /** Whether a session that was last touched at some time has certainly not expired. */
  isFresh(touchedAt: number): boolean {
    return this.ttl === undefined || inSeconds(this.#now()) < lifetimeAt(touchedAt, this.ttl).idleUntil
  }

  /** Whether the session's item is to be touched, being active now. */
  isDue(touchedAt: number, touchIntervalSeconds: number): boolean {
    if (this.ttl === undefined && this.wanted !== undefined) return true
    const interval = this.ttl === undefined ? Number.POSITIVE_INFINITY : slackOf(this.ttl)
    return inSeconds(this.#now()) - touchedAt >= Math.min(interval, touchIntervalSeconds)
  }
}

/** Milliseconds since the epoch in whole seconds. */
export function inSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000)
}
