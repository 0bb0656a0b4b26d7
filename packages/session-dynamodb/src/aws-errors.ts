/** AWS errors to ours: the only place that knows their names. Pure. */

import type {
  AttributeValue,
  ConditionalCheckFailedException,
  TransactionCanceledException,
} from '@aws-sdk/client-dynamodb'
import {
  DynamoDBSessionError,
  OffloadError,
  TableNotFoundError,
  TableRequestError,
  TableSchemaError,
} from './errors.ts'

/** What DynamoDB says when a table's keys or indexes are not the ones that a request names. */
const SCHEMA_PROBLEM = new RegExp(
  [
    'key element',
    'key schema',
    'key condition',
    'missing the key',
    'required keys',
    'conditions on the keys',
    'mismatch for key',
    'does not match schema type',
    'specified index',
  ].join('|'),
  'i',
)

/** Errors that the same request may not meet again. */
const TRANSIENT = new Set([
  'InternalError',
  'InternalServerError',
  'LimitExceededException',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'RequestTimeout',
  'ServiceUnavailable',
  'SlowDown',
  'ThrottlingException',
  'TimeoutError',
  'TransactionConflictException',
  'TransactionInProgressException',
])

/** Node's codes for a connection that failed or was cut. */
const LOST_CONNECTION = new Set([
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
])

/** Reasons for which a transaction may be cancelled once and succeed the next time. */
const TRANSIENT_REASONS = new Set(['ProvisionedThroughputExceeded', 'ThrottlingError', 'TransactionConflict'])

/** Translates what a request on a table threw. An error of ours is returned as it is. */
export function translateError(error: unknown, operation: string, tableName: string): DynamoDBSessionError {
  if (error instanceof DynamoDBSessionError) return error
  const name = error instanceof Error ? error.name : ''
  const message = error instanceof Error ? error.message : ''
  if (name === 'ResourceNotFoundException') return new TableNotFoundError(tableName, { cause: error })
  const problem = validationMessages(error, name, message).find((text) => SCHEMA_PROBLEM.test(text))
  if (problem !== undefined) return new TableSchemaError(tableName, problem, { cause: error })
  return new TableRequestError(operation, tableName, isTransient(error, name), error)
}

/** What to do about errors of S3 that trying again does not help. */
const OBJECT_PROBLEMS: ReadonlyMap<string, string> = new Map([
  ['NoSuchBucket', 'it does not exist. Create it, or correct the option offload.bucket'],
  [
    'AccessDenied',
    "access is denied. Grant s3:PutObject, s3:GetObject and s3:DeleteObject on the bucket's objects, and s3:ListBucket on it",
  ],
  ['PermanentRedirect', 'it is in another region. Pass a client for that region in the option offload.client'],
])

/** Translates what a request for an object threw. An error of ours is returned as it is. */
export function translateObjectError(error: unknown, operation: string, bucket: string): DynamoDBSessionError {
  if (error instanceof DynamoDBSessionError) return error
  const name = error instanceof Error ? error.name : ''
  const problem = OBJECT_PROBLEMS.get(name === 'Forbidden' ? 'AccessDenied' : name)
  const reason = error instanceof Error ? `${name}: ${error.message}` : String(error)
  const isRetryable = problem === undefined && isTransient(error, name)
  return new OffloadError(bucket, operation, isRetryable, problem ?? reason, { cause: error })
}

/** An object that does not exist as a value: undefined. Any other error is thrown on. */
export function objectMissing(error: unknown): undefined {
  if (isNamed(error, 'NoSuchKey')) return undefined
  throw error
}

/** A refused condition as a value: the item that stood in the way. Any other error is thrown on. */
export function conditionFailed(error: unknown): { found: Record<string, unknown> | undefined } {
  if (isNamed<ConditionalCheckFailedException>(error, 'ConditionalCheckFailedException'))
    return { found: plainItem(error.Item) }
  throw error
}

/** What cancelled a transaction: a refused condition with the item in its way, or something that passes. */
export type Cancellation =
  | { readonly failed: number; readonly found: Record<string, unknown> | undefined }
  | { readonly obstacle: Error }

/** A cancelled transaction as a value. Any other error is thrown on. */
export function transactionCancelled(error: unknown): Cancellation {
  if (isNamed<TransactionCanceledException>(error, 'TransactionCanceledException')) {
    const reasons = error.CancellationReasons ?? []
    const failed = reasons.findIndex((reason) => reason.Code === 'ConditionalCheckFailed')
    if (failed >= 0) return { failed, found: plainItem(reasons[failed]?.Item) }
    if (isTransient(error, error.name)) return { obstacle: error }
  }
  throw error
}

/** Whether an AWS error has a name. Not `instanceof`: the caller's client may come from another copy of the AWS SDK. */
function isNamed<T extends Error>(error: unknown, name: T['name']): error is T {
  return error instanceof Error && error.name === name
}

/** The plain attributes of an item in an error, which the document client leaves as they came. */
function plainItem(item: Record<string, AttributeValue> | undefined): Record<string, unknown> | undefined {
  if (item === undefined) return undefined
  return Object.fromEntries(
    Object.entries(item).map(([name, value]) => [
      name,
      value.S ?? (value.N === undefined ? value.BOOL : Number(value.N)),
    ]),
  )
}

/** What DynamoDB found wrong with a request, or with the actions of a transaction. */
function validationMessages(error: unknown, name: string, message: string): string[] {
  if (name === 'ValidationException') return [message]
  if (!isNamed<TransactionCanceledException>(error, 'TransactionCanceledException')) return []
  const reasons = error.CancellationReasons ?? []
  return reasons.flatMap(({ Code, Message }) => (Code === 'ValidationError' && Message !== undefined ? [Message] : []))
}

function isTransient(error: unknown, name: string): boolean {
  if (TRANSIENT.has(name)) return true
  if (typeof error !== 'object' || error === null) return false
  if ('$retryable' in error && error.$retryable !== undefined) return true
  if (isNamed<TransactionCanceledException>(error, 'TransactionCanceledException')) {
    return (error.CancellationReasons ?? []).some(({ Code }) => TRANSIENT_REASONS.has(Code ?? ''))
  }
  if ('code' in error && typeof error.code === 'string' && LOST_CONNECTION.has(error.code)) return true
  const metadata = '$metadata' in error ? error.$metadata : undefined
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return false
  return typeof metadata.httpStatusCode === 'number' && metadata.httpStatusCode >= 500
}
