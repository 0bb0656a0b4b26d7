/** Retention by need: deletes rows that neither the window nor an immutable snapshot names, many at once and seldom. */

import type { Item } from './attributes.ts'
import { mapConcurrently } from './concurrency.ts'
import { type MessageRow, parseSnapshotMark } from './items.ts'
import { parseRows, readMessages } from './log-reader.ts'
import { isAnswer } from './messages.ts'
import type { Pen } from './pen.ts'
import { bySortKey } from './values.ts'

/** Rows that are deleted together at least: the cost of looking at the snapshots is shared by as many. */
const LEAST = 50

/** Values whose further items are deleted at once. */
const CONCURRENCY = 8

/**
 * Up to which row a log can be pruned, or undefined when it is not worth it yet.
 *
 * Only rows before the window's last run are looked at: what comes later may be about to be used, as by a snapshot that is
 * being saved.
 *
 * @param pruned - Up to which row it has been pruned.
 */
export function pruneLimit(window: readonly number[], pruned: number): number | undefined {
  let index = window.length - 1
  while (index > 0 && window[index - 1] === Number(window[index]) - 1) index -= 1
  const limit = Number(window[index] ?? 0) - 1
  const needed = new Set(window.filter((seq) => seq > pruned && seq <= limit))
  return limit - pruned - needed.size >= LEAST ? limit : undefined
}

/**
 * Deletes the rows of a range that nothing needs: not the window, no snapshot, and no turn with an id, whose answer may be
 * asked for again.
 *
 * The head has said so before, and a snapshot is saved only on the condition that the head has not: whoever was first, the
 * snapshot is either listed here or not saved.
 *
 * @returns The deleted rows.
 */
export async function prune(
  pen: Pen,
  window: readonly number[],
  [first, last]: readonly [first: number, last: number],
): Promise<readonly MessageRow[]> {
  const { pk, snapshotPrefix: prefix } = pen.keys
  const between = [pen.keys.message(first).sk, `${pen.keys.message(last).sk}$`] as const
  const [marks, found] = await Promise.all([
    readAll(pen, { pk, prefix, consistent: true }),
    readAll(pen, { pk, between, consistent: true }),
  ])
  const needed = new Set([...window, ...marks.flatMap((item) => parseSnapshotMark(item).window ?? [])])
  const items = bySortKey(found)
  const rows = [...parseRows(pen.keys, pen.incarnation, items).values()].filter(({ seq }) => !needed.has(seq))
  const isNeeded = await mapConcurrently(rows, CONCURRENCY, (row) => isAnswerOfTurn(pen, row, items))
  const unneeded = rows.filter((_, index) => !isNeeded[index])
  // The row goes first: without it nobody looks for the rest.
  await pen.table.deleteAll(unneeded.map(({ seq }) => pen.keys.message(seq)))
  await mapConcurrently(unneeded, CONCURRENCY, ({ seq, value }) => pen.values.discard(pen.keys.message(seq), value))
  return unneeded
}

async function isAnswerOfTurn(pen: Pen, row: MessageRow, items: ReadonlyMap<string, Item>): Promise<boolean> {
  if (row.turn.id === undefined) return false
  const [read] = await readMessages(pen, pen.incarnation, [row.seq], new Map([[row.seq, row]]), items)
  return isAnswer(read?.message)
}

async function readAll(pen: Pen, range: Parameters<Pen['table']['query']>[0]): Promise<Item[]> {
  const items: Item[] = []
  for await (const page of pen.table.query(range)) items.push(...page.items)
  return items
}
