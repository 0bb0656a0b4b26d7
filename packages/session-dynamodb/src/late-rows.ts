/** Rows that go into the log whatever becomes of their session, and are taken back when it is not there any more. */

import { SessionConflictError } from './errors.ts'
import { belongsTo } from './incarnation.ts'
import { type Head, parseHead } from './items.ts'
import { SESSION_SORT_KEY } from './keys.ts'
import { conflict, takeBack, type WrittenRow } from './log-writer.ts'
import type { Pen } from './pen.ts'

/** The rows that one writer has written since it last knew that the session exists. */
export class LateRows {
  #rows: WrittenRow[] = []

  add(row: WrittenRow): void {
    this.#rows.push(row)
  }

  /** The session exists: the rows are part of it. */
  confirm(): void {
    this.#rows = []
  }

  /**
   * Looks whether the session has been deleted in the meantime, or pruned beyond the rows by others who were far ahead, and
   * takes the rows back if so.
   *
   * @throws {@link SessionConflictError} when it has been.
   */
  async check(pen: Pen): Promise<void> {
    if (this.#rows.length === 0) return
    const key = pen.keys.head()
    const item = await pen.table.get(key, true)
    const head = item && parseHead(item)
    const rows = this.#rows
    this.confirm()
    const isSame = head?.incarnation === pen.incarnation
    const first = Math.min(...rows.map(({ seq }) => seq))
    if (isSame && (head.pruned ?? 0) < first) return pen.shared.confirm()
    await takeBack(pen, rows)
    // Others of the same life may refer to the chunks by now.
    if (isSame) throw conflict(pen, key, `rows before ${first}`, item)
    await pen.shared.takeBack()
    const { sessionId, scopeId } = pen
    const expected = `the session begun at ${pen.incarnation}`
    const actual = head === undefined ? 'nothing: it was deleted' : `the one begun at ${head.incarnation}`
    throw new SessionConflictError({ sessionId, scopeId, key: SESSION_SORT_KEY, expected, actual })
  }

  /**
   * Waits for the write of a head or a state. One that is refused may mean that the session was deleted: the rows must not
   * stay then. A head that was found says that it was not; a state does not, because a deletion takes heads first.
   */
  async unlessRefused(pen: Pen, { pruned }: Pick<Head, 'pruned'>, write: Promise<void>): Promise<void> {
    try {
      await write
    } catch (error) {
      const isRefused = error instanceof SessionConflictError
      if (isRefused && (pruned !== undefined || !isAnotherHead(pen, error))) await this.check(pen)
      throw error
    }
  }
}

/** Whether a write was refused because of another head of the same life of the session. */
function isAnotherHead(pen: Pen, { key, writer }: SessionConflictError): boolean {
  return key === pen.keys.head().sk && writer !== undefined && belongsTo(writer, pen.incarnation)
}
