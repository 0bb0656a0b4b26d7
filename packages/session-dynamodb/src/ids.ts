/** Ids that callers give: what they may be, and how they are escaped, so that none reaches into another one's keys. Pure. */

import { InvalidOptionError } from './errors.ts'

/** Longest id, in characters. Escaped it can be longer, so keys are also held against DynamoDB's limits in bytes. */
export const MAX_ID_LENGTH = 256

/** What the SDK allows in a session id. */
const SESSION_ID = /^[a-z0-9_-]+$/

/** Control characters, which no console can show. */
const CONTROL_CHARACTER = /\p{Cc}/u

/**
 * Checks a session id: 1 to {@link MAX_ID_LENGTH} lowercase letters, digits, hyphens and underscores, as the SDK has it.
 *
 * @throws {@link InvalidOptionError} naming `sessionId`.
 */
export function checkSessionId(sessionId: unknown): string {
  if (typeof sessionId !== 'string' || !SESSION_ID.test(sessionId) || sessionId.length > MAX_ID_LENGTH) {
    throw new InvalidOptionError(
      'sessionId',
      sessionId,
      `expected 1 to ${MAX_ID_LENGTH} lowercase letters, digits, hyphens and underscores`,
    )
  }
  return sessionId
}

/**
 * Checks an id that is escaped in keys: 1 to {@link MAX_ID_LENGTH} characters of well-formed Unicode, no control
 * characters.
 *
 * @throws {@link InvalidOptionError} naming `field`.
 */
export function checkId(field: string, id: unknown): string {
  if (isId(id)) return id
  const expectation = `expected 1 to ${MAX_ID_LENGTH} characters of well-formed text without control characters`
  throw new InvalidOptionError(field, id, expectation)
}

/** Whether a value is an id that {@link checkId} takes. */
export function isId(id: unknown): id is string {
  if (typeof id !== 'string' || id.length === 0 || id.length > MAX_ID_LENGTH) return false
  return !CONTROL_CHARACTER.test(id) && id.isWellFormed()
}

/** Percent-encoding leaves no `#`, so that no id can reach into another one's keys, and stays readable for plain ids. */
export function escapeId(id: string): string {
  return encodeURIComponent(id)
}

/** The id that was escaped so, or undefined when none is. */
export function unescapeId(escaped: string): string | undefined {
  try {
    const id = decodeURIComponent(escaped)
    return escapeId(id) === escaped ? id : undefined
  } catch {
    return undefined
  }
}
