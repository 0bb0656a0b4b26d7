/** Makes a scope's log exist: the session, the head and the state, all or nothing. */

import { cutState } from './chunks.ts'
import { incarnationAt } from './incarnation.ts'
import type { Head } from './items.ts'
import { createState } from './latest-state.ts'
import { createScope } from './log-writer.ts'
import type { Retention } from './options.ts'
import { checkSizes, type PenOptions, penOf } from './pen.ts'
import type { FrozenSnapshot } from './snapshot.ts'
import type { Known, StoredLogOptions } from './stored-log.ts'

/** What a new log is made with. */
export interface NewLogOptions extends PenOptions, Pick<StoredLogOptions, 'directory' | 'autoCreate' | 'lifetime'> {
  /** Which rows are kept. */
  readonly retention: Retention
  /** Current time in milliseconds since the epoch. */
  readonly now: () => number
}

/**
 * Creates a log without messages.
 *
 * @param withLatest - Whether the latest snapshot is saved, and not only an immutable one.
 */
export async function createLog(options: NewLogOptions, snapshot: FrozenSnapshot, withLatest: boolean): Promise<Known> {
  const { directory, sessionId, now, autoCreate, lifetime, retention } = options
  const { createdAt } = snapshot
  const window = withLatest && snapshot.messages !== undefined ? [] : undefined
  const stateVersion = withLatest ? 1 : 0
  const rows = (snapshot.messages ?? []).map((message, index) => ({ seq: index + 1, message }))
  checkSizes(options, snapshot, rows)
  const created: Known[] = []
  await directory.refresh(sessionId, lifetime, autoCreate ? 'begin' : 'join', async (session) => {
    // Taken after the session's own time: its first incarnation is never older than the session itself.
    const incarnation = incarnationAt(now())
    const pen = penOf(options, { incarnation, version: 1 })
    const { writer } = pen
    const touchedAt = session.at
    const { ttl } = lifetime
    const versions = { version: 1, last: 0, settled: 0, stateVersion }
    const pruned = retention === 'window' ? 0 : undefined
    const head: Head = { ...versions, incarnation, writer, window, createdAt, touchedAt, ttl, pruned }
    const facts = { version: 1, writer, last: 0, createdAt, digest: snapshot.stateDigest }
    const newState = withLatest ? { ...cutState(snapshot.state), facts } : undefined
    const { outcome, state } = await createState(pen, newState, () => createScope(pen, session, head, newState))
    created[0] = { head, window, last: 0, stateVersion, state, hasCutRedaction: false, newest: undefined, touchedAt }
    return outcome
  })
  return created[0] as Known
}
