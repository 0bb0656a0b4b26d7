import { describe, expect, it } from 'vitest'
import { MAX_BODY_BYTES, MAX_PROMPT_LENGTH, parseChat, sessionIdFor } from './request.ts'

const defaults = { requestId: 'request-1' }

describe('parseChat', () => {
  it('takes what the body says', () => {
    const body = JSON.stringify({ prompt: ' Hello \n', sessionId: 's-1', turnId: 't-1' })

    expect(parseChat(body, defaults)).toEqual({ prompt: 'Hello', sessionId: 's-1', turnId: 't-1', isNewSession: false })
  })

  it('names the turn by the request, and a new session by its turn, so that a retry finds both again', () => {
    const first = parseChat('{"prompt":"Hello"}', defaults)

    expect(first).toMatchObject({ turnId: 'request-1', isNewSession: true })
    expect(first.sessionId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(parseChat('{"prompt":"Hello"}', defaults)).toEqual(first)
    expect(parseChat('{"prompt":"Hello"}', { requestId: 'request-2' }).sessionId).not.toBe(first.sessionId)
    expect(sessionIdFor('t-1')).toBe(parseChat('{"prompt":"Hello","turnId":"t-1"}', defaults).sessionId)
  })

  it('lets the host assign the session', () => {
    const parsed = parseChat('{"prompt":"Hello","sessionId":"other"}', { ...defaults, sessionId: 'assigned' })

    expect(parsed.sessionId).toBe('assigned')
  })

  it.each([
    ['', 400, /^body: expected JSON/],
    ['prompt=Hello', 400, /^body: expected JSON/],
    ['"Hello"', 400, /^body: expected an object/],
    ['null', 400, /^body: expected an object/],
    ['[]', 400, /^body: expected an object/],
    ['{}', 400, /^prompt: expected a text/],
    ['{"prompt":7}', 400, /^prompt: expected a text/],
    ['{"prompt":""}', 400, /^prompt: expected 1 to 100000 characters, got 0/],
    ['{"prompt":" \\n\\t "}', 400, /^prompt: expected 1 to 100000 characters, got 0/],
    [JSON.stringify({ prompt: 'x'.repeat(MAX_PROMPT_LENGTH + 1) }), 400, /got 100001/],
    [JSON.stringify({ prompt: 'x'.repeat(1_048_576) }), 413, /^body: expected at most 1000000 bytes/],
    [JSON.stringify({ prompt: 'ü'.repeat(MAX_BODY_BYTES / 2) }), 413, /^body: expected at most 1000000 bytes/],
    ['{"prompt":"Hello","turnId":""}', 400, /^turnId: expected 1 to 256 characters/],
    ['{"prompt":"Hello","turnId":7}', 400, /^turnId: /],
    [JSON.stringify({ prompt: 'Hello', turnId: 'x'.repeat(257) }), 400, /^turnId: /],
    ['{"prompt":"Hello","sessionId":null}', 400, /^sessionId: expected a text/],
  ])('refuses %.40s', (body, status, message) => {
    expect(() => parseChat(body, defaults)).toThrow(
      expect.objectContaining({ status, message: expect.stringMatching(message) }),
    )
  })

  it('takes the longest prompt', () => {
    const prompt = 'x'.repeat(MAX_PROMPT_LENGTH)

    expect(parseChat(JSON.stringify({ prompt }), defaults).prompt).toBe(prompt)
  })
})
