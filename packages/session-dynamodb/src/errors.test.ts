import { Message, TextBlock } from '@strands-agents/sdk'
import { describe, expect, it, test } from 'vitest'
import {
  AnswerNotSavedError,
  DynamoDBSessionError,
  InvalidOptionError,
  NewerFormatError,
  SdkMismatchError,
  SessionBusyError,
  SessionConflictError,
  SessionCorruptedError,
  SessionNotFoundError,
  TableNotFoundError,
  TableRequestError,
  TableSchemaError,
} from './errors.ts'

const key = { pk: 'session#s', sk: 'agent#a#msg#head' }
const facts = { sessionId: 's', scopeId: 'a', key: key.sk, expected: 'version 1', actual: 'version 2' }
const cause = new Error('because')
const busy = { sessionId: 's', scopeId: 'a', writer: '0mjuohs00-another', retryAfterMs: 1001 }
const answer = new Message({ role: 'assistant', content: [new TextBlock('the secret answer')] })

const all = [
  new InvalidOptionError('owner', 7, 'expected a text'),
  new SessionNotFoundError('s'),
  new SessionConflictError(facts, { cause }),
  new SessionCorruptedError(key, 'is missing', { cause }),
  new NewerFormatError(key, 2, 1),
  new TableNotFoundError('sessions', { cause }),
  new TableSchemaError('sessions', 'it has other keys', { cause }),
  new TableRequestError('PutItem', 'sessions', true, cause),
  new SdkMismatchError("Agent 'a'"),
  new SessionBusyError(busy, { cause }),
  new AnswerNotSavedError('s', answer, cause),
]

describe('errors', () => {
  test.each(all.map((error) => [error.constructor.name, error] as const))('%s is of this package', (name, error) => {
    expect(error).toBeInstanceOf(DynamoDBSessionError)
    expect(error).toBeInstanceOf(Error)
    expect(error.name).toBe(name)
    expect(error.stack).toContain(name)
  })

  it('carry their facts and their cause', () => {
    const [option, notFound, conflict, corrupted, newer, noTable, schema, request] = all
    expect(option).toMatchObject({ field: 'owner', value: 7, message: 'owner: expected a text, got 7' })
    expect(notFound).toMatchObject({ sessionId: 's' })
    expect(conflict).toMatchObject({ ...facts, cause })
    expect(corrupted).toMatchObject({ key, cause })
    expect(newer).toMatchObject({ key, version: 2 })
    expect(noTable).toMatchObject({ tableName: 'sessions', cause })
    expect(schema).toMatchObject({ tableName: 'sessions', cause })
    expect(request).toMatchObject({ operation: 'PutItem', retryable: true, cause })
  })

  it('of a session that is busy say with whose turn, and when to try again', () => {
    expect(new SessionBusyError(busy, { cause })).toMatchObject({
      ...{ ...busy, cause },
      message:
        "Session 's' is busy with a turn of agent 'a' by writer 0mjuohs00-another. " +
        'Try again in 2 s at the latest.',
    })
  })

  it('of an answer that was not stored carry it, and do not tell it', () => {
    const error = new AnswerNotSavedError('s', answer, cause)
    expect(error).toMatchObject({ sessionId: 's', answer, cause })
    expect(error.answer).toBe(answer)
    expect(error.message).toBe("The answer was not stored in session 's': Error: because")
    expect(new AnswerNotSavedError('s', answer, 'no').message).toBe("The answer was not stored in session 's': no")
  })

  test.each([
    ['text', "'text'"],
    ['x'.repeat(80), `'${'x'.repeat(80)}'`],
    ['x'.repeat(81), 'a string of 81 characters'],
    [null, 'null'],
    [undefined, 'undefined'],
    [7, '7'],
    [7n, '7'],
    [true, 'true'],
    [['a', 'b'], 'an array'],
    [{ secret: 'text' }, 'an object (Object)'],
    [Object.create(null), 'an object (no prototype)'],
    [new Map(), 'an object (Map)'],
    [() => 'text', 'a function'],
    [Symbol('text'), 'a symbol'],
  ])('say of the value %s no more than they must', (value, description) => {
    expect(new InvalidOptionError('x', value, 'expected y').message).toBe(`x: expected y, got ${description}`)
  })
})
