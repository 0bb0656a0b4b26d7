/** The SDK's `SnapshotStorage` on top of the log: receives whole snapshots, writes what is new in them. */

import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Snapshot, SnapshotLocation, SnapshotManifest, SnapshotStorage } from '@strands-agents/sdk'
import { KeyedQueue } from './concurrency.ts'
import { InvalidOptionError } from './errors.ts'
import { checkSessionId } from './ids.ts'
import { ImmutableSnapshots } from './immutable-snapshots.ts'
import { partitionKeyOf, ScopeKeys } from './keys.ts'
import { Lifetime } from './lifetime.ts'
import { ObjectStore } from './objects.ts'
import type { DynamoDBSnapshotStorageOptions } from './options.ts'
import { type ParsedStorageOptions, parseStorageOptions } from './parse-options.ts'
import type { Redaction } from './redaction.ts'
import { SessionDirectory } from './session-directory.ts'
import type { SessionInfo } from './session-item.ts'
import { SessionLog } from './session-log.ts'
import type { DeleteProgress } from './session-removal.ts'
import { openScope } from './shared-chunks.ts'
import { freeze, freezeMessage } from './snapshot.ts'
import { SessionTable } from './table.ts'
import { Turns } from './turns.ts'
import { ValueStore } from './values.ts'

/** Schema version of a manifest that was never saved: the SDK's own. */
const MANIFEST_VERSION = '1.0'

/** A scope's log and snapshots, with the key that its calls queue under. */
interface OpenScope {
  readonly log: SessionLog
  readonly snapshots: ImmutableSnapshots
  readonly keys: ScopeKeys
  readonly queueKey: string
  /** Redacted messages, until a save has removed their old text. */
  readonly redacted: Map<string, Redaction>
  readonly turns: Turns
  readonly values: ValueStore
  /** Whether the next save of the latest snapshot is the last one of a turn. */
  endsTurn: boolean
}

/**
 * Stores the snapshots of the SDK's own `SessionManager` in DynamoDB, as an append-only log.
 *
 * `DynamoDBSessionManager` uses it; use it yourself to keep the stock manager. One storage is one writer: what it knows
 * of a session it learned from its own loads and saves.
 *
 * @example
 * ```typescript
 * new SessionManager({ sessionId: 'user-123', storage: { snapshot: new DynamoDBSnapshotStorage({ tableName }) } })
 * ```
 */
export class DynamoDBSnapshotStorage implements SnapshotStorage {
  readonly #options: ParsedStorageOptions
  readonly #table: SessionTable
  readonly #objects: ObjectStore | undefined
  readonly #directory: SessionDirectory
  readonly #queue = new KeyedQueue()
  readonly #scopes = new Map<string, OpenScope>()

  /** @throws `InvalidOptionError` naming the first option that is wrong. */
  constructor(options: DynamoDBSnapshotStorageOptions) {
    this.#options = parseStorageOptions(options)
    this.#table = new SessionTable(this.#options.table)
    const { offload, table } = this.#options
    this.#objects = offload && new ObjectStore(offload, table)
    this.#directory = new SessionDirectory({
      ...this.#options,
      table: this.#table,
      objects: this.#objects,
      now: Date.now,
    })
  }

  /** How often this storage's requests had to be sent again. `onRetry` is told of each. */
  get retryCount(): number {
    return this.#table.retryCount + (this.#objects?.retryCount ?? 0)
  }

  /**
   * Saves a snapshot. The latest one is compared with what is stored: a message that was added is one `PutItem`, and
   * what has not changed is not written.
   *
   * @throws `SessionConflictError` when another writer has changed the session since it was loaded.
   */
  async saveSnapshot(params: {
    location: SnapshotLocation
    snapshotId: string
    isLatest: boolean
    snapshot: Snapshot
  }): Promise<void> {
    const scope = this.#open(params.location)
    const { log, snapshots, keys, queueKey, redacted, endsTurn } = scope
    const { snapshotId, isLatest } = params
    if (!isLatest) keys.snapshot(snapshotId)
    const snapshot = freeze(params.snapshot)
    // Only what was redacted when the snapshot was taken: a later redaction is in a later snapshot.
    const removing = new Map(redacted)
    if (isLatest) scope.endsTurn = false
    await this.#queue.run(queueKey, async () => {
      if (!isLatest) return snapshots.save(snapshotId, snapshot, removing)
      await log.save(snapshot, removing, endsTurn)
      for (const trackingId of removing.keys()) redacted.delete(trackingId)
    })
  }

  /**
   * Loads the latest snapshot, or an immutable one by its id.
   *
   * @returns null when there is none.
   * @throws `SessionNotFoundError` when the session does not exist and `autoCreate` is off; `SessionCorruptedError`
   * naming the item that cannot be read.
   */
  async loadSnapshot(params: { location: SnapshotLocation; snapshotId?: string }): Promise<Snapshot | null> {
    const { log, snapshots, keys, queueKey } = this.#open(params.location)
    const { snapshotId } = params
    if (snapshotId !== undefined) keys.snapshot(snapshotId)
    const snapshot = await this.#queue.run(queueKey, () =>
      snapshotId === undefined ? log.load() : snapshots.load(snapshotId),
    )
    if (snapshot === null || this.#options.restoreSystemPrompt) return snapshot
    // The SDK leaves alone what a snapshot does not mention.
    const { systemPrompt: _, ...data } = snapshot.data
    return { ...snapshot, data }
  }

  /**
   * Lists the ids of immutable snapshots, the oldest first. Reads only their small items, whatever the snapshots hold.
   *
   * @param params - `limit`: most ids to return. `startAfter`: the last id of the page before.
   */
  async listSnapshotIds(params: {
    location: SnapshotLocation
    limit?: number
    startAfter?: string
  }): Promise<string[]> {
    const { snapshots, keys } = this.#open(params.location)
    const { limit, startAfter } = params
    if (startAfter !== undefined) keys.snapshot(startAfter, 'startAfter')
    if (limit !== undefined && !Number.isInteger(limit)) {
      throw new InvalidOptionError('limit', limit, 'expected a whole number')
    }
    return limit !== undefined && limit <= 0 ? [] : snapshots.list(limit, startAfter)
  }

  /**
   * Deletes every item of a session. When it fails half-way, call it again: the session reads as absent from the start,
   * and the second call completes the deletion.
   *
   * @param params - `onProgress`: called after each batch of up to 25 items.
   */
  async deleteSession(params: { sessionId: string; onProgress?: (progress: DeleteProgress) => void }): Promise<void> {
    const { logger } = this.#options
    checkSessionId(params.sessionId)
    if (params.onProgress !== undefined && typeof params.onProgress !== 'function') {
      throw new InvalidOptionError('onProgress', params.onProgress, 'expected a function')
    }
    await this.#directory.delete(params.sessionId, params.onProgress)
    this.forgetSession(params)
    logger.info(`session_id=<${params.sessionId}> | session deleted`)
  }

  /** Loads the SDK's manifest; the SDK's own default when there is none. */
  async loadManifest(params: { location: SnapshotLocation }): Promise<SnapshotManifest> {
    const { values, keys, log } = this.#open(params.location)
    const manifest = await values.load(keys.manifest())
    if (manifest !== undefined && !(await log.hasExpired())) return manifest as SnapshotManifest
    return { schemaVersion: MANIFEST_VERSION, updatedAt: new Date().toISOString() }
  }

  /** Saves the SDK's manifest. */
  async saveManifest(params: { location: SnapshotLocation; manifest: SnapshotManifest }): Promise<void> {
    const { keys, values, log } = this.#open(params.location)
    // Says what the manifest's own time to live is to be.
    await log.hasExpired()
    await values.save(keys.manifest(), JSON.stringify(params.manifest))
  }

  /** Creates a session, or refreshes the item of one that exists: its owner, its title and when it was active. */
  async createSession(params: { sessionId: string }): Promise<void> {
    await this.#directory.create(params.sessionId, this.#lifetime())
  }

  /** What the table knows of a session, or undefined when there is none. */
  async findSession(params: { sessionId: string }): Promise<SessionInfo | undefined> {
    return this.#directory.find(params.sessionId)
  }

  /** Forgets what this storage knows of a session, so that it is read again. For a session that others have deleted. */
  forgetSession(params: { sessionId: string }): void {
    const pk = partitionKeyOf(params.sessionId, this.#options.tenantId)
    for (const { keys, log } of this.#scopes.values()) {
      if (keys.pk === pk) log.forget()
    }
  }

  /** The turns of an agent. */
  turns(location: SnapshotLocation): Turns {
    return this.#open(location).turns
  }

  /** Says that the next save of the latest snapshot is the last one of a turn. */
  endTurn(location: SnapshotLocation): void {
    this.#open(location).endsTurn = true
  }

  /** Digest of the state that was stored when a scope was last read or written. */
  storedStateDigest(location: SnapshotLocation): string | undefined {
    return this.#open(location).log.stateDigest()
  }

  /**
   * Says that a message was redacted. The next save of the latest snapshot overwrites every row that held its old text,
   * in immutable snapshots too.
   *
   * @param message - What takes the message's place: a `Message` or its JSON, with the same `trackingId`.
   * @param stashReferences - References of the entries that a context manager's stash had made of it.
   */
  redact(
    location: SnapshotLocation,
    message: { readonly trackingId?: string | undefined },
    stashReferences: readonly string[] = [],
  ): void {
    const { redacted } = this.#open(location)
    const frozen = freezeMessage(message)
    if (frozen.trackingId === undefined) {
      throw new InvalidOptionError('message.trackingId', undefined, 'expected the id of the message to redact')
    }
    redacted.set(frozen.trackingId, { message: frozen, stashReferences })
  }

  #open(location: SnapshotLocation): OpenScope {
    const { tenantId } = this.#options
    const lifetime = this.#lifetime()
    const table = this.#table.expiring(() => lifetime.itemExpiry())
    const { compression } = this.#options
    const values = new ValueStore(table, { compression, objects: this.#objects })
    const keys = new ScopeKeys(location, tenantId)
    const queueKey = `${keys.pk}/${keys.logPrefix}`
    const open = this.#scopes.get(queueKey)
    if (open !== undefined) return open
    const store = openScope({ table, values, keys })
    const log = new SessionLog({
      ...this.#options,
      ...store,
      directory: this.#directory,
      sessionId: location.sessionId,
      scopeId: location.scopeId,
      lifetime,
      now: Date.now,
      nonce: randomBytes(6).toString('base64url'),
    })
    const snapshots = new ImmutableSnapshots(store, log)
    const { sessionId, scopeId } = location
    const enqueue = <T>(task: () => Promise<T>): Promise<T> => this.#queue.run(queueKey, task)
    const turns = new Turns({ ...store, log, sessionId, scopeId, enqueue, now: Date.now, pause: delay })
    const opened = {
      log,
      snapshots,
      turns,
      values,
      keys,
      queueKey,
      redacted: new Map<string, Redaction>(),
      endsTurn: false,
    }
    this.#scopes.set(queueKey, opened)
    return opened
  }

  #lifetime(): Lifetime {
    return new Lifetime(this.#options.ttlSeconds, Date.now)
  }
}
