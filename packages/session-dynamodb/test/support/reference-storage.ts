/** The SDK's own file storage, with the two things in which the log differs from it on purpose. */

import { FileStorage, type Snapshot, type SnapshotLocation } from '@strands-agents/sdk'
import { type ConversationMessage, numberOf, type Redaction } from './conversation.ts'

/** What the log must give back, as the SDK's `FileStorage` gives it back. */
export class ReferenceStorage {
  readonly #files: FileStorage

  constructor(folder: string) {
    this.#files = new FileStorage(folder)
  }

  /**
   * Saves the latest snapshot. The first difference: one that is the stored one but for its time changes nothing. The
   * second: what was redacted is redacted in immutable snapshots too.
   */
  async saveLatest(location: SnapshotLocation, snapshot: Snapshot, redactions: readonly Redaction[]): Promise<void> {
    for (const redaction of redactions) await this.#redact(location, redaction)
    const stored = await this.load(location)
    if (stored !== null && withoutTime(stored) === withoutTime(snapshot)) return
    await this.#files.saveSnapshot({ location, snapshotId: 'latest', isLatest: true, snapshot })
  }

  async saveImmutable(location: SnapshotLocation, snapshotId: string, snapshot: Snapshot): Promise<void> {
    await this.#files.saveSnapshot({ location, snapshotId, isLatest: false, snapshot })
  }

  async load(location: SnapshotLocation, snapshotId?: string): Promise<Snapshot | null> {
    return this.#files.loadSnapshot({ location, ...(snapshotId === undefined ? {} : { snapshotId }) })
  }

  async listSnapshotIds(location: SnapshotLocation): Promise<string[]> {
    return this.#files.listSnapshotIds({ location })
  }

  async deleteSession(sessionId: string): Promise<void> {
    await this.#files.deleteSession({ sessionId })
  }

  async #redact(location: SnapshotLocation, { replacement }: Redaction): Promise<void> {
    for (const snapshotId of await this.listSnapshotIds(location)) {
      const snapshot = await this.load(location, snapshotId)
      const messages = snapshot?.data['messages']
      if (snapshot === null || !Array.isArray(messages)) continue
      const old = messages as unknown as ConversationMessage[]
      const redacted = old.map((message) => (numberOf(message) === numberOf(replacement) ? replacement : message))
      const data = { ...snapshot.data, messages: redacted as unknown as Snapshot['data'][string] }
      await this.saveImmutable(location, snapshotId, { ...snapshot, data })
    }
  }
}

/** As the log compares: the messages apart from the rest, each as text. */
function withoutTime(snapshot: Snapshot): string {
  const { createdAt: _, data, ...rest } = snapshot
  const { messages, ...others } = data
  return JSON.stringify([rest, others, { messages }])
}
