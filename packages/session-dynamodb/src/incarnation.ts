/**
 * Lives of a session: a session that is deleted and created again is a new one, whatever a late writer left of the old.
 *
 * An incarnation is a time in milliseconds, base 36, so that a later one sorts behind an earlier one; a writer is an
 * incarnation and a random part. Pure.
 */

/** Characters of an incarnation: enough until the year 5188. */
const LENGTH = 9

/** The incarnation that begins at a time in milliseconds since the epoch. */
export function incarnationAt(milliseconds: number): string {
  return milliseconds.toString(36).padStart(LENGTH, '0')
}

/** A writer's name in one incarnation. */
export function writerOf(incarnation: string, nonce: string): string {
  return `${incarnation}-${nonce}`
}

/** The incarnation in which a writer wrote. */
export function incarnationOf(writer: string): string {
  return writer.slice(0, LENGTH)
}

/** Whether a writer wrote in an incarnation. */
export function belongsTo(writer: string, incarnation: string): boolean {
  return writer.startsWith(`${incarnation}-`)
}
