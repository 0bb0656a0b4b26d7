/** The session items: creating, refreshing, finding, listing and deleting whole sessions. */

import type { Item } from './attributes.ts'
import { InvalidOptionError, SessionConflictError, SessionNotFoundError } from './errors.ts'
import { ownerKeyOf, partitionKeyOf, SESSION_SORT_KEY, sessionKey } from './keys.ts'
import { hasExpired, inSeconds, type Lifetime } from './lifetime.ts'
import type { ObjectStore } from './objects.ts'
import { ATTRIBUTE } from './schema.ts'
import {
  parseSession,
  type RefreshMode,
  type SessionFacts,
  type SessionInfo,
  type SessionWrite,
  sessionWrite,
} from './session-item.ts'
import { clearExpired, type DeleteProgress, deleteSession } from './session-removal.ts'
import { adoptLifetime, renewItems } from './session-renewal.ts'
import type { SessionTable, WriteOutcome } from './table.ts'

/** One page of an owner's sessions. */
export interface SessionPage {
  /** The most recent first. */
  readonly sessions: readonly SessionInfo[]
  /** Pass it to read the next page; absent on the last one. */
  readonly cursor?: string
}

/** What all session items of one directory share. */
export interface SessionDirectoryOptions extends SessionFacts {
  readonly table: SessionTable
  /** Where offloaded values are. */
  readonly objects?: ObjectStore | undefined
  /** Current time in milliseconds since the epoch. */
  readonly now: () => number
}

/** What a page's cursor decodes to: the last session's time and id. */
const CURSOR = /^(\d{4}-\d\d-\d\dT[\d:.]+Z) ([a-z0-9_-]{1,256})$/

/** How often a refresh is tried: what can stand in its way is an expired session, another time to live, and a renewal. */
const REFRESH_ATTEMPTS = 8

/** Sessions listed at once, unless the caller says otherwise. */
const DEFAULT_PAGE_SIZE = 20

/** The sessions of one table and tenant. */
export class SessionDirectory {
  readonly #options: SessionDirectoryOptions

  constructor(options: SessionDirectoryOptions) {
    this.#options = options
  }

  /**
   * Creates or refreshes a session's item, by itself or together with other items.
   *
   * @param mode - Whether a session that does not exist is begun, whether one that has expired is, or neither.
   * @param lifetime - What the writer knows of the session's time to live. It learns what the session has.
   * @param write - Sends the write. It is called again when what stood in its way has been seen to.
   * @returns The time to which the session was refreshed, in epoch seconds.
   * @throws {@link SessionNotFoundError} or {@link SessionConflictError}, as the mode says.
   */
  async refresh(
    sessionId: string,
    lifetime: Lifetime,
    mode: RefreshMode,
    write: (session: SessionWrite) => Promise<WriteOutcome> = (session) => this.#update(session),
  ): Promise<number> {
    for (let attempt = 0; attempt < REFRESH_ATTEMPTS; attempt++) {
      const session = sessionWrite(sessionId, this.#options, mode, lifetime.ttl ?? lifetime.wanted, this.#options.now())
      const outcome = await write(session)
      if (outcome.written) return session.at
      await this.#makeWay(session, sessionId, lifetime, mode, outcome.found)
    }
    throw this.#conflict(sessionId, 'one that others go on changing')
  }

  /** Creates a session, or refreshes the item of one that exists: when it was active, its owner and its title. */
  async create(sessionId: string, lifetime: Lifetime): Promise<void> {
    await this.refresh(sessionId, lifetime, 'begin')
  }

  /** Whether a session has expired. What is known of its time to live is brought up to date. */
  async hasExpired(sessionId: string, lifetime: Lifetime): Promise<boolean> {
    const item = await this.#options.table.get(sessionKey(sessionId, this.#options.tenantId), true)
    lifetime.ttl = item === undefined ? lifetime.wanted : parseSession(item, this.#options.tenantId).ttl
    return hasExpired(item, this.#at())
  }

  /** Reads a session's item. One that is being deleted or has expired is not there. */
  async find(sessionId: string): Promise<SessionInfo | undefined> {
    const item = await this.#options.table.get(sessionKey(sessionId, this.#options.tenantId))
    if (item === undefined || item.deletedAt !== undefined || hasExpired(item, this.#at())) return undefined
    return parseSession(item, this.#options.tenantId).info
  }

  /**
   * Lists an owner's sessions, the most recent first.
   *
   * @throws {@link InvalidOptionError} for a limit or a cursor that is none.
   */
  async list(owner: string, limit: number = DEFAULT_PAGE_SIZE, cursor?: string): Promise<SessionPage> {
    if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
      throw new InvalidOptionError('limit', limit, 'expected a whole number from 1 to 1000')
    }
    const { table, tenantId } = this.#options
    const pk = ownerKeyOf(owner, tenantId)
    const startAfter = cursor === undefined ? undefined : this.#parseCursor(cursor, pk)
    const sessions: SessionInfo[] = []
    for await (const page of table.query({ ofOwner: true, pk, descending: true, limit, startAfter })) {
      const live = page.items.filter((item) => !hasExpired(item, this.#at()))
      sessions.push(...live.map((item) => parseSession(item, tenantId).info))
      const last = sessions[limit - 1]
      if (last === undefined) continue
      const isLast = !page.more && sessions.length === limit
      return isLast ? { sessions } : { sessions: sessions.slice(0, limit), cursor: formatCursor(last) }
    }
    return { sessions }
  }

  /** Deletes every item of a session: see {@link deleteSession}. */
  async delete(sessionId: string, onProgress?: (progress: DeleteProgress) => void): Promise<void> {
    const { table, objects, tenantId, now } = this.#options
    const at = new Date(now()).toISOString()
    await deleteSession({ table, objects }, sessionKey(sessionId, tenantId), at, onProgress)
  }

  async #update({ key, expression, condition }: SessionWrite): Promise<WriteOutcome> {
    return this.#options.table.update(key, expression, condition)
  }

  /** Sees to what stood in the way of a refresh, so that it can be tried again. */
  async #makeWay(
    { key, at }: SessionWrite,
    sessionId: string,
    lifetime: Lifetime,
    mode: RefreshMode,
    found: Item | undefined,
  ): Promise<void> {
    const { table, now } = this.#options
    if (found === undefined) {
      if (mode === 'join') throw new SessionNotFoundError(sessionId)
      throw this.#conflict(sessionId, 'nothing: it was deleted')
    }
    if (hasExpired(found, at)) {
      if (mode === 'join') throw new SessionNotFoundError(sessionId)
      if (mode === 'go on') throw this.#conflict(sessionId, 'nothing: it has expired')
      return clearExpired(table, key, new Date(now()).toISOString(), at)
    }
    if (found.deletedAt !== undefined) {
      throw this.#conflict(sessionId, 'one that is being deleted; call deleteSession() again to complete it')
    }
    const { ttl } = parseSession(found, this.#options.tenantId)
    const { wanted, ttl: known } = lifetime
    if (ttl === undefined && wanted !== undefined) return adoptLifetime(table, key, at, wanted)
    lifetime.ttl = ttl
    // Items that were written without one are stamped as well.
    if (ttl !== undefined && (ttl === known || mode === 'go on')) await renewItems(table, found, at, ttl)
  }

  #at(): number {
    return inSeconds(this.#options.now())
  }

  #conflict(sessionId: string, actual: string): SessionConflictError {
    const key = SESSION_SORT_KEY
    return new SessionConflictError({ sessionId, scopeId: key, key, expected: 'a session in use', actual })
  }

  #parseCursor(cursor: string, ownerKey: string): Record<string, unknown> {
    const [, updatedAt, sessionId] = CURSOR.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
    if (updatedAt === undefined || sessionId === undefined) {
      throw new InvalidOptionError('cursor', cursor, 'expected the cursor of an earlier page')
    }
    return {
      [ATTRIBUTE.ownerKey]: ownerKey,
      [ATTRIBUTE.updatedAt]: updatedAt,
      [ATTRIBUTE.partitionKey]: partitionKeyOf(sessionId, this.#options.tenantId),
      [ATTRIBUTE.sortKey]: SESSION_SORT_KEY,
    }
  }
}

function formatCursor(session: SessionInfo): string {
  return Buffer.from(`${session.updatedAt} ${session.sessionId}`).toString('base64url')
}
