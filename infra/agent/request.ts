/** Reads and checks what a caller asks for. Pure. */

import { createHash } from 'node:crypto'
import { RefusedError } from './http.ts'

/** What `POST /chat` asks for. */
export interface ChatRequest {
  readonly prompt: string
  readonly sessionId: string
  /** Names the turn: the same again is the same turn. */
  readonly turnId: string
  /** Whether the caller named no session: this request begins one, or is a retry of the one that did. */
  readonly isNewSession: boolean
}

/** Where the parts of a chat request come from when its body does not say. */
export interface ChatDefaults {
  /** The session that the host assigns; it goes before the body's. */
  readonly sessionId?: string | undefined
  /** Names the turn when the body does not. */
  readonly requestId: string
}

/** Longest body, in bytes. Function URLs take 6 MB; no prompt needs that. */
export const MAX_BODY_BYTES = 1_000_000

/** Longest prompt, in characters. */
export const MAX_PROMPT_LENGTH = 100_000

/** Longest turn id, in characters: what the session manager takes. */
const MAX_TURN_ID_LENGTH = 256

/** Reads the body of a chat request. @throws {@link RefusedError} that says what is wrong. */
export function parseChat(body: string, defaults: ChatDefaults): ChatRequest {
  const fields = parseObject(body)
  const prompt = parsePrompt(fields['prompt'])
  const turnId = parseTurnId(fields['turnId']) ?? defaults.requestId
  const sessionId = defaults.sessionId ?? parseSessionId(fields['sessionId'])
  return { prompt, turnId, sessionId: sessionId ?? sessionIdFor(turnId), isNewSession: sessionId === undefined }
}

/** The id of a new session: a UUID that follows from its first turn, so that a retry finds the session again. */
export function sessionIdFor(turnId: string): string {
  const hex = createHash('sha256').update(turnId).digest('hex')
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 3) | 8).toString(16)
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-')
}

function parseObject(body: string): Record<string, unknown> {
  if (Buffer.byteLength(body) > MAX_BODY_BYTES) {
    throw new RefusedError(413, 'too_large', `body: expected at most ${MAX_BODY_BYTES} bytes`)
  }
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch (cause) {
    throw new RefusedError(400, 'bad_request', 'body: expected JSON such as { "prompt": "Hello" }', { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new RefusedError(400, 'bad_request', 'body: expected an object such as { "prompt": "Hello" }')
  }
  return value as Record<string, unknown>
}

function parsePrompt(value: unknown): string {
  if (typeof value !== 'string') throw new RefusedError(400, 'bad_request', 'prompt: expected a text')
  const prompt = value.trim()
  if (prompt.length < 1 || prompt.length > MAX_PROMPT_LENGTH) {
    const message = `prompt: expected 1 to ${MAX_PROMPT_LENGTH} characters, got ${prompt.length}`
    throw new RefusedError(400, 'bad_request', message)
  }
  return prompt
}

function parseTurnId(value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'string' && value.length >= 1 && value.length <= MAX_TURN_ID_LENGTH) return value
  throw new RefusedError(400, 'bad_request', `turnId: expected 1 to ${MAX_TURN_ID_LENGTH} characters`)
}

/** Which characters a session id may have is for the session manager to say. */
function parseSessionId(value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value
  throw new RefusedError(400, 'bad_request', 'sessionId: expected a text')
}
