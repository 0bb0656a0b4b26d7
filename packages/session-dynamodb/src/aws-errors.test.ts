import {
  ConditionalCheckFailedException,
  InternalServerError,
  LimitExceededException,
  ProvisionedThroughputExceededException,
  ReplicatedWriteConflictException,
  RequestLimitExceeded,
  ResourceNotFoundException,
  ThrottlingException,
  TransactionCanceledException,
  TransactionConflictException,
  TransactionInProgressException,
} from '@aws-sdk/client-dynamodb'
import { describe, expect, it, test } from 'vitest'
import { errorOf } from '../test/support/mocked-client.ts'
import { conditionFailed, transactionCancelled, translateError } from './aws-errors.ts'
import { SessionNotFoundError } from './errors.ts'

const $metadata = {}
const facts = { message: 'because', $metadata }

function named(name: string, message = 'because', more: object = {}): Error {
  return Object.assign(new Error(message), { name, ...more })
}

const cancelledFor = (...codes: (string | undefined)[]): TransactionCanceledException =>
  new TransactionCanceledException({ ...facts, CancellationReasons: codes.map((Code) => (Code ? { Code } : {})) })

describe('translateError', () => {
  const transient = [
    new InternalServerError(facts),
    new LimitExceededException(facts),
    new ProvisionedThroughputExceededException(facts),
    new ReplicatedWriteConflictException(facts),
    new RequestLimitExceeded(facts),
    new ThrottlingException(facts),
    new TransactionConflictException(facts),
    new TransactionInProgressException(facts),
    named('RequestTimeout'),
    named('ServiceUnavailable'),
    named('TimeoutError'),
    named('UnknownError', 'because', { $metadata: { httpStatusCode: 503 } }),
    ...[
      'EAI_AGAIN',
      'ECONNREFUSED',
      'ECONNRESET',
      'EHOSTUNREACH',
      'ENETUNREACH',
      'ENOTFOUND',
      'EPIPE',
      'ETIMEDOUT',
    ].map((code) => named(code, `because of ${code}`, { code })),
    named('AggregateError', 'because', { code: 'ECONNREFUSED' }),
    cancelledFor(undefined, 'TransactionConflict'),
    cancelledFor('ThrottlingError'),
    cancelledFor('ProvisionedThroughputExceeded', undefined),
  ]
  test.each(transient.map((error) => [error.name, error] as const))('%s may pass', (name, error) => {
    expect(translateError(error, 'PutItem', 'sessions')).toMatchObject({
      name: 'TableRequestError',
      message: `PutItem on table 'sessions' failed: ${name}: ${error.message}`,
      operation: 'PutItem',
      retryable: true,
      cause: error,
    })
  })

  const final = [
    named('AccessDeniedException', 'User is not authorized', { $metadata: { httpStatusCode: 400 } }),
    named('ValidationException', 'Item size has exceeded the maximum allowed size'),
    named('CredentialsProviderError'),
    named('UnrecognizedClientException'),
    named('ItemCollectionSizeLimitExceededException'),
    named('Error', 'because', { code: 'ERR_INVALID_ARG_TYPE' }),
    cancelledFor(undefined, 'ValidationError'),
    new TransactionCanceledException(facts),
  ]
  test.each(final.map((error) => [error.name, error] as const))('%s stays', (_, error) => {
    expect(translateError(error, 'Query', 'sessions')).toMatchObject({
      name: 'TableRequestError',
      operation: 'Query',
      retryable: false,
      cause: error,
    })
  })

  test.each([['text'], [undefined], [null], [7]])('%j, which is no error at all, is the cause', (thrown) => {
    expect(translateError(thrown, 'GetItem', 'sessions')).toMatchObject({
      name: 'TableRequestError',
      message: `GetItem on table 'sessions' failed: ${thrown}`,
      retryable: false,
      cause: thrown,
    })
  })

  it('says how to create a table that does not exist', () => {
    const cause = new ResourceNotFoundException(facts)
    expect(translateError(cause, 'PutItem', 'sessions')).toMatchObject({
      name: 'TableNotFoundError',
      tableName: 'sessions',
      message: expect.stringMatching(/^Table 'sessions' does not exist .*createSessionTable\(\)/),
      cause,
    })
  })

  test.each([
    'The provided key element does not match the schema',
    'One or more parameter values were invalid: Missing the key id in the item',
    'Query condition missed key schema element: id',
    'The table does not have the specified index: sessions-by-owner',
    'One of the required keys was not given a value',
    'The number of conditions on the keys is invalid',
    'Query key condition not supported',
    'One or more parameter values were invalid: Type mismatch for key',
    'One or more parameter values were invalid: Condition parameter type does not match schema type',
  ])('says that the table has other keys: %s', (message) => {
    const cause = named('ValidationException', message)
    expect(translateError(cause, 'PutItem', 'sessions')).toMatchObject({
      name: 'TableSchemaError',
      tableName: 'sessions',
      message: expect.stringMatching(/^Table 'sessions' is not a session table: .*createSessionTable\(\)/),
      cause,
    })
  })

  it('says so when an action of a transaction has met other keys', () => {
    const CancellationReasons = [
      { Code: 'None', Message: 'Type mismatch for key' },
      { Code: 'ValidationError', Message: 'Type mismatch for key pk' },
    ]
    const cause = new TransactionCanceledException({ ...facts, CancellationReasons })
    expect(translateError(cause, 'TransactWriteItems', 'sessions')).toMatchObject({
      name: 'TableSchemaError',
      message: expect.stringContaining('Type mismatch for key pk'),
      cause,
    })
  })

  it('leaves errors of ours as they are', () => {
    const error = new SessionNotFoundError('s')
    expect(translateError(error, 'PutItem', 'sessions')).toBe(error)
  })
})

describe('conditionFailed', () => {
  it('gives the item that stood in the way', () => {
    const Item = {
      pk: { S: 'session#s' },
      version: { N: '3' },
      detached: { BOOL: true },
      data: { B: Uint8Array.of(1) },
    }
    expect(conditionFailed(new ConditionalCheckFailedException({ ...facts, Item }))).toEqual({
      found: { pk: 'session#s', version: 3, detached: true, data: undefined },
    })
  })

  it('gives nothing when nothing was there', () => {
    expect(conditionFailed(new ConditionalCheckFailedException(facts))).toEqual({ found: undefined })
  })

  it('knows the error by its name, as another copy of the AWS SDK throws it', () => {
    const error = named('ConditionalCheckFailedException', 'because', { Item: { writer: { S: 'w' } } })
    expect(conditionFailed(error)).toEqual({ found: { writer: 'w' } })
  })

  it('throws any other error on', () => {
    const error = new ThrottlingException(facts)
    expect(errorOf(() => conditionFailed(error))).toBe(error)
  })
})

describe('transactionCancelled', () => {
  it('says which condition was refused, and by which item', () => {
    const error = new TransactionCanceledException({
      ...facts,
      CancellationReasons: [
        { Code: 'None' },
        { Code: 'ConditionalCheckFailed', Item: { writer: { S: 'another' } } },
        { Code: 'ConditionalCheckFailed', Item: { writer: { S: 'a third' } } },
      ],
    })
    expect(transactionCancelled(error)).toEqual({ failed: 1, found: { writer: 'another' } })
  })

  it('lets a refused condition win over a conflict that passes', () => {
    expect(transactionCancelled(cancelledFor('TransactionConflict', 'ConditionalCheckFailed'))).toEqual({
      failed: 1,
      found: undefined,
    })
  })

  test.each([cancelledFor('None', 'TransactionConflict'), cancelledFor('ThrottlingError')])(
    'tells what passes from what stays',
    (error) => {
      expect(transactionCancelled(error)).toEqual({ obstacle: error })
    },
  )

  test.each([cancelledFor('ValidationError'), new TransactionCanceledException(facts), new ThrottlingException(facts)])(
    'throws any other error on: $name',
    (error) => {
      expect(errorOf(() => transactionCancelled(error))).toBe(error)
    },
  )
})
