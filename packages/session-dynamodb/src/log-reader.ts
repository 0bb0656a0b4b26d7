/** Reads the log: the window in one round trip where it lies at the log's end, and in two where it does not. */

import { SessionCorruptedError } from './errors.ts'
import {
  entryOf,
  type Head,
  type Item,
  keyOf,
  type MessageRow,
  parseHead,
  parseMessage,
  parseState,
  type State,
} from './items.ts'
import type { ScopeKeys } from './keys.ts'
import { belongsTo } from './incarnation.ts'
import type { SessionTable } from './table.ts'
import { bySortKey, parseJson, readText } from './values.ts'
import type { LogEntry } from './window.ts'

/** What a read of the latest snapshot found. */
export interface LogPage {
  readonly head: Head
  readonly state: State | undefined
  /** Sequence numbers of the window, in order: the head's ranges and the log's tail. */
  readonly window: readonly number[] | undefined
  /** Rows of this incarnation that were read: all of the window, and some that happened to lie between. */
  readonly rows: ReadonlyMap<number, MessageRow>
  /** Highest sequence number in use. */
  readonly last: number
  /** Everything that was read, by sort key: parts are among it. */
  readonly items: ReadonlyMap<string, Item>
}

/** Rows read beyond the expected window: the head, the state, and a turn that was cut short. */
const READ_AHEAD = 6

/** Rows that are read needlessly between two ranges before they are read apart. */
const MAX_GAP = 8

/** Most rows that are read by key; more are read as ranges. */
const MAX_KEYED_READS = 100

/**
 * Reads the latest snapshot's items.
 *
 * @param windowSize - Messages that the window is expected to hold, which is what the first request asks for.
 * @returns `head: undefined` when the scope has none, with the rows that were found nevertheless.
 */
export async function readLog(
  table: SessionTable,
  keys: ScopeKeys,
  windowSize: number,
): Promise<LogPage | { head: undefined; leftovers: readonly Item[] }> {
  const { items, more } = await readNewest(table, keys, windowSize + READ_AHEAD)
  const headItem = items.get(keys.head().sk)
  if (headItem === undefined) return { head: undefined, leftovers: [...items.values()] }
  const head = parseHead(headItem)
  const stateItem = items.get(keys.state().sk)
  const state = stateItem === undefined ? undefined : parseState(stateItem)

  const rows = parseRows(keys, head.incarnation, items)
  const lowest = more ? Math.min(...seqsIn(keys, items)) : 1
  const unread = (head.window ?? []).filter((seq) => seq < lowest)
  for (let seq = head.last + 1; seq < lowest; seq++) unread.push(seq)
  if (unread.length > 0) {
    const further = await readRows(table, keys, unread)
    for (const [seq, row] of parseRows(keys, head.incarnation, further)) rows.set(seq, row)
    for (const [sk, item] of further) items.set(sk, item)
  }
  let last = head.last
  for (const seq of rows.keys()) last = Math.max(last, seq)
  return { head, state, window: windowOf(keys, head, rows, last), rows, last, items }
}

/**
 * The messages of a window, parsed, with what is to be remembered of their rows.
 *
 * @throws {@link SessionCorruptedError} naming a row that is missing or unreadable.
 */
export async function readMessages(
  table: SessionTable,
  keys: ScopeKeys,
  window: readonly number[],
  rows: ReadonlyMap<number, MessageRow>,
  items: ReadonlyMap<string, Item>,
): Promise<{ message: unknown; entry: LogEntry }[]> {
  return Promise.all(
    window.map(async (seq) => {
      const key = keys.message(seq)
      const row = rows.get(seq)
      if (row === undefined) throw new SessionCorruptedError(key, 'is missing, but the window names it')
      const message = parseJson(key, await readText(table, key, row.value, items))
      return { message, entry: entryOf(row, message) }
    }),
  )
}

/** Reads rows by sequence number, in one request where they lie close together or are few. */
export async function readRows(
  table: SessionTable,
  keys: ScopeKeys,
  seqs: readonly number[],
): Promise<Map<string, Item>> {
  const ranges = closeRanges(seqs)
  const distinct = new Set(seqs)
  if (ranges.length > 1 && distinct.size <= MAX_KEYED_READS) {
    return bySortKey(await table.getAll([...distinct].map((seq) => keys.message(seq))))
  }
  const pages = await Promise.all(ranges.map((range) => readRange(table, keys, range)))
  return bySortKey(pages.flat())
}

/** Rows of one incarnation among items, by sequence number. */
export function parseRows(
  keys: ScopeKeys,
  incarnation: string,
  items: ReadonlyMap<string, Item>,
): Map<number, MessageRow> {
  const rows = new Map<number, MessageRow>()
  for (const [sk, item] of items) {
    const seq = keys.seqOf(sk)
    if (seq === undefined) continue
    const row = parseMessage(item, seq)
    if (belongsTo(row.writer, incarnation)) rows.set(seq, row)
  }
  return rows
}

/** `createdAt` of the snapshot that was saved last: the newest of the tail's last row, the state and the head. */
export function createdAtOf({ head, state, window, rows }: LogPage): string {
  const newest = window?.at(-1) ?? 0
  const row = rows.get(newest)
  if (row !== undefined && newest > Math.max(head.last, state?.last ?? 0)) return row.createdAt
  return state !== undefined && state.version > head.stateVersion ? state.createdAt : head.createdAt
}

/** The first page of a descending read, and more pages only while the head has not been met. */
async function readNewest(
  table: SessionTable,
  keys: ScopeKeys,
  limit: number,
): Promise<{ items: Map<string, Item>; more: boolean }> {
  const items = new Map<string, Item>()
  let more = false
  for await (const page of table.query({ pk: keys.pk, prefix: keys.logPrefix, descending: true, limit })) {
    for (const item of page.items) items.set(keyOf(item).sk, item)
    more = page.more
    if (seqsIn(keys, items).length > 0) break
  }
  return { items, more }
}

/** The head's window and the tail behind it. */
function windowOf(
  keys: ScopeKeys,
  head: Head,
  rows: ReadonlyMap<number, MessageRow>,
  last: number,
): readonly number[] | undefined {
  const tail: number[] = []
  let hole: number | undefined
  for (let seq = head.last + 1; seq <= last; seq++) {
    const row = rows.get(seq)
    if (row === undefined) hole ??= seq
    else if (row.detached) hole = undefined
    else if (hole !== undefined) throw new SessionCorruptedError(keys.message(hole), 'is missing from the log')
    else tail.push(seq)
  }
  if (tail.length === 0) return head.window
  return [...(head.window ?? []), ...tail]
}

async function readRange(
  table: SessionTable,
  keys: ScopeKeys,
  [first, last]: readonly [number, number],
): Promise<Item[]> {
  const items: Item[] = []
  // The end lies behind the last row's parts, which sort after it as `<row>#part#…`: '$' follows '#'.
  const between = [keys.message(first).sk, `${keys.message(last).sk}$`] as const
  for await (const page of table.query({ pk: keys.pk, between })) items.push(...page.items)
  return items
}

function closeRanges(seqs: readonly number[]): [number, number][] {
  const ranges: [number, number][] = []
  for (const seq of [...seqs].sort((a, b) => a - b)) {
    const range = ranges.at(-1)
    if (range !== undefined && seq - range[1] <= MAX_GAP) range[1] = seq
    else ranges.push([seq, seq])
  }
  return ranges
}

function seqsIn(keys: ScopeKeys, items: ReadonlyMap<string, Item>): number[] {
  return [...items.keys()].flatMap((sk) => keys.seqOf(sk) ?? [])
}
