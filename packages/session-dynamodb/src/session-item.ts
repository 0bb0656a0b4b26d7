/** The session item: what it says of its session, and the write that keeps it up to date. Pure. */

import { type Item, keyOf } from './attributes.ts'
import { SessionCorruptedError } from './errors.ts'
import type { Condition } from './expressions.ts'
import { checkFormat } from './items.ts'
import { type ItemKey, ownerKeyOf, sessionIdOf, sessionKey } from './keys.ts'
import { inSeconds, lifetimeAt } from './lifetime.ts'
import { ATTRIBUTE, FORMAT_VERSION } from './schema.ts'

/** What a session item says. */
export interface SessionInfo {
  readonly sessionId: string
  /** User whom the session belongs to. */
  readonly owner?: string
  readonly title?: string
  /** ISO 8601. */
  readonly createdAt: string
  /** When the session was last active, ISO 8601; up to `touchIntervalSeconds` behind. */
  readonly updatedAt: string
  /** When the session expires unless it is used before, ISO 8601; absent when it does not. */
  readonly expiresAt?: string
}

/** What a writer says of its session. */
export interface SessionFacts {
  readonly tenantId?: string | undefined
  readonly owner?: string | undefined
  readonly title?: string | undefined
}

/** Who refreshes a session: one who may begin it, one who joins a session that there is, or one who has been using it. */
export type RefreshMode = 'begin' | 'join' | 'go on'

/** The write that creates or refreshes a session's item. */
export interface SessionWrite {
  readonly key: ItemKey
  readonly expression: string
  readonly condition: Condition
  /** The time to which it refreshes the session, in epoch seconds. */
  readonly at: number
}

/** The write that creates or refreshes a session's item, at a time in milliseconds since the epoch. */
export function sessionWrite(
  sessionId: string,
  options: SessionFacts,
  mode: RefreshMode,
  ttl: number | undefined,
  now: number,
): SessionWrite {
  const { tenantId, owner, title } = options
  const at = inSeconds(now)
  const time = new Date(now).toISOString()
  const lifetime = ttl === undefined ? undefined : lifetimeAt(at, ttl)
  const set = {
    v: FORMAT_VERSION,
    sessionId,
    [ATTRIBUTE.updatedAt]: time,
    ...(owner === undefined ? {} : { owner, [ATTRIBUTE.ownerKey]: ownerKeyOf(owner, tenantId) }),
    ...(title === undefined ? {} : { title }),
    ...(lifetime && { ttl, idleUntil: lifetime.idleUntil, [ATTRIBUTE.expiresAt]: lifetime.expiresAt }),
  }
  const names = Object.keys(set)
  const first = ['createdAt = if_not_exists(createdAt, :createdAt)']
  if (lifetime !== undefined) first.push('rowsUntil = if_not_exists(rowsUntil, :rowsUntil)')
  return {
    at,
    key: sessionKey(sessionId, tenantId),
    expression: `SET ${[...first, ...names.map((name) => `#${name} = :${name}`)].join(', ')}`,
    condition: {
      expression: refreshable(mode, ttl),
      names: { '#ttl': 'ttl', ...Object.fromEntries(names.map((name) => [`#${name}`, name])) },
      values: {
        ':createdAt': time,
        ...(lifetime && { ':rowsUntil': lifetime.rowsUntil, ':at': at }),
        ...Object.fromEntries(Object.entries(set).map(([name, value]) => [`:${name}`, value])),
      },
    },
  }
}

/**
 * Reads a session item.
 *
 * @throws {@link SessionCorruptedError} for one that is incomplete or another session's.
 */
export function parseSession(item: Item, tenantId?: string): { info: SessionInfo; ttl: number | undefined } {
  checkFormat(item)
  const { sessionId, owner, title, createdAt, updatedAt, idleUntil, ttl } = item
  if (typeof sessionId !== 'string' || typeof createdAt !== 'string' || typeof updatedAt !== 'string') {
    throw new SessionCorruptedError(keyOf(item), 'lacks its session id, createdAt or updatedAt')
  }
  if (sessionIdOf(keyOf(item).pk, tenantId) !== sessionId) {
    throw new SessionCorruptedError(keyOf(item), 'is the item of another session')
  }
  const info = {
    sessionId,
    createdAt,
    updatedAt,
    ...(typeof owner === 'string' ? { owner } : {}),
    ...(typeof title === 'string' ? { title } : {}),
    ...(typeof idleUntil === 'number' ? { expiresAt: new Date(idleUntil * 1000).toISOString() } : {}),
  }
  return { info, ttl: typeof ttl === 'number' ? ttl : undefined }
}

/** When a session's item may be refreshed to a time that its other items last for. */
function refreshable(mode: RefreshMode, ttl: number | undefined): string {
  const exists = `attribute_exists(${ATTRIBUTE.partitionKey})`
  const isAlive = 'attribute_not_exists(deletedAt)'
  if (ttl === undefined)
    return [...(mode === 'begin' ? [] : [exists]), isAlive, 'attribute_not_exists(#ttl)'].join(' AND ')
  const lasts = `${isAlive} AND #ttl = :ttl AND idleUntil > :at AND rowsUntil >= :idleUntil`
  return mode === 'begin' ? `attribute_not_exists(${ATTRIBUTE.partitionKey}) OR (${lasts})` : lasts
}
