/** A session with every kind of item, which is damaged, read in every way, and put right again. */

import { deepStrictEqual } from 'node:assert'
import { randomUUID } from 'node:crypto'
import type { Snapshot } from '@strands-agents/sdk'
import {
  AnswerNotSavedError,
  DynamoDBSessionError,
  DynamoDBSnapshotStorage,
  listSessions,
  NewerFormatError,
  SessionCorruptedError,
  verifySession,
} from 'strands-session-dynamodb'
import { type Damage, type Damaged, inflict } from './damage.ts'
import {
  type FuzzedScope,
  fillLarge,
  fillSmall,
  type KINDS,
  kindOf,
  NOTHING,
  newestOf,
  type Size,
} from './fuzzed-scopes.ts'
import { type RawItems, rawItemsOf } from './raw-items.ts'
import { ScriptedModel } from './scripted-model.ts'
import { summaryOf } from './stored-items.ts'
import type { TestTable } from './table.ts'
import { always, type TestSession, testSession } from './test-session.ts'

/** A session that is damaged again and again. */
export class FuzzedSession {
  readonly #table: TestTable
  readonly #session: TestSession
  readonly #items: RawItems
  readonly #scopes: readonly FuzzedScope[]
  #errors: unknown[] = []

  private constructor(table: TestTable, session: TestSession, items: RawItems, scopes: readonly FuzzedScope[]) {
    this.#table = table
    this.#session = session
    this.#items = items
    this.#scopes = scopes
  }

  static async create(table: TestTable, size: Size): Promise<FuzzedSession> {
    const sessionId = randomUUID()
    const session = testSession(table, { sessionId, owner: sessionId, turnWaitMs: 0, touchIntervalSeconds: 1 })
    const scopes = await (size === 'small' ? fillSmall(table, session) : fillLarge(session))
    const items = await rawItemsOf(table, `session#${session.sessionId}`)
    const fuzzed = new FuzzedSession(table, session, items, scopes)
    const storage = fuzzed.#storage()
    for (const scope of scopes) {
      scope.latest = await storage.loadSnapshot(scope)
      for (const snapshotId of await storage.listSnapshotIds(scope)) {
        scope.snapshots.set(snapshotId, await storage.loadSnapshot({ ...scope, snapshotId }))
      }
    }
    return fuzzed
  }

  /** Damages an item, and reads the session. Returns what came of it; throws when that was not right. */
  async play(kind: (typeof KINDS)[number], at: number, damage: Damage): Promise<string> {
    const candidates = [...this.#items.intact.keys()].filter((sk) => kindOf(sk) === kind)
    const sk = candidates[at % candidates.length]
    if (sk === undefined) return 'left alone'
    this.#errors = []
    try {
      const damaged = await inflict(this.#items, sk, damage, kindOf)
      if (damaged === undefined) return 'left alone'
      const touched = [sk, ...damaged.deleted, ...damaged.written]
      const affected = this.#scopes.filter(({ prefix }) => touched.some((each) => each.startsWith(prefix)))
      await this.#checkDirectory(damaged)
      for (const scope of affected) await this.#checkReads(scope, damaged)
      await this.#checkVerify()
      for (const scope of affected) if (scope.location.scope === 'agent') await this.#checkTurns(scope, damaged, at)
      return this.#errors.length > 0 ? 'refused' : 'read as before'
    } catch (error) {
      throw new Error(
        `${sk} ${JSON.stringify(damage, (_, value) => (typeof value === 'function' ? value('<sk>') : value))}: ${String(error)}`,
        { cause: error },
      )
    } finally {
      await this.#items.reset()
    }
  }

  async #checkReads(scope: FuzzedScope, { deleted, written }: Damaged): Promise<void> {
    const storage = this.#storage()
    await this.#attempt(
      'the latest snapshot',
      () => storage.loadSnapshot(scope),
      (found) => this.#expectLatest(scope, found, deleted),
    )
    const markPrefix = `${scope.prefix}snapshot#`
    const marks = (sks: readonly string[]): string[] =>
      sks.filter((sk) => sk.startsWith(markPrefix)).map((sk) => sk.slice(markPrefix.length))
    const present = [...scope.snapshots.keys()].filter((id) => !marks(deleted).includes(id))
    await this.#attempt(
      'the list of snapshots',
      () => storage.listSnapshotIds(scope),
      (found) => {
        const strange = found.filter((id) => !scope.snapshots.has(id))
        deepStrictEqual(
          found.filter((id) => !strange.includes(id)),
          present,
        )
        deepStrictEqual(
          strange.filter((id) => !marks(written).includes(encodeURIComponent(id))),
          [],
        )
      },
    )
    for (const [snapshotId, snapshot] of scope.snapshots) {
      const expected = present.includes(snapshotId) ? snapshot : null
      await this.#attempt(
        'a snapshot',
        () => storage.loadSnapshot({ ...scope, snapshotId }),
        (found) => deepStrictEqual(found, expected),
      )
    }
    const manifest = `${scope.prefix}manifest`
    await this.#attempt(
      'the manifest',
      () => storage.loadManifest(scope),
      ({ schemaVersion }) => {
        deepStrictEqual(schemaVersion, this.#items.intact.has(manifest) && !deleted.includes(manifest) ? '7' : '1.0')
      },
    )
  }

  async #checkTurns(scope: FuzzedScope, damaged: Damaged, at: number): Promise<void> {
    const newest = newestOf(this.#items, scope)
    const turns = [...scope.turns]
    for (const [turnId, answer] of turns.slice(at % Math.max(1, turns.length)).slice(0, 1)) {
      const mayRun = damaged.deleted.includes(newest) || damaged.deleted.includes(`${scope.prefix}turn#${turnId}`)
      const model = new ScriptedModel(always('New.'))
      const agent = this.#session.agent(model, { id: scope.location.scopeId })
      await this.#attempt(
        'the answer of a turn',
        () => agent.invoke('Never stored', { invocationState: { turnId } }),
        ({ lastMessage }) => {
          if (!mayRun) deepStrictEqual([summaryOf(lastMessage.toJSON()), model.calls.length], [answer, 0])
        },
      )
      if (mayRun) return
    }
    const model = new ScriptedModel(always('New.'))
    const agent = this.#session.agent(model, { id: scope.location.scopeId })
    const before = textsOf(scope.latest)
    const asked = [...before, 'user: New?', 'assistant: New.']
    const isShorter = damaged.deleted.includes(newest)
    const isDone = await this.#attempt(
      'a turn',
      () => agent.invoke('New?'),
      () => {
        const seen = (JSON.parse(model.calls[0] ?? '[]') as unknown[]).map(summaryOf)
        if (!isShorter) deepStrictEqual(seen, asked.slice(0, -1))
      },
    )
    const isAnswered = this.#errors.at(-1) instanceof AnswerNotSavedError
    if (!isDone && !isAnswered) deepStrictEqual(model.calls.length, 0, 'a turn that is refused calls no model')
    await this.#attempt(
      'the session after the turn',
      () => this.#storage().loadSnapshot(scope),
      (found) => {
        if (isShorter) return
        const texts = textsOf(found)
        if (isDone || texts.length > before.length)
          deepStrictEqual(texts, asked.slice(0, isDone ? undefined : texts.length))
        else deepStrictEqual(texts, before)
      },
    )
  }

  async #checkDirectory({ deleted, written }: Damaged): Promise<void> {
    const { tableName, client } = this.#table
    const { sessionId } = this.#session
    await this.#attempt(
      'the session',
      () => this.#session.manager().findSession(),
      (found) => {
        // An item that was damaged may say that the session is being deleted.
        if (found === undefined) deepStrictEqual([...deleted, ...written].includes('session'), true)
        deepStrictEqual(found?.sessionId ?? sessionId, sessionId)
      },
    )
    await this.#attempt(
      'the list of sessions',
      () => listSessions({ tableName, client, owner: sessionId, limit: 1000 }),
      () => undefined,
    )
  }

  async #checkVerify(): Promise<void> {
    const { tableName, client } = this.#table
    const isCorrupted = this.#errors.some(
      (error) => error instanceof SessionCorruptedError || error instanceof NewerFormatError,
    )
    await this.#attempt(
      'the verification',
      () => verifySession({ sessionId: this.#session.sessionId, tableName, client }),
      ({ problems }) => {
        if (isCorrupted && problems.length === 0)
          throw new Error(`verifySession finds nothing, but: ${String(this.#errors[0])}`)
      },
    )
  }

  #expectLatest(scope: FuzzedScope, found: Snapshot | null, deleted: readonly string[]): void {
    if (!deleted.includes(newestOf(this.#items, scope))) {
      deepStrictEqual(found, scope.latest)
      return
    }
    const { createdAt: _, ...rest } = found ?? NOTHING
    const { createdAt: __, ...expected } = scope.latest ?? NOTHING
    const messages = Array.isArray(expected.data['messages']) ? expected.data['messages'].slice(0, -1) : []
    deepStrictEqual(rest, { ...expected, data: { ...expected.data, messages } })
  }

  /** Runs something that may fail with an error of this package. Returns whether it did not. */
  async #attempt<T>(what: string, run: () => Promise<T>, check: (value: T) => void): Promise<boolean> {
    const outcome = await run().then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    )
    if ('error' in outcome) {
      if (!(outcome.error instanceof DynamoDBSessionError))
        throw new Error(`${what}: ${describe(outcome.error)}`, { cause: outcome.error })
      this.#errors.push(outcome.error)
      return false
    }
    try {
      check(outcome.value)
    } catch (error) {
      throw new Error(`${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
    }
    return true
  }

  #storage(): DynamoDBSnapshotStorage {
    const { tableName, client } = this.#table
    return new DynamoDBSnapshotStorage({ tableName, client })
  }
}

function textsOf(snapshot: Snapshot | null): string[] {
  const messages = snapshot?.data['messages']
  return Array.isArray(messages) ? messages.map(summaryOf) : []
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
