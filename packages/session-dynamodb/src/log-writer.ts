/** Writes the log: each function is one guarded write, which changes what its writer expects or nothing at all. */

import type { Item, ValuePlace } from './attributes.ts'
import { mapConcurrently } from './concurrency.ts'
import { canAdvance, canAppend, canCreate, isBy, isPrunedTo } from './conditions.ts'
import { SessionConflictError } from './errors.ts'
import {
  closesTurn,
  type Head,
  headItem,
  messageFrame,
  type RowFacts,
  type SnapshotMark,
  type State,
  snapshotItem,
  stateFrame,
} from './items.ts'
import type { ItemKey, ScopeKeys } from './keys.ts'
import type { SessionWrite } from './session-item.ts'
import type { SessionTable, WriteOutcome } from './table.ts'
import type { ValueStore } from './values.ts'
import type { LogEntry, PlannedRow, TurnMark } from './window.ts'

/** Rows that are written at once where their order does not matter. */
const CONCURRENCY = 8

/** Who writes where. */
export interface Pen {
  readonly table: SessionTable
  readonly values: ValueStore
  readonly keys: ScopeKeys
  readonly sessionId: string
  readonly scopeId: string
  readonly incarnation: string
  /** Name of this writer in this incarnation. */
  readonly writer: string
}

/**
 * Writes new rows: a tail one by one, so that it never has a hole, and staged rows several at once.
 *
 * @param onWritten - Called for each row that is stored.
 * @throws {@link SessionConflictError} when a sequence number is taken.
 */
export async function appendRows(
  pen: Pen,
  rows: readonly PlannedRow[],
  facts: Omit<RowFacts, 'writer'>,
  onWritten: (entry: LogEntry) => void,
): Promise<void> {
  const staged = rows.every((row) => row.detached)
  await mapConcurrently(rows, staged ? CONCURRENCY : 1, async (row) => {
    const key = pen.keys.message(row.seq)
    const frame = messageFrame(key, row, { ...facts, writer: pen.writer })
    const { item, place } = await pen.values.prepare(frame, row.message.text)
    const outcome = await pen.table.put(item, canAppend(pen.writer, pen.incarnation))
    if (!outcome.written) {
      // Nobody else looks for the object, unless the other writer has said the same.
      const { object } = place
      if (object !== undefined && outcome.found?.object !== object.name) await pen.values.discardObjects([object.name])
      throw conflict(pen, key, 'a free sequence number', outcome.found)
    }
    onWritten(entryOfRow(pen, row, facts.turn))
  })
}

/** Deletes rows that this writer has written, and nothing that anybody else has put in their place. */
export async function takeBack(pen: Pen, rows: readonly LogEntry[]): Promise<void> {
  await mapConcurrently(rows, CONCURRENCY, async ({ seq, digest }) => {
    const key = pen.keys.message(seq)
    const outcome = await pen.table.delete(key, isBy(pen.writer))
    if (!outcome.written && outcome.found !== undefined) return
    await pen.values.discardAll(key, digest)
  })
}

/**
 * Writes the state over the version that is known.
 *
 * @returns Where it is.
 * @throws {@link SessionConflictError} when there is another version.
 */
export async function putState(pen: Pen, state: Omit<State, 'value'>, text: string): Promise<ValuePlace> {
  const key = pen.keys.state()
  const { item, place } = await pen.values.prepare(stateFrame(key, state), text)
  const known = state.version - 1
  const outcome = await pen.table.put(item, canAdvance(pen.writer, pen.incarnation, known))
  if (!outcome.written) throw conflict(pen, key, `version ${known}`, outcome.found)
  return place
}

/**
 * Writes the head over the version that is known.
 *
 * @throws {@link SessionConflictError} when there is another version.
 */
export async function putHead(pen: Pen, head: Head): Promise<void> {
  const key = pen.keys.head()
  const known = head.version - 1
  const outcome = await pen.table.put(headItem(key, head), canAdvance(pen.writer, pen.incarnation, known))
  if (!outcome.written) throw conflict(pen, key, `version ${known}`, outcome.found)
}

/**
 * Writes the item of an immutable snapshot.
 *
 * @param pruned - Up to which row the log was pruned when its rows were found, if it is.
 * @throws {@link SessionConflictError} when it has been pruned since: the rows may be gone.
 */
export async function putMark(pen: Pen, key: ItemKey, mark: SnapshotMark, pruned: number | undefined): Promise<void> {
  const item = snapshotItem(key, mark)
  if (pruned === undefined) return void (await pen.table.put(item))
  const check = { key: pen.keys.head(), condition: isPrunedTo(pruned, mark.incarnation) }
  const outcome = await pen.table.transact(check, [{ item }])
  if (!outcome.written) throw conflict(pen, check.key, `rows from ${pruned + 1} on`, outcome.found)
}

/**
 * Makes a scope exist, all or nothing: the session's item, the head and, unless only an immutable snapshot is saved, the
 * state.
 *
 * @returns Where the state is, if it is saved; or the session item that stood in the way.
 * @throws {@link SessionConflictError} when another writer was first.
 */
export async function createScope(
  pen: Pen,
  session: SessionWrite,
  head: Head,
  state: { readonly facts: Omit<State, 'value'>; readonly text: string } | undefined,
): Promise<WriteOutcome & { readonly place?: ValuePlace | undefined }> {
  const headKey = pen.keys.head()
  const puts: { item: Item; condition?: ReturnType<typeof canCreate> }[] = [
    { item: headItem(headKey, head), condition: canCreate(pen.writer, session.at) },
  ]
  const prepared = state && (await pen.values.prepare(stateFrame(pen.keys.state(), state.facts), state.text))
  if (prepared !== undefined) puts.push({ item: prepared.item })
  const outcome = await pen.table.transact(session, puts)
  if (outcome.written) return { written: true, place: prepared?.place }
  if (outcome.key.sk === session.key.sk) return outcome
  throw conflict(pen, headKey, 'a new agent or orchestrator', outcome.found)
}

/** The error for a write that met another writer's item. */
export function conflict(pen: Pen, key: ItemKey, expected: string, found: Item | undefined): SessionConflictError {
  const version = found?.version === undefined ? '' : `version ${String(found.version)} `
  const writer = found === undefined ? undefined : String(found.writer)
  const actual = writer === undefined ? 'nothing' : `${version}written by ${writer}`
  const { sessionId, scopeId } = pen
  return new SessionConflictError({ sessionId, scopeId, key: key.sk, expected, actual, writer })
}

/** What the log remembers of a row that this writer has written. */
export function entryOfRow(pen: Pen, row: PlannedRow, mark: TurnMark = {}): LogEntry {
  const { seq, detached, replaces, message } = row
  const { digest, trackingId, isAnswer } = message
  const turn = { id: mark.id, until: closesTurn(row) ? undefined : mark.until }
  return { seq, digest, trackingId, writer: pen.writer, detached, replaces, turn, isAnswer }
}
