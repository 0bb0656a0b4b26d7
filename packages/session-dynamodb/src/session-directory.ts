/** The session items: creating, refreshing, finding, listing and deleting whole sessions. */

import { type Item, keyOf } from './attributes.ts'
import { chunksOf } from './concurrency.ts'
import { InvalidOptionError, SessionConflictError, SessionCorruptedError, SessionNotFoundError } from './errors.ts'
import type { Condition } from './expressions.ts'
import { checkFormat } from './items.ts'
import {
  ALL_SORT_KEYS,
  type ItemKey,
  isEntryPoint,
  ownerKeyOf,
  partitionKeyOf,
  SESSION_SORT_KEY,
  sessionIdOf,
  sessionKey,
} from './keys.ts'
import { ATTRIBUTE, FORMAT_VERSION } from './schema.ts'
import type { SessionTable } from './table.ts'

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
}

/** One page of an owner's sessions. */
export interface SessionPage {
  /** The most recent first. */
  readonly sessions: readonly SessionInfo[]
  /** Pass it to read the next page; absent on the last one. */
  readonly cursor?: string
}

/** How far a deletion has come. */
export interface DeleteProgress {
  /** Items deleted so far. */
  readonly deleted: number
}

/** What all session items of one directory share. */
export interface SessionDirectoryOptions {
  readonly table: SessionTable
  readonly tenantId?: string | undefined
  readonly owner?: string | undefined
  readonly title?: string | undefined
  readonly autoCreate: boolean
  /** Current time in milliseconds since the epoch. */
  readonly now: () => number
}

/** What a page's cursor decodes to: the last session's time and id. */
const CURSOR = /^(\d{4}-\d\d-\d\dT[\d:.]+Z) ([a-z0-9_-]{1,256})$/

/** Items that one transaction deletes beside the mark: DynamoDB takes 100 actions. */
const ENTRY_POINTS_AT_ONCE = 99

/** Sessions listed at once, unless the caller says otherwise. */
const DEFAULT_PAGE_SIZE = 20

/** The sessions of one table and tenant. */
export class SessionDirectory {
  readonly #options: SessionDirectoryOptions

  constructor(options: SessionDirectoryOptions) {
    this.#options = options
  }

  /** The write that creates or refreshes a session item, for a transaction or by itself. */
  refresh(
    sessionId: string,
    autoCreate = this.#options.autoCreate,
  ): { key: ItemKey; expression: string; condition: Condition } {
    const { tenantId, owner, title, now } = this.#options
    const at = new Date(now()).toISOString()
    const set = {
      v: FORMAT_VERSION,
      sessionId,
      [ATTRIBUTE.updatedAt]: at,
      ...(owner === undefined ? {} : { owner, [ATTRIBUTE.ownerKey]: ownerKeyOf(owner, tenantId) }),
      ...(title === undefined ? {} : { title }),
    }
    const names = Object.keys(set)
    const isAlive = 'attribute_not_exists(deletedAt)'
    return {
      key: sessionKey(sessionId, tenantId),
      expression: `SET createdAt = if_not_exists(createdAt, :createdAt), ${names.map((name) => `#${name} = :${name}`).join(', ')}`,
      condition: {
        expression: autoCreate ? isAlive : `attribute_exists(${ATTRIBUTE.partitionKey}) AND ${isAlive}`,
        names: Object.fromEntries(names.map((name) => [`#${name}`, name])),
        values: {
          ':createdAt': at,
          ...Object.fromEntries(Object.entries(set).map(([name, value]) => [`:${name}`, value])),
        },
      },
    }
  }

  /** The error for a refresh that was refused because of what it found. */
  refusal(sessionId: string, found: Item | undefined): SessionNotFoundError | SessionConflictError {
    if (found === undefined) return new SessionNotFoundError(sessionId)
    return deletionConflict(sessionId, 'one that is being deleted; call deleteSession() again to complete it')
  }

  /** Creates a session, or refreshes the item of one that exists. */
  async create(sessionId: string): Promise<void> {
    const { key, expression, condition } = this.refresh(sessionId, true)
    const outcome = await this.#options.table.update(key, expression, condition)
    if (!outcome.written) throw this.refusal(sessionId, outcome.found)
  }

  /** Refreshes the item of a session that exists: when it was active, its owner and its title. */
  async touch(sessionId: string): Promise<void> {
    const { key, expression, condition } = this.refresh(sessionId, false)
    const outcome = await this.#options.table.update(key, expression, condition)
    if (outcome.written) return
    throw outcome.found === undefined
      ? deletionConflict(sessionId, 'nothing: it was deleted')
      : this.refusal(sessionId, outcome.found)
  }

  /** Reads a session's item. One that is being deleted is not there. */
  async find(sessionId: string): Promise<SessionInfo | undefined> {
    const item = await this.#options.table.get(sessionKey(sessionId, this.#options.tenantId))
    return item === undefined || item.deletedAt !== undefined ? undefined : parseSession(item, this.#options.tenantId)
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
    for await (const page of table.query({ ofOwner: true, pk, descending: true, limit, startAfter })) {
      const sessions = page.items.map((item) => parseSession(item, tenantId))
      const last = sessions.at(-1)
      return page.more && last !== undefined ? { sessions, cursor: formatCursor(last) } : { sessions }
    }
    return { sessions: [] }
  }

  /**
   * Deletes every item of a session. When it fails half-way, the session reads as absent, and calling it again completes
   * the deletion.
   */
  async delete(sessionId: string, onProgress?: (progress: DeleteProgress) => void): Promise<void> {
    const { table, tenantId } = this.#options
    const session = sessionKey(sessionId, tenantId)
    const keys: ItemKey[] = []
    for await (const page of table.query({
      pk: session.pk,
      between: ALL_SORT_KEYS,
      keysOnly: true,
      consistent: true,
    })) {
      keys.push(...page.items.map(keyOf))
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
    if (others.length < keys.length) await this.#hide(session, entryPoints, count)
    else await table.deleteAll(entryPoints, count)
    await table.deleteAll(hidden, count)
    if (others.length < keys.length) await table.deleteAll([session], count)
  }

  async #hide(session: ItemKey, entryPoints: readonly ItemKey[], count: (more: number) => void): Promise<void> {
    const { table, now } = this.#options
    const mark = {
      key: session,
      expression: `SET deletedAt = :now REMOVE ${ATTRIBUTE.ownerKey}`,
      condition: {
        expression: `attribute_exists(${ATTRIBUTE.partitionKey})`,
        values: { ':now': new Date(now()).toISOString() },
      },
    }
    for (const keys of [...chunksOf(entryPoints, ENTRY_POINTS_AT_ONCE), ...(entryPoints.length === 0 ? [[]] : [])]) {
      // A mark that is refused means that another deletion of the session was faster.
      const outcome = await table.transact(mark, [], keys)
      if (outcome.written) count(keys.length)
      else await table.deleteAll(keys, count)
    }
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

function deletionConflict(sessionId: string, actual: string): SessionConflictError {
  const key = SESSION_SORT_KEY
  return new SessionConflictError({ sessionId, scopeId: key, key, expected: 'a session in use', actual })
}

/**
 * Reads a session item.
 *
 * @throws {@link SessionCorruptedError} for one that is incomplete or another session's.
 */
export function parseSession(item: Item, tenantId?: string): SessionInfo {
  checkFormat(item)
  const { sessionId, owner, title, createdAt, updatedAt } = item
  if (typeof sessionId !== 'string' || typeof createdAt !== 'string' || typeof updatedAt !== 'string') {
    throw new SessionCorruptedError(keyOf(item), 'lacks its session id, createdAt or updatedAt')
  }
  if (sessionIdOf(keyOf(item).pk, tenantId) !== sessionId) {
    throw new SessionCorruptedError(keyOf(item), 'is the item of another session')
  }
  return {
    sessionId,
    createdAt,
    updatedAt,
    ...(typeof owner === 'string' ? { owner } : {}),
    ...(typeof title === 'string' ? { title } : {}),
  }
}
