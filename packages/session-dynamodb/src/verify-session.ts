/** `verifySession`: reads a whole session and says what is wrong with it. Changes nothing. */

import { type Item, keyOf } from './attributes.ts'
import { NewerFormatError, SessionCorruptedError } from './errors.ts'
import { checkSessionId } from './ids.ts'
import { belongsTo, incarnationOf } from './incarnation.ts'
import { parseChunk, parseHead, parseMessage, parsePart, parseSnapshotMark, parseState, parseValue } from './items.ts'
import {
  ALL_SORT_KEYS,
  chunkOf,
  type ItemKey,
  partitionKeyOf,
  partOwnerOf,
  ScopeKeys,
  SESSION_SORT_KEY,
  scopeOf,
  sessionKey,
} from './keys.ts'
import { readState } from './latest-state.ts'
import { hasExpired, inSeconds } from './lifetime.ts'
import { readMessages, windowOf } from './log-reader.ts'
import { ObjectStore } from './objects.ts'
import type { TableOptions } from './options.ts'
import { parseTableOptions } from './parse-options.ts'
import { parseSession } from './session-item.ts'
import { openScope, type ScopeStore } from './shared-chunks.ts'
import { thaw } from './snapshot.ts'
import { SessionTable } from './table.ts'
import { bySortKey, parseJson, ValueStore } from './values.ts'

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
 * snapshots name rows that exist, and that values in parts are complete. Reads every item, strongly consistent. Of a
 * session that has expired only the items are counted.
 *
 * @throws `InvalidOptionError` for an option that is wrong; `TableRequestError` when the session cannot be read at all.
 */
export async function verifySession(options: VerifySessionOptions): Promise<SessionReport> {
  const { table: tableOptions, tenantId, offload } = parseTableOptions(options)
  const sessionId = checkSessionId(options.sessionId)
  const table = new SessionTable(tableOptions)
  const values = new ValueStore(table, { objects: offload && new ObjectStore(offload, tableOptions) })
  const items: Item[] = []
  const range = { pk: partitionKeyOf(sessionId, tenantId), between: ALL_SORT_KEYS, consistent: true }
  for await (const page of table.query(range)) items.push(...page.items)
  const session = items.find((item) => keyOf(item).sk === SESSION_SORT_KEY)
  // What is left of an expired session is on its way out, in no order.
  if (hasExpired(session, inSeconds(Date.now()))) {
    return { sessionId, items: items.length, messages: 0, snapshots: 0, problems: [] }
  }

  const problems = new Map<string, SessionProblem>()
  const checks = [...new SessionCheck(sessionId, items, tenantId).all()]
  const scopes = groupByScope(items).map(({ scope, items: ofScope }) => {
    const keys = new ScopeKeys({ sessionId, ...scope }, tenantId)
    return new ScopeCheck(openScope({ table, values, keys }), ofScope)
  })
  for (const check of [...checks, ...scopes.flatMap((scope) => [...scope.all()])]) {
    try {
      await check()
    } catch (error) {
      if (!(error instanceof SessionCorruptedError) && !(error instanceof NewerFormatError)) throw error
      problems.set(`${error.key.sk} ${error.message}`, { key: error.key, problem: error.message })
    }
  }
  return {
    sessionId,
    items: items.length,
    messages: scopes.reduce((sum, { rows }) => sum + rows.size, 0),
    snapshots: scopes.reduce((sum, { marks }) => sum + marks.length, 0),
    problems: [...problems.values()],
  }
}

/** A check throws what is wrong. */
type Check = () => Promise<unknown> | unknown

/** The checks of what is not an agent's or orchestrator's own. */
class SessionCheck {
  readonly #sessionId: string
  readonly #items: readonly Item[]
  readonly #tenantId: string | undefined

  constructor(sessionId: string, items: readonly Item[], tenantId: string | undefined) {
    this.#sessionId = sessionId
    this.#items = items
    this.#tenantId = tenantId
  }

  *all(): Iterable<Check> {
    const key = sessionKey(this.#sessionId, this.#tenantId)
    const session = this.#items.find((item) => keyOf(item).sk === key.sk)
    if (session !== undefined) yield () => parseSession(session, this.#tenantId)
    else if (this.#items.length > 0) yield () => fail(key, 'is missing, but there are other items of the session')
    for (const item of this.#items) {
      const { sk } = keyOf(item)
      if (sk !== key.sk && scopeOf(sk) === undefined) yield () => fail(keyOf(item), 'has a key that no id makes')
    }
  }
}

/** The checks of one agent's or orchestrator's items. */
class ScopeCheck {
  /** Messages by sequence number, readable or not. */
  readonly rows: ReadonlyMap<number, Item>
  /** Items of immutable snapshots. */
  readonly marks: readonly Item[]
  readonly #store: ScopeStore
  readonly #keys: ScopeKeys
  readonly #items: ReadonlyMap<string, Item>

  constructor(store: ScopeStore, items: readonly Item[]) {
    const { keys } = store
    this.#store = store
    this.#keys = keys
    this.#items = bySortKey(items)
    this.rows = new Map(
      items.flatMap((item) => {
        const seq = keys.seqOf(keyOf(item).sk)
        return seq === undefined ? [] : [[seq, item] as const]
      }),
    )
    this.marks = items.filter((item) => keyOf(item).sk.startsWith(keys.snapshotPrefix))
  }

  *all(): Iterable<Check> {
    for (const item of this.#items.values()) yield () => this.#checkItem(item)
    const headKey = this.#keys.head()
    const stateKey = this.#keys.state()
    const head = this.#items.get(headKey.sk)
    const hasContent = this.rows.size > 0 || this.#items.has(stateKey.sk)
    if (head === undefined && hasContent) yield () => fail(headKey, 'is missing, but there are messages or a state')
    if (head !== undefined) {
      yield () => this.#checkWindow(head)
      yield () => {
        if (parseHead(head).stateVersion > 0 && !this.#items.has(stateKey.sk)) {
          fail(stateKey, 'is missing, but the head names it')
        }
      }
      for (const seq of readable(() => parseHead(head).window) ?? []) yield () => this.#checkPresence(seq)
    }
    for (const item of this.marks) {
      const mark = readable(() => parseSnapshotMark(item))
      if (mark === undefined) continue
      for (const seq of mark.window ?? []) yield () => this.#checkPresence(seq)
      const key = this.#keys.snapshotState(mark.stateDigest)
      const state = this.#items.get(key.sk)
      if (state === undefined) yield () => fail(key, `is missing, but '${keyOf(item).sk}' names it`)
      else yield () => this.#checkState(state, mark.incarnation)
    }
  }

  /** Whether an item can be read, all by itself. */
  async #checkItem(item: Item): Promise<void> {
    const key = keyOf(item)
    if (partOwnerOf(key.sk) !== undefined) return void parsePart(item)
    const chunk = chunkOf(key.sk)
    if (chunk !== undefined) {
      const { value } = parseChunk(item)
      if (value.digest !== chunk.digest) fail(key, 'holds another text than its key says')
      return void (await this.#store.values.readText(key, value, this.#items))
    }
    if (key.sk === this.#keys.head().sk) return void parseHead(item)
    if (key.sk.startsWith(this.#keys.snapshotPrefix)) {
      parseSnapshotMark(item)
      if (this.#keys.snapshotIdOf(key.sk) === undefined) fail(key, 'has a key that no snapshot id makes')
      return
    }
    const seq = this.#keys.seqOf(key.sk)
    const isState = key.sk === this.#keys.state().sk
    if (seq !== undefined) {
      const row = parseMessage(item, seq)
      await readMessages(this.#store, incarnationOf(row.writer), [seq], new Map([[seq, row]]), this.#items)
    } else if (isState) {
      const state = parseState(item)
      const { text } = await readState(this.#store, incarnationOf(state.writer), state, this.#items)
      checkSnapshot(key, text)
    } else {
      const text = await this.#store.values.readText(key, parseValue(item), this.#items)
      // The life of the session to which a snapshot's state belongs is known only to the snapshots that name it.
      if (!key.sk.startsWith(this.#keys.snapshotStatePrefix)) parseJson(key, text)
    }
  }

  async #checkState(item: Item, incarnation: string): Promise<void> {
    const key = keyOf(item)
    checkSnapshot(key, await this.#store.shared.read(incarnation, key, parseValue(item), this.#items))
  }

  /** Whether rows are missing behind those that the head names. Rows that cannot be read are not missing. */
  #checkWindow(item: Item): void {
    const head = parseHead(item)
    const rows = [...this.rows].flatMap(([seq, row]) => readable(() => parseMessage(row, seq)) ?? [])
    if (rows.length < this.rows.size) return
    const own = rows.filter(({ writer }) => belongsTo(writer, head.incarnation))
    windowOf(this.#keys, head, new Map(own.map((row) => [row.seq, row])))
  }

  #checkPresence(seq: number): void {
    if (!this.rows.has(seq)) fail(this.#keys.message(seq), 'is missing, but a window names it')
  }
}

function checkSnapshot(key: ItemKey, text: string): void {
  if (thaw(parseJson(key, text), [], '') === undefined) fail(key, 'does not hold the state of a snapshot')
}

function fail(key: ItemKey, problem: string): never {
  throw new SessionCorruptedError(key, problem)
}

/** What an item says, or undefined when it cannot be read, which another check reports. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

function groupByScope(items: readonly Item[]): { scope: NonNullable<ReturnType<typeof scopeOf>>; items: Item[] }[] {
  const groups = new Map<string, { scope: NonNullable<ReturnType<typeof scopeOf>>; items: Item[] }>()
  for (const item of items) {
    const scope = scopeOf(keyOf(item).sk)
    if (scope === undefined) continue
    const name = `${scope.scope}#${scope.scopeId}`
    const group = groups.get(name) ?? { scope, items: [] }
    group.items.push(item)
    groups.set(name, group)
  }
  return [...groups.values()]
}
