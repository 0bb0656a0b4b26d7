/** `listSessions`: a user's sessions, the most recent first. */

import { InvalidOptionError } from './errors.ts'
import type { TableOptions } from './options.ts'
import { parseTableOptions } from './parse-options.ts'
import { SessionDirectory, type SessionPage } from './session-directory.ts'
import { SessionTable } from './table.ts'

/** Options of {@link listSessions}. */
export interface ListSessionsOptions extends TableOptions {
  /** User whose sessions to list: the `owner` that the managers were given. */
  readonly owner: string
  /** Most sessions to return, 1 to 1,000. @defaultValue 20 */
  readonly limit?: number | undefined
  /** `cursor` of the page before. @defaultValue none: the first page */
  readonly cursor?: string | undefined
}

/**
 * Lists a user's sessions, the most recent first, in one request that reads only the sessions of the page. The index is
 * eventually consistent: a session that has just been created may be missing for a moment.
 *
 * @throws `InvalidOptionError` for an option that is wrong.
 */
export async function listSessions(options: ListSessionsOptions): Promise<SessionPage> {
  const { table, tenantId } = parseTableOptions(options)
  const { owner, limit, cursor } = options
  if (cursor !== undefined && typeof cursor !== 'string') {
    throw new InvalidOptionError('cursor', cursor, 'expected the cursor of an earlier page')
  }
  const directory = new SessionDirectory({ table: new SessionTable(table), tenantId, now: Date.now })
  return directory.list(owner, limit, cursor)
}
