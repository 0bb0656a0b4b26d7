import {
  InvalidOptionError,
  SessionBusyError,
  SessionConflictError,
  TableNotFoundError,
} from 'strands-session-dynamodb'
import { expect, test } from 'vitest'
import { RefusedError } from './http.ts'
import { namesOf, refusalOf } from './refusals.ts'

test.each([
  [new RefusedError(404, 'not_found', 'There is no such session.'), 404, 'not_found', {}],
  [new InvalidOptionError('sessionId', 'A b', 'expected another one'), 400, 'bad_request', {}],
  [new InvalidOptionError('tableName', undefined, 'expected a table'), 500, 'internal', {}],
  [
    new SessionBusyError({ sessionId: 's', scopeId: 'agent', writer: 'w', retryAfterMs: 41_001 }),
    409,
    'busy',
    { 'retry-after': '42' },
  ],
  [
    new SessionBusyError({ sessionId: 's', scopeId: 'agent', writer: 'w', retryAfterMs: -5 }),
    409,
    'busy',
    { 'retry-after': '1' },
  ],
  [
    new SessionConflictError({ sessionId: 's', scopeId: 'agent', key: 'k', expected: 'a', actual: 'b' }),
    409,
    'busy',
    { 'retry-after': '1' },
  ],
  [new TableNotFoundError('secret-table'), 500, 'internal', {}],
  ['a text', 500, 'internal', {}],
])('%s', (error, status, code, headers) => {
  const refusal = refusalOf(error)

  expect(refusal).toMatchObject({ status, code, headers })
  expect(refusal.message).not.toContain('secret')
})

test('an error is named with what caused it, and never quoted', () => {
  const cause = Object.assign(new Error('The prompt was: hello'), { name: 'AccessDeniedException' })

  expect(namesOf(new TypeError('hello', { cause }))).toBe('TypeError < AccessDeniedException')
  expect(namesOf('hello')).toBe('string')
})
