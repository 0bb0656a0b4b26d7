/** Calls the sample agent's HTTP interface: for the chat page, and for `npm run chat -- --url`. */

import { readEvents } from './server-sent-events.js'

/**
 * What happens while the agent answers.
 *
 * @typedef {{ type: 'session', sessionId: string }
 *   | { type: 'text', text: string }
 *   | { type: 'tool', toolUseId: string, name: string, status: 'started' | 'success' | 'error' }
 *   | { type: 'done', stopReason: string }} AgentEvent
 */

/**
 * A turn to run.
 *
 * @typedef {object} Turn
 * @property {string} prompt
 * @property {string} turnId - the same for each attempt, so that a retry is not a second turn
 * @property {string | undefined} [sessionId] - absent for a new session
 */

/**
 * @typedef {{ sessionId: string, title?: string, createdAt: string, updatedAt: string }} SessionSummary
 * @typedef {{ sessions: SessionSummary[], cursor?: string }} SessionPage
 * @typedef {{ role: 'user' | 'assistant', text: string, tools?: string[] }} StoredMessage
 * @typedef {(path: string, init: RequestInit) => Promise<Response>} Send
 */

/** The agent refused a request or could not complete it. */
export class AgentError extends Error {
  /**
   * @param {string} code - the protocol's, or `unreachable`, `cut_off` and `unexpected` for what it does not cover
   * @param {string} message - for people
   * @param {{ status?: number, retryAfter?: number, cause?: unknown }} [facts] - `retryAfter` in seconds
   */
  constructor(code, message, { status, retryAfter, cause } = {}) {
    super(message, { cause })
    this.name = 'AgentError'
    this.code = code
    this.status = status
    this.retryAfter = retryAfter
  }
}

/** The agent's operations. Each throws an {@link AgentError} when it fails. */
export class AgentClient {
  /** @param {Send} send - sends a request to a path of the agent's */
  constructor(send) {
    /** @readonly */
    this.send = send
  }

  /**
   * Runs a turn and tells what happens in it, up to and with `done`.
   *
   * @param {Turn} turn
   * @param {AbortSignal} [signal] - stops the answer
   * @returns {AsyncGenerator<AgentEvent, void, undefined>}
   */
  async *chat({ prompt, turnId, sessionId }, signal) {
    const body = JSON.stringify({ prompt, turnId, ...(sessionId !== undefined && { sessionId }) })
    const headers = { 'content-type': 'application/json', accept: 'text/event-stream' }
    const response = await this.#request('/chat', { method: 'POST', headers, body, ...(signal && { signal }) })
    if (response.body === null) throw new AgentError('unexpected', 'The agent gave no answer.')
    try {
      for await (const { event, data } of readEvents(response.body)) {
        const fields = JSON.parse(data)
        if (event === 'error') throw new AgentError(fields.code, fields.message)
        yield { type: event, ...fields }
        if (event === 'done') return
      }
    } catch (cause) {
      if (cause instanceof AgentError || signal?.aborted) throw cause
      throw new AgentError('cut_off', 'The connection was lost before the answer was complete.', { cause })
    }
    throw new AgentError('cut_off', 'The answer ended before it was complete.')
  }

  /**
   * The caller's sessions, the most recent first.
   *
   * @param {string} [cursor] - of the page before
   * @returns {Promise<SessionPage>}
   */
  async sessions(cursor) {
    const query = cursor === undefined ? '' : `?cursor=${encodeURIComponent(cursor)}`
    return jsonOf(await this.#request(`/sessions${query}`, {}))
  }

  /**
   * A session's conversation; undefined when the caller has no such session.
   *
   * @param {string} sessionId
   * @returns {Promise<StoredMessage[] | undefined>}
   */
  async messages(sessionId) {
    try {
      const response = await this.#request(`/sessions/${encodeURIComponent(sessionId)}`, {})
      return (await jsonOf(response)).messages
    } catch (error) {
      if (error instanceof AgentError && error.code === 'not_found') return undefined
      throw error
    }
  }

  /** @param {string} sessionId */
  async delete(sessionId) {
    await this.#request(`/sessions/${encodeURIComponent(sessionId)}`, { method: 'DELETE' })
  }

  /**
   * @param {string} path
   * @param {RequestInit} init
   * @returns {Promise<Response>}
   */
  async #request(path, init) {
    const response = await this.send(path, init).catch((cause) => {
      if (init.signal?.aborted) throw cause
      throw new AgentError('unreachable', 'The agent cannot be reached.', { cause })
    })
    if (!response.ok) throw await refusalOf(response)
    return response
  }
}

/**
 * What a response that was promised to be JSON holds.
 *
 * @param {Response} response
 * @returns {Promise<any>}
 */
async function jsonOf(response) {
  try {
    return await response.json()
  } catch (cause) {
    throw new AgentError('unexpected', 'The agent answered with something else than JSON.', { cause })
  }
}

/**
 * The error that a response stands for.
 *
 * @param {Response} response
 * @returns {Promise<AgentError>}
 */
async function refusalOf(response) {
  const { status } = response
  const text = await response.text().catch(() => '')
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN)
  const facts = { status, ...(retryAfter >= 0 && { retryAfter }) }
  const { code, message } = errorIn(text)
  return new AgentError(code ?? 'unexpected', message ?? `The agent answered with HTTP ${status}.`, facts)
}

/**
 * @param {string} text - a response's body
 * @returns {{ code?: string, message?: string }} nothing for a body that is not the agent's
 */
function errorIn(text) {
  try {
    return JSON.parse(text).error ?? {}
  } catch {
    return {}
  }
}
