/** Reads the log: the window in one round trip where it lies at the log's end, and in two where it does not. */

import { type Item, keyOf } from './attributes.ts'
import { outline } from './chunks.ts'
import { digestOf } from './codec.ts'
import { mapConcurrently } from './concurrency.ts'
import { SessionCorruptedError } from './errors.ts'
import type { QueryRange } from './expressions.ts'
import { belongsTo } from './incarnation.ts'
import { entryOf, type Head, type MessageRow, parseHead, parseMessage, parseState, type State } from './items.ts'
import { type ItemKey, partOwnerOf, type ScopeKeys } from './keys.ts'
import type { ScopeStore } from './shared-chunks.ts'
import type { SessionTable } from './table.ts'
import { bySortKey, parseJson } from './values.ts'
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
  /** The row with that number. */
  readonly newest: NewestRow | undefined
  /** Everything that was read, by sort key: parts are among it. */
  readonly items: ReadonlyMap<string, Item>
}

/** The log's newest row: it says whether a turn is under way. */
export type NewestRow = Pick<MessageRow, 'seq' | 'writer' | 'turn'>

/** Sequence numbers from the first to the last, both included. */
type Range = readonly [first: number, last: number]

/** Values that are read at once. */
const CONCURRENCY = 16

/** Rows read beyond the expected window: the head, the state, and a turn that was cut short. */
const READ_AHEAD = 6

/** Rows that are read needlessly between two ranges before they are read apart; a range that is longer is queried. */
const MAX_GAP = 8

/**
 * Reads the latest snapshot's items.
 *
 * @param windowSize - Messages that the window is expected to hold, which is what the first request asks for.
 * @param isGone - Whether what the first request brought is what an expired session has left: then there is no head.
 * @returns `head: undefined` when the scope has none, with the rows that were found nevertheless.
 */
export async function readLog(
  table: SessionTable,
  keys: ScopeKeys,
  windowSize: number,
  isGone: (head: Head, items: readonly Item[], rows: ReadonlyMap<number, MessageRow>) => Promise<boolean> = async () =>
    false,
): Promise<LogPage | { head: undefined; leftovers: readonly Item[] }> {
  const { items, more } = await readNewest(table, keys, windowSize + READ_AHEAD)
  const headItem = items.get(keys.head().sk)
  if (headItem === undefined) return { head: undefined, leftovers: [...items.values()] }
  const head = parseHead(headItem)
  const stateItem = items.get(keys.state().sk)
  const foundState = stateItem === undefined ? undefined : parseState(stateItem)
  const state = foundState && belongsTo(foundState.writer, head.incarnation) ? foundState : undefined

  const rows = parseRows(keys, head.incarnation, items)
  if (await isGone(head, [...items.values()], rows)) return { head: undefined, leftovers: [] }
  const lowest = more ? Math.min(...seqsIn(keys, items)) : 1
  const unread = rangesOf((head.window ?? []).filter((seq) => seq < lowest))
  if (head.last + 1 < lowest) unread.push([head.last + 1, lowest - 1])
  if (unread.length > 0) {
    const further = await readRanges(table, keys, unread)
    for (const [seq, row] of parseRows(keys, head.incarnation, further)) rows.set(seq, row)
    for (const [sk, item] of further) items.set(sk, item)
  }
  const newest = newestOf(rows)
  const last = Math.max(head.last, newest?.seq ?? 0)
  return { head, state, window: windowOf(keys, head, rows), rows, last, newest, items }
}

/**
 * Reads what has been added since a row, without the state: how a turn elsewhere goes on.
 *
 * @returns undefined when there is no head any more.
 */
export async function readProgress(
  table: SessionTable,
  keys: ScopeKeys,
  seq: number,
): Promise<{ head: Head; newest: NewestRow | undefined } | undefined> {
  const found = await readWhole({ table, keys }, { between: [keys.message(seq).sk, keys.head().sk] })
  const headItem = found.get(keys.head().sk)
  if (headItem === undefined) return undefined
  const head = parseHead(headItem)
  return { head, newest: newestOf(parseRows(keys, head.incarnation, found)) }
}

/**
 * The messages of a window, parsed, with what is to be remembered of their rows.
 *
 * @param incarnation - Life of the session to which the rows belong.
 * @throws {@link SessionCorruptedError} naming a row or a chunk that is missing or unreadable.
 */
export async function readMessages(
  { values, shared, keys }: ScopeStore,
  incarnation: string,
  window: readonly number[],
  rows: ReadonlyMap<number, MessageRow>,
  items: ReadonlyMap<string, Item>,
): Promise<{ message: unknown; entry: LogEntry }[]> {
  const read = await mapConcurrently(window, CONCURRENCY, async (seq) => {
    const owner = keys.message(seq)
    const row = rows.get(seq)
    if (row === undefined) throw new SessionCorruptedError(owner, 'is missing, but the window names it')
    return { owner, row, text: await values.readText(owner, row.value, items) }
  })
  const texts = await shared.join(incarnation, read, items)
  return read.map(({ owner, row }, index) => {
    const text = texts[index] ?? ''
    if (text !== read[index]?.text && digestOf(text) !== row.digest) {
      throw new SessionCorruptedError(owner, 'is put together to another message')
    }
    const message = parseJson(owner, text)
    return { message, entry: entryOf(row, message) }
  })
}

/** What is to be remembered of rows that a read brought along beside the window's. One that cannot be read is no loss. */
export async function entriesOf(
  { values, keys }: Pick<ScopeStore, 'values' | 'keys'>,
  { rows, window }: LogPage,
): Promise<LogEntry[]> {
  const inWindow = new Set(window)
  const entries = [...rows.values()].map(async (row) => {
    if (row.value.inline === undefined || inWindow.has(row.seq)) return []
    try {
      const key = keys.message(row.seq)
      return [entryOf(row, parseJson(key, outline(await values.readText(key, row.value))))]
    } catch {
      return []
    }
  })
  return (await Promise.all(entries)).flat()
}

/** Reads a whole range, strongly consistent. */
export async function readWhole(
  { table, keys }: Pick<ScopeStore, 'table' | 'keys'>,
  range: { readonly prefix: string } | { readonly between: readonly [first: string, last: string] },
): Promise<Map<string, Item>> {
  const items: Item[] = []
  for await (const page of table.query({ pk: keys.pk, ...range, consistent: true })) items.push(...page.items)
  return bySortKey(items)
}

/** A part or an object with a text that its row no longer holds: a redaction that was cut short has left it. */
export interface Stray {
  /** Key of the part. */
  readonly key?: ItemKey
  /** Name of the object. */
  readonly object?: string
  /** When the turn that wrote the row is over at the latest, in epoch milliseconds. */
  readonly until: number | undefined
}

/** What a read brought along, or tells, of earlier texts of rows. */
export function strays(keys: ScopeKeys, { rows, items, head }: LogPage): Stray[] {
  const untilOf = ({ seq, turn }: MessageRow): number | undefined => (seq <= head.settled ? undefined : turn.until)
  const parts = [...items.values()].map(keyOf).flatMap((key) => {
    const part = partOwnerOf(key.sk)
    const row = part && rows.get(keys.seqOf(part.owner) ?? 0)
    return row === undefined || row.value.digest === part?.digest ? [] : [{ key, until: untilOf(row) }]
  })
  const objects = [...rows.values()].flatMap((row) =>
    row.stale === undefined ? [] : [{ object: row.stale, until: untilOf(row) }],
  )
  return [...parts, ...objects]
}

/** Reads the rows of a window. */
export async function readRows(
  table: SessionTable,
  keys: ScopeKeys,
  window: readonly number[],
): Promise<Map<string, Item>> {
  return readRanges(table, keys, rangesOf(window))
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

function newestOf(rows: ReadonlyMap<number, MessageRow>): MessageRow | undefined {
  let newest: MessageRow | undefined
  for (const row of rows.values()) if (newest === undefined || row.seq > newest.seq) newest = row
  return newest
}

/** Whether the newest row is one of a turn that has not ended. */
export function isOpen({ head, newest }: { readonly head: Head; readonly newest: NewestRow | undefined }): boolean {
  return newest?.turn.until !== undefined && newest.seq > head.settled
}

/**
 * The head, the state and the newest messages, in one request where that is possible. A state with so many chunks that a
 * page does not get behind them is read on beside the messages, at once.
 */
async function readNewest(
  table: SessionTable,
  keys: ScopeKeys,
  limit: number,
): Promise<{ items: Map<string, Item>; more: boolean }> {
  const { pk, logPrefix: prefix } = keys
  const read = await readDown(table, keys, { pk, prefix, descending: true, limit })
  if (!read.amidChunks) return read
  const [rows, chunks] = await Promise.all([
    readDown(table, keys, { pk, between: [prefix, keys.head().sk], descending: true, limit }),
    readWhole({ table, keys }, { between: [keys.state().sk, read.lastRead] }),
  ])
  return { items: new Map([...read.items, ...chunks, ...rows.items]), more: rows.more }
}

/** The first page of a descending read, and more only while neither a message nor a chunk of the state is its last item. */
async function readDown(table: SessionTable, keys: ScopeKeys, range: QueryRange) {
  const items = new Map<string, Item>()
  let [more, lastRead, amidChunks] = [false, '', false]
  for await (const page of table.query(range)) {
    for (const item of page.items) items.set(keyOf(item).sk, item)
    more = page.more
    lastRead = [...items.keys()].at(-1) ?? ''
    amidChunks = more && lastRead > keys.state().sk
    if (amidChunks || seqsIn(keys, items).length > 0) break
  }
  return { items, more, lastRead, amidChunks }
}

/**
 * The head's window and the tail behind it.
 *
 * @throws {@link SessionCorruptedError} naming a row that is missing from the tail.
 */
export function windowOf(
  keys: ScopeKeys,
  head: Head,
  rows: ReadonlyMap<number, MessageRow>,
): readonly number[] | undefined {
  const tail: number[] = []
  let next = head.last + 1
  for (const row of [...rows.values()].filter(({ seq }) => seq > head.last).sort((a, b) => a.seq - b.seq)) {
    // Staged rows are written several at once: a crash in between can leave a hole before one of them.
    if (row.seq > next && !row.detached) throw new SessionCorruptedError(keys.message(next), 'is missing from the log')
    if (!row.detached) tail.push(row.seq)
    next = row.seq + 1
  }
  if (tail.length === 0) return head.window
  return [...(head.window ?? []), ...tail]
}

/** Reads ranges of rows at once: long ones each by a query, the rows of short ones together by their keys. */
async function readRanges(table: SessionTable, keys: ScopeKeys, ranges: readonly Range[]): Promise<Map<string, Item>> {
  const merged = mergeRanges(ranges)
  const isLong = ([first, last]: Range): boolean => last - first >= MAX_GAP
  const queried = merged.length === 1 ? merged : merged.filter(isLong)
  const isQueried = (seq: number): boolean => queried.some(([first, last]) => first <= seq && seq <= last)
  const single = new Set(
    ranges
      .filter((range) => !isLong(range))
      .flatMap(numbersOf)
      .filter((seq) => !isQueried(seq)),
  )
  const found = await Promise.all([
    single.size === 0 ? [] : table.getAll([...single].map((seq) => keys.message(seq))),
    ...queried.map((range) => readRange(table, keys, range)),
  ])
  return bySortKey(found.flat())
}

function numbersOf([first, last]: Range): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

async function readRange(table: SessionTable, keys: ScopeKeys, [first, last]: Range): Promise<Item[]> {
  const items: Item[] = []
  // The end lies behind the last row's parts, which sort after it as `<row>#part#…`: '$' follows '#'.
  const between = [keys.message(first).sk, `${keys.message(last).sk}$`] as const
  for await (const page of table.query({ pk: keys.pk, between })) items.push(...page.items)
  return items
}

/** A window's runs of consecutive numbers. */
function rangesOf(window: readonly number[]): Range[] {
  return joinRanges(
    window.map((seq) => [seq, seq]),
    1,
  )
}

/** Ranges in order, those that lie close together as one: the rows between them are cheaper read than skipped. */
function mergeRanges(ranges: readonly Range[]): Range[] {
  return joinRanges(
    [...ranges].sort(([a], [b]) => a - b),
    MAX_GAP,
  )
}

function joinRanges(ranges: readonly Range[], reach: number): Range[] {
  const joined: [number, number][] = []
  for (const [first, last] of ranges) {
    const before = joined.at(-1)
    if (before !== undefined && first >= before[0] && first - before[1] <= reach) before[1] = Math.max(before[1], last)
    else joined.push([first, last])
  }
  return joined
}

function seqsIn(keys: ScopeKeys, items: ReadonlyMap<string, Item>): number[] {
  return [...items.keys()].flatMap((sk) => keys.seqOf(sk) ?? [])
}
