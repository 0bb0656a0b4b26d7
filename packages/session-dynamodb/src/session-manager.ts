/** `DynamoDBSessionManager`: the bridge between Strands agents and the log. */

import {
  AfterInvocationEvent,
  AfterModelCallEvent,
  Agent,
  Graph,
  HookOrder,
  type LocalAgent,
  type Message,
  type SaveLatestStrategy,
  SessionManager,
  Swarm,
} from '@strands-agents/sdk'
import { SdkMismatchError } from './errors.ts'
import type { DynamoDBSessionManagerOptions } from './options.ts'
import { parseManagerOptions } from './parse-options.ts'
import type { DeleteProgress, SessionInfo } from './session-directory.ts'
import { DynamoDBSnapshotStorage } from './snapshot-storage.ts'

/**
 * Keeps the conversation of an `Agent`, a `Graph` or a `Swarm` in DynamoDB, so that any process can go on with it.
 *
 * Does all that the SDK's `SessionManager` does, and beyond it: saves each message as one item, once; saves the window
 * after the conversation manager has trimmed it; and removes redacted text from every item that held it.
 *
 * @example
 * ```typescript
 * const sessionManager = new DynamoDBSessionManager({ sessionId: 'user-123', tableName: 'agent-sessions' })
 * const agent = new Agent({ sessionManager })
 * ```
 */
export class DynamoDBSessionManager extends SessionManager {
  readonly #saveLatestOn: SaveLatestStrategy
  readonly #storage: DynamoDBSnapshotStorage

  /** @throws `InvalidOptionError` naming the first option that is wrong. Sends no request. */
  constructor(options: DynamoDBSessionManagerOptions) {
    const parsed = parseManagerOptions(options)
    const storage = new DynamoDBSnapshotStorage(options)
    super({
      sessionId: parsed.sessionId,
      storage: { snapshot: storage },
      saveLatestOn: parsed.saveLatestOn,
      multiAgentSaveLatestOn: parsed.multiAgentSaveLatestOn,
      ...(parsed.snapshotTrigger === undefined ? {} : { snapshotTrigger: parsed.snapshotTrigger }),
    })
    this.#saveLatestOn = parsed.saveLatestOn
    this.#storage = storage
  }

  /**
   * Registers the hooks of an agent. The SDK calls it.
   *
   * @throws `SdkMismatchError` for an agent of another copy of the SDK.
   */
  override initAgent(agent: LocalAgent): void {
    if (!(agent instanceof Agent)) throw new SdkMismatchError(`Agent '${agent.id}'`)
    agent.addHook(AfterModelCallEvent, (event) => this.#noteRedaction(event), { order: HookOrder.SDK_FIRST - 1 })
    super.initAgent(agent)
    if (this.#saveLatestOn === 'trigger') return
    // The SDK's own hook saves before the conversation manager trims and before late hooks of plugins change the state.
    const saveLate = async (event: AfterInvocationEvent): Promise<void> => {
      await this.saveSnapshot({ target: event.agent, isLatest: true })
    }
    agent.addHook(AfterInvocationEvent, saveLate, { order: HookOrder.SDK_LAST + 1 })
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
    super.initMultiAgent(orchestrator)
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
    // The SDK's own deletion finds nothing left in the table; it clears the context manager's stash.
    await super.deleteSession()
  }

  async #noteRedaction(event: AfterModelCallEvent): Promise<void> {
    const redacted = event.stopData?.redaction?.userMessage === undefined ? undefined : event.agent.messages.at(-1)
    if (redacted === undefined) return
    const location = { sessionId: this.sessionId, scope: 'agent', scopeId: event.agent.id } as const
    this.#storage.redact(location, redacted, await unstash(event.agent, redacted))
  }
}

/** Deletes what a context manager's stash has kept of a message. Returns the references of the entries. */
async function unstash(agent: LocalAgent, message: Message): Promise<string[]> {
  const stash = agent.contextManager?.stash
  if (stash === undefined) return []
  const ids = [
    message.trackingId,
    ...message.content.flatMap((block) => ('toolUseId' in block ? [block.toolUseId] : [])),
  ]
  // The stash names an entry by the message's or the tool use's id and the number of the block.
  const references = (await stash.list()).filter((reference) => ids.includes(reference.replace(/_\d+$/, '')))
  await Promise.all(references.map((reference) => stash.delete(reference)))
  return references
}
