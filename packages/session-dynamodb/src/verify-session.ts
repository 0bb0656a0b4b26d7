/** `verifySession`: reads a whole session and says what is wrong with it. Changes nothing. */

import { type Item, keyOf } from './attributes.ts'
import { NewerFormatError, SessionCorruptedError } from './errors.ts'
import { parseHead, parsePart, parseSnapshotMark, parseState, parseValue } from './items.ts'
import { ALL_SORT_KEYS, checkSessionId, type ItemKey, partitionKeyOf, partOwnerOf, ScopeKeys, scopeOf } from './keys.ts'
import { parseRows, readMessages, windowOf } from './log-reader.ts'
import type { TableOptions } from './options.ts'
import { parseTableOptions } from './parse-options.ts'
import { thaw } from './snapshot.ts'
import { SessionTable } from './table.ts'
import { bySortKey, parseJson, readText } from './values.ts'

/** Options of {@link verifySession}. */
export interface VerifySessionOptions extends TableOptions {
  readonly sessionId: string
}

/** Something wrong with an item. */
export interface SessionProblem {
  readonly key: ItemKey
  readonly problem: string
}

/** What {@link verifySession} found. */
export interface SessionReport {
  readonly sessionId: string
  /** Items of the session, all kinds. */
  readonly items: number
  /** Messages in the logs of its agents, in a window or not. */
  readonly messages: number
  /** Immutable snapshots. */
  readonly snapshots: number
  /** Empty when the session is whole. */
  readonly problems: readonly SessionProblem[]
}

/**
 * Checks everything that a session holds: that each item can be read and matches its checksum, that windows and
 * snapshots name rows that exist, and that values in parts are complete. Reads every item, strongly consistent.
 *
 * @throws `InvalidOptionError` for an option that is wrong; `TableRequestError` when the session cannot be read at all.
 */
export async function verifySession(options: VerifySessionOptions): Promise<SessionReport> {
  const { table: tableOptions, tenantId } = parseTableOptions(options)
  const sessionId = checkSessionId(options.sessionId)
  const table = new SessionTable(tableOptions)
  const items: Item[] = []
  const range = { pk: partitionKeyOf(sessionId, tenantId), between: ALL_SORT_KEYS, consistent: true }
  for await (const page of table.query(range)) items.push(...page.items)

  const problems: SessionProblem[] = []
  const attempt = async (check: () => Promise<void> | void): Promise<void> => {
    try {
      await check()
    } catch (error) {
      if (!(error instanceof SessionCorruptedError) && !(error instanceof NewerFormatError)) throw error
      problems.push({ key: error.key, problem: error.message })
    }
  }
  let messages = 0
  let snapshots = 0
  for (const [scope, ofScope] of groupByScope(items)) {
    const keys = new ScopeKeys({ sessionId, ...scope }, tenantId)
    const check = new ScopeCheck(table, keys, ofScope)
    messages += check.rows.length
    snapshots += check.marks.length
    for (const task of check.tasks()) await attempt(task)
  }
  const unique = new Map(problems.map((each) => [`${each.key.sk} ${each.problem}`, each]))
  return { sessionId, items: items.length, messages, snapshots, problems: [...unique.values()] }
}

/** The checks of one agent's or orchestrator's items. */
class ScopeCheck {
  readonly rows: readonly Item[]
  readonly marks: readonly Item[]
  readonly #table: SessionTable
  readonly #keys: ScopeKeys
  readonly #items: ReadonlyMap<string, Item>

  constructor(table: SessionTable, keys: ScopeKeys, items: readonly Item[]) {
    this.#table = table
    this.#keys = keys
    this.#items = bySortKey(items)
    this.rows = items.filter((item) => keys.seqOf(keyOf(item).sk) !== undefined)
    this.marks = items.filter((item) => keyOf(item).sk.startsWith(keys.snapshotPrefix))
  }

  *tasks(): Iterable<() => Promise<void> | void> {
    const { head, state } = { head: this.#keys.head(), state: this.#keys.state() }
    for (const item of this.#items.values()) {
      if (partOwnerOf(keyOf(item).sk) !== undefined) yield () => void parsePart(item)
    }
    for (const row of this.rows) yield () => this.#checkRows([row])
    const headItem = this.#items.get(head.sk)
    if (headItem === undefined && this.rows.length > 0) {
      yield () => {
        throw new SessionCorruptedError(head, 'is missing, but there are messages')
      }
    }
    if (headItem !== undefined) yield () => this.#checkHead(headItem)
    if (this.#items.has(state.sk)) yield () => this.#checkState()
    for (const mark of this.marks) yield () => this.#checkMark(mark)
  }

  async #checkRows(items: readonly Item[]): Promise<void> {
    for (const item of items) {
      const incarnation = String(item.writer).split('-')[0] ?? ''
      const rows = parseRows(this.#keys, incarnation, bySortKey([item]))
      await readMessages(this.#table, this.#keys, [...rows.keys()], rows, this.#items)
    }
  }

  async #checkHead(item: Item): Promise<void> {
    const head = parseHead(item)
    const rows = parseRows(this.#keys, head.incarnation, new Map(this.rows.map((row) => [keyOf(row).sk, row])))
    const window = windowOf(this.#keys, head, rows) ?? []
    await readMessages(this.#table, this.#keys, window, rows, this.#items)
    if (head.stateVersion > 0 && !this.#items.has(this.#keys.state().sk)) {
      throw new SessionCorruptedError(this.#keys.state(), 'is missing, but the head names it')
    }
  }

  async #checkState(): Promise<void> {
    const key = this.#keys.state()
    const item = this.#items.get(key.sk)
    if (item === undefined) return
    const text = await readText(this.#table, key, parseState(item).value, this.#items)
    if (thaw(parseJson(key, text), [], '') === undefined) {
      throw new SessionCorruptedError(key, 'does not hold the state of a snapshot')
    }
  }

  async #checkMark(item: Item): Promise<void> {
    const mark = parseSnapshotMark(item)
    const rows = parseRows(this.#keys, mark.incarnation, new Map(this.rows.map((row) => [keyOf(row).sk, row])))
    await readMessages(this.#table, this.#keys, mark.window ?? [], rows, this.#items)
    const stateKey = this.#keys.snapshotState(mark.stateDigest)
    const state = this.#items.get(stateKey.sk)
    if (state === undefined) throw new SessionCorruptedError(stateKey, `is missing, but '${keyOf(item).sk}' names it`)
    parseJson(stateKey, await readText(this.#table, stateKey, parseValue(state), this.#items))
  }
}

function groupByScope(items: readonly Item[]): Map<NonNullable<ReturnType<typeof scopeOf>>, Item[]> {
  const groups = new Map<string, { scope: NonNullable<ReturnType<typeof scopeOf>>; items: Item[] }>()
  for (const item of items) {
    const scope = scopeOf(keyOf(item).sk)
    if (scope === undefined) continue
    const name = `${scope.scope}#${scope.scopeId}`
    const group = groups.get(name) ?? { scope, items: [] }
    group.items.push(item)
    groups.set(name, group)
  }
  return new Map([...groups.values()].map(({ scope, items: ofScope }) => [scope, ofScope]))
}
