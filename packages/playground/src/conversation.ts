/** What the chat needs of a conversation, wherever its agent runs. */

/** What happens while the agent answers. */
export type AnswerPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'tool'; readonly name: string; readonly input?: string; readonly result: string }

/** A line of the history. */
export interface HistoryLine {
  readonly role: 'user' | 'assistant' | 'tool'
  readonly text: string
}

/** A session in the user's list. */
export interface ListedSession {
  readonly sessionId: string
  /** ISO 8601. */
  readonly updatedAt: string
}

/** A conversation in one session at a time. */
export interface Conversation {
  readonly sessionId: string
  /**
   * Opens a session: what the table has of it is there again.
   *
   * @param sessionId - Session to open. @defaultValue the same one again
   * @returns messages that were there
   */
  open(sessionId?: string): Promise<number>
  /** Asks the agent; the parts of its answer come as they are made. */
  ask(question: string): AsyncGenerator<AnswerPart>
  /** Stops an answer that is being given. */
  cancel(): void
  /** What the model sees of the conversation. */
  history(): readonly HistoryLine[] | Promise<readonly HistoryLine[]>
  /** The user's sessions, newest first; undefined when sessions belong to nobody. A cursor says that there are more. */
  sessions(): Promise<{ readonly sessions: readonly ListedSession[]; readonly cursor?: string } | undefined>
  /** Deletes the session from the table; the conversation starts empty. */
  delete(onProgress: (deleted: number) => void): Promise<void>
}
