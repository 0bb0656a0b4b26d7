/** Who writes where, in which life of the session. */

import { writerOf } from './incarnation.ts'
import type { Head } from './items.ts'
import type { ScopeStore } from './shared-chunks.ts'
import type { FrozenSnapshot } from './snapshot.ts'
import type { PlannedRow } from './window.ts'

/** One writer of one agent or orchestrator. */
export interface PenOptions extends ScopeStore {
  readonly sessionId: string
  readonly scopeId: string
  /** Tells this writer from others: unique per log object. */
  readonly nonce: string
}

/** Who writes where. */
export interface Pen extends ScopeStore {
  readonly sessionId: string
  readonly scopeId: string
  readonly incarnation: string
  /** Version of the head as it is known. */
  readonly headVersion: number
  /** Name of this writer in this incarnation. */
  readonly writer: string
}

/** The pen of a writer who knows a head. */
export function penOf(options: PenOptions, { incarnation, version }: Pick<Head, 'incarnation' | 'version'>): Pen {
  const { table, values, keys, shared, sessionId, scopeId, nonce } = options
  const writer = writerOf(incarnation, nonce)
  return { table, values, keys, shared, sessionId, scopeId, incarnation, headVersion: version, writer }
}

/** @throws `ValueTooLargeError` when one of the values that a save may write is too large to be stored. */
export function checkSizes(
  { values, keys }: ScopeStore,
  { state }: FrozenSnapshot,
  rows: readonly Pick<PlannedRow, 'seq' | 'message'>[],
): void {
  values.check(keys.state(), state)
  for (const { seq, message } of rows) values.check(keys.message(seq), message.text)
}
