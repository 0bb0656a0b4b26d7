/** Writes the log: each function is one guarded write, which changes what its writer expects or nothing at all. */

import type { Item, ValuePlace } from './attributes.ts'
import { cutMessage, type Rope } from './chunks.ts'
import { mapConcurrently } from './concurrency.ts'
import { canAdvance, canAppend, canCreate, isBy, isPrunedTo } from './conditions.ts'
import { SessionConflictError } from './errors.ts'
import type { Condition } from './expressions.ts'
import {
  closesTurn,
  type Head,
  headItem,
  messageFrame,
  parseHead,
  type RowFacts,
  type SnapshotMark,
  type State,
  snapshotItem,
  stateFrame,
} from './items.ts'
import type { ItemKey } from './keys.ts'
import type { Pen } from './pen.ts'
import type { SessionWrite } from './session-item.ts'
import type { WriteOutcome } from './table.ts'
import type { LogEntry, PlannedRow, TurnMark } from './window.ts'

/** A state in chunks that is to be saved. */
export interface NewState extends Rope {
  readonly facts: Omit<State, 'value'>
}

/** Rows that are written at once where their order does not matter. */
const CONCURRENCY = 8

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
  onWritten: (entry: LogEntry, place: ValuePlace) => void,
): Promise<void> {
  const staged = rows.every((row) => row.detached)
  await mapConcurrently(rows, staged ? CONCURRENCY : 1, async (row) => {
    const condition = canAppend(pen.writer, pen.incarnation)
    const place = await putRow(pen, row, facts, condition, 'a free sequence number')
    onWritten(entryOfRow(pen, row, facts.turn), place)
  })
}

/**
 * Writes a row, and before it the chunks that its text refers to.
 *
 * @returns Where the message is.
 * @throws {@link SessionConflictError} when the condition refuses it.
 */
export async function putRow(
  pen: Pen,
  row: PlannedRow,
  facts: Omit<RowFacts, 'writer'>,
  condition: Condition,
  expected: string,
): Promise<ValuePlace> {
  const key = pen.keys.message(row.seq)
  const { text, chunks } = cutMessage(row.message.text)
  const frame = messageFrame(key, row, { ...facts, writer: pen.writer }, chunks.size > 0)
  return pen.shared.keep(pen, chunks, async () => {
    const { item, place } = await pen.values.prepare(frame, text)
    const outcome = await pen.table.put(item, condition)
    if (outcome.written) return place
    // Nobody else looks for the object, unless the other writer has said the same.
    const { object } = place
    if (object !== undefined && outcome.found?.object !== object.name) await pen.values.discardObjects([object.name])
    throw conflict(pen, key, expected, outcome.found)
  })
}

/** A row that this writer has written, and where its message is. */
export interface WrittenRow {
  readonly seq: number
  readonly place: ValuePlace
}

/** Deletes rows that this writer has written, and nothing that anybody else has put in their place. */
export async function takeBack(pen: Pen, rows: readonly WrittenRow[]): Promise<void> {
  await mapConcurrently(rows, CONCURRENCY, async ({ seq, place }) => {
    const key = pen.keys.message(seq)
    const outcome = await pen.table.delete(key, isBy(pen.writer))
    if (!outcome.written && outcome.found !== undefined) return
    await pen.values.discardAll(key, place.digest)
  })
}

/** Whether the life of the session that a writer writes in goes on. */
export async function isAlive(pen: Pen): Promise<boolean> {
  const item = await pen.table.get(pen.keys.head())
  return item !== undefined && parseHead(item).incarnation === pen.incarnation
}

/**
 * Writes the state's item over the version that is known.
 *
 * @returns Where it is.
 * @throws {@link SessionConflictError} when there is another version.
 */
export async function putState(pen: Pen, { facts, text, chunks }: NewState): Promise<ValuePlace> {
  const key = pen.keys.state()
  const { item, place } = await pen.values.prepare(stateFrame(key, facts, chunks.size > 0), text)
  const known = facts.version - 1
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
  state: NewState | undefined,
): Promise<WriteOutcome & { readonly place?: ValuePlace | undefined }> {
  const headKey = pen.keys.head()
  const puts: { item: Item; condition?: ReturnType<typeof canCreate> }[] = [
    { item: headItem(headKey, head), condition: canCreate(pen.writer, session.at) },
  ]
  const frame = state && stateFrame(pen.keys.state(), state.facts, state.chunks.size > 0)
  const prepared = frame && (await pen.values.prepare(frame, state.text))
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
