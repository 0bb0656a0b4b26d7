/** Remembers the turn that is under way, so that a reload in the middle of it can go on with the same turn. */

/** @typedef {import('./agent-client.js').Turn} Turn */

const KEY = 'pending-turn:'

/**
 * Kept for this tab only: another one may have a turn of its own.
 *
 * @param {Turn} turn
 */
export function rememberTurn(turn) {
  if (turn.sessionId !== undefined) sessionStorage.setItem(KEY + turn.sessionId, JSON.stringify(turn))
}

/** @param {string | undefined} sessionId */
export function forgetTurn(sessionId) {
  if (sessionId !== undefined) sessionStorage.removeItem(KEY + sessionId)
}

/**
 * @param {string} sessionId
 * @returns {Turn | undefined}
 */
export function pendingTurn(sessionId) {
  const text = sessionStorage.getItem(KEY + sessionId)
  return text === null ? undefined : JSON.parse(text)
}
