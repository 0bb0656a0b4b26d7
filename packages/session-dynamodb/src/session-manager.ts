/** `DynamoDBSessionManager`: the bridge between Strands agents and the log. */

import { AsyncLocalStorage } from 'node:async_hooks'
import {
  AfterInvocationEvent,
  Agent,
  Graph,
  type LocalAgent,
  SessionManager,
  type SnapshotStorage,
  Swarm,
} from '@strands-agents/sdk'
import type { MultiAgentState } from '@strands-agents/sdk/multiagent'
import { AgentSession } from './agent-session.ts'
import { documentClientOf } from './client.ts'
import { SdkMismatchError } from './errors.ts'
import type { DynamoDBSessionManagerOptions } from './options.ts'
import { type ParsedManagerOptions, parseManagerOptions } from './parse-options.ts'
import type { SessionInfo } from './session-item.ts'
import type { DeleteProgress } from './session-removal.ts'
import { DynamoDBSnapshotStorage } from './snapshot-storage.ts'

/** What the manager saves and restores. */
type Target = LocalAgent | Graph | Swarm

/**
 * Keeps the conversation of an `Agent`, a `Graph` or a `Swarm` in DynamoDB, so that any process can go on with it.
 *
 * Does all that the SDK's `SessionManager` does, and beyond it: saves each message as one item, once; saves the window
 * after the conversation manager has trimmed it; lets only one writer at a time run a turn; repairs what a crash has cut
 * short; and removes redacted text from every item that held it.
 *
 * @example
 * ```typescript
 * const sessionManager = new DynamoDBSessionManager({ sessionId: 'user-123', tableName: 'agent-sessions' })
 * const agent = new Agent({ sessionManager })
 * ```
 */
export class DynamoDBSessionManager extends SessionManager {
  readonly #options: ParsedManagerOptions
  readonly #storageOptions: DynamoDBSessionManagerOptions
  /** For what concerns the whole session. */
  readonly #storage: DynamoDBSnapshotStorage
  /** One writer for each agent or orchestrator: two with the same id in one process are as safe as in two. */
  readonly #writers: WeakMap<Target, DynamoDBSnapshotStorage>
  readonly #storages: Set<WeakRef<DynamoDBSnapshotStorage>>
  /** Whose storage the SDK's own code is to use: it knows only ids. */
  readonly #current: AsyncLocalStorage<DynamoDBSnapshotStorage>
  readonly #retries: { readonly count: number }

  /** @throws `InvalidOptionError` naming the first option that is wrong. Sends no request. */
  constructor(options: DynamoDBSessionManagerOptions) {
    const parsed = parseManagerOptions(options)
    const retries = { count: 0 }
    const storageOptions: DynamoDBSessionManagerOptions = {
      ...options,
      client: documentClientOf(options),
      clientConfig: undefined,
      onRetry: (retry) => {
        retries.count += retry.repetitions
        parsed.onRetry?.(retry)
      },
    }
    const storage = new DynamoDBSnapshotStorage(storageOptions)
    const current = new AsyncLocalStorage<DynamoDBSnapshotStorage>()
    super({
      sessionId: parsed.sessionId,
      storage: { snapshot: routeTo(() => current.getStore() ?? storage) },
      // Agents save through the hooks of their own sessions; the SDK's hook is left with the snapshot trigger.
      saveLatestOn: 'trigger',
      multiAgentSaveLatestOn: parsed.multiAgentSaveLatestOn,
      ...(parsed.snapshotTrigger === undefined ? {} : { snapshotTrigger: parsed.snapshotTrigger }),
    })
    this.#options = parsed
    this.#storageOptions = storageOptions
    this.#storage = storage
    this.#writers = new WeakMap()
    this.#storages = new Set()
    this.#current = current
    this.#retries = retries
  }

  /** How often this manager's requests had to be sent again. `onRetry` is told of each. */
  get retryCount(): number {
    return this.#retries.count
  }

  /**
   * Registers the hooks of an agent. The SDK calls it.
   *
   * @throws `SdkMismatchError` for an agent of another copy of the SDK.
   */
  override initAgent(agent: LocalAgent): void {
    if (!(agent instanceof Agent)) throw new SdkMismatchError(`Agent '${agent.id}'`)
    const storage = this.#writerOf(agent)
    const session = new AgentSession({
      ...this.#options,
      agent,
      storage,
      restore: () => this.restoreSnapshot({ target: agent }),
      save: () => this.saveSnapshot({ target: agent, isLatest: true }),
    })
    session.register()
    super.initAgent(
      withHooks(agent, (event, call) => {
        const run = (): Promise<void> => this.#current.run(storage, call)
        return event instanceof AfterInvocationEvent ? session.guardEnd(run) : run()
      }),
    )
  }

  /**
   * Registers the hooks of a graph or a swarm. The SDK calls it.
   *
   * @throws `SdkMismatchError` for an orchestrator of another copy of the SDK.
   */
  override initMultiAgent(orchestrator: Parameters<SessionManager['initMultiAgent']>[0]): void {
    if (!(orchestrator instanceof Graph || orchestrator instanceof Swarm)) {
      throw new SdkMismatchError(`Orchestrator '${orchestrator.id}'`)
    }
    const storage = this.#writerOf(orchestrator)
    super.initMultiAgent(withHooks(orchestrator, (_, call) => this.#current.run(storage, call)))
  }

  /** Saves a snapshot of an agent or an orchestrator: the latest, or an immutable one. */
  override saveSnapshot(params: { target: LocalAgent; isLatest: boolean }): Promise<void>
  override saveSnapshot(params: { target: Graph | Swarm; state?: MultiAgentState; isLatest: boolean }): Promise<void>
  override saveSnapshot(params: { target: Target; state?: MultiAgentState; isLatest: boolean }): Promise<void> {
    const save: (of: typeof params) => Promise<void> = super.saveSnapshot.bind(this) as never
    return this.#current.run(this.#writerOf(params.target), () => save(params))
  }

  /** Restores the latest snapshot, or an immutable one by its id. Returns false when there is none. */
  override restoreSnapshot(params: { target: LocalAgent; snapshotId?: string }): Promise<boolean>
  override restoreSnapshot(params: {
    target: Graph | Swarm
    state?: MultiAgentState
    snapshotId?: string
  }): Promise<boolean>
  override restoreSnapshot(params: { target: Target; state?: MultiAgentState; snapshotId?: string }): Promise<boolean> {
    const restore: (of: typeof params) => Promise<boolean> = super.restoreSnapshot.bind(this) as never
    return this.#current.run(this.#writerOf(params.target), () => restore(params))
  }

  /** Creates the session, or refreshes its owner, its title and when it was active. */
  async createSession(): Promise<void> {
    await this.#storage.createSession({ sessionId: this.sessionId })
  }

  /** What the table knows of the session, or undefined when it does not exist. */
  async findSession(): Promise<SessionInfo | undefined> {
    return this.#storage.findSession({ sessionId: this.sessionId })
  }

  /**
   * Deletes every item of the session. When it fails half-way, call it again to complete it.
   *
   * @param options - `onProgress`: called after each batch of up to 25 items.
   */
  override async deleteSession(options: { onProgress?: (progress: DeleteProgress) => void } = {}): Promise<void> {
    await this.#storage.deleteSession({ sessionId: this.sessionId, ...options })
    for (const storage of this.#storages) storage.deref()?.forgetSession({ sessionId: this.sessionId })
    // The SDK's own deletion finds nothing left in the table; it clears the context manager's stash.
    await super.deleteSession()
  }

  #writerOf(target: Target): DynamoDBSnapshotStorage {
    const known = this.#writers.get(target)
    if (known !== undefined) return known
    const storage = new DynamoDBSnapshotStorage(this.#storageOptions)
    this.#writers.set(target, storage)
    this.#storages.add(new WeakRef(storage))
    return storage
  }
}

/** A storage that forwards each call to the one that is in charge at that moment. */
function routeTo(current: () => DynamoDBSnapshotStorage): SnapshotStorage {
  return {
    saveSnapshot: (params) => current().saveSnapshot(params),
    loadSnapshot: (params) => current().loadSnapshot(params),
    listSnapshotIds: (params) => current().listSnapshotIds(params),
    deleteSession: (params) => current().deleteSession(params),
    loadManifest: (params) => current().loadManifest(params),
    saveManifest: (params) => current().saveManifest(params),
  }
}

/** The same agent or orchestrator, except that hooks added through it run by way of `around`. */
function withHooks<T extends { addHook: (...args: never[]) => unknown }>(
  target: T,
  around: (event: unknown, call: () => Promise<void>) => Promise<void>,
): T {
  const addHook = (type: never, callback: (event: unknown) => Promise<void>, options: never): unknown =>
    target.addHook(type, ((event: unknown) => around(event, () => callback(event))) as never, options)
  return Object.create(target, { addHook: { value: addHook } }) as T
}
