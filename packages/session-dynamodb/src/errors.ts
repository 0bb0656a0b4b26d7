/** The errors that this package throws: one base, a leaf for each thing that a caller can do about it. */

import type { Message } from '@strands-agents/sdk'

/** Base of every error of this package. The AWS error that caused it, if one did, is its `cause`. */
export class DynamoDBSessionError extends Error {
  override name = 'DynamoDBSessionError'
}

/** An option or an argument is wrong. Thrown before any request is sent. */
export class InvalidOptionError extends DynamoDBSessionError {
  override name = 'InvalidOptionError'
  /** Name of the option or argument. */
  readonly field: string
  /** What was passed. */
  readonly value: unknown

  constructor(field: string, value: unknown, expectation: string, options?: ErrorOptions) {
    super(`${field}: ${expectation}, got ${describe(value)}`, options)
    this.field = field
    this.value = value
  }
}

/** The session does not exist and `autoCreate` is off. */
export class SessionNotFoundError extends DynamoDBSessionError {
  override name = 'SessionNotFoundError'
  readonly sessionId: string

  constructor(sessionId: string) {
    super(`Session '${sessionId}' does not exist. Create it with createSession(), or leave autoCreate on.`)
    this.sessionId = sessionId
  }
}

/** What a {@link SessionConflictError} knows. */
export interface ConflictFacts {
  readonly sessionId: string
  /** Agent or orchestrator id. */
  readonly scopeId: string
  /** Sort key of the item that another writer had written. */
  readonly key: string
  /** What this writer expected to find. */
  readonly expected: string
  /** What it found. */
  readonly actual: string
  /** Name of the writer of what it found; absent when it found nothing, or what nobody signs. */
  readonly writer?: string | undefined
}

/**
 * Another writer has changed the session since this one read it. Nothing was overwritten: what this writer holds and
 * could not store is still in its agent.
 */
export class SessionConflictError extends DynamoDBSessionError implements ConflictFacts {
  override name = 'SessionConflictError'
  readonly sessionId: string
  readonly scopeId: string
  readonly key: string
  readonly expected: string
  readonly actual: string
  readonly writer: string | undefined

  constructor(facts: ConflictFacts, options?: ErrorOptions) {
    super(
      `Session '${facts.sessionId}' was changed by another writer at '${facts.key}': ` +
        `expected ${facts.expected}, found ${facts.actual}. ` +
        'Restore the session (a new agent, or restoreSnapshot()) and run the turn again.',
      options,
    )
    this.sessionId = facts.sessionId
    this.scopeId = facts.scopeId
    this.key = facts.key
    this.expected = facts.expected
    this.actual = facts.actual
    this.writer = facts.writer
  }
}

/** What a {@link SessionBusyError} knows. */
export interface BusyFacts {
  readonly sessionId: string
  /** Agent id. */
  readonly scopeId: string
  /** Name of the writer whose turn it is. */
  readonly writer: string
  /** After how many milliseconds the turn is taken to have crashed, unless it goes on. */
  readonly retryAfterMs: number
}

/** Another writer's turn did not end in time. No message was added and no model was called: try again later. */
export class SessionBusyError extends DynamoDBSessionError implements BusyFacts {
  override name = 'SessionBusyError'
  readonly sessionId: string
  readonly scopeId: string
  readonly writer: string
  readonly retryAfterMs: number

  constructor(facts: BusyFacts, options?: ErrorOptions) {
    super(
      `Session '${facts.sessionId}' is busy with a turn of agent '${facts.scopeId}' by writer ${facts.writer}. ` +
        `Try again in ${Math.ceil(facts.retryAfterMs / 1000)} s at the latest.`,
      options,
    )
    this.sessionId = facts.sessionId
    this.scopeId = facts.scopeId
    this.writer = facts.writer
    this.retryAfterMs = facts.retryAfterMs
  }
}

/** The model answered, but the answer could not be stored. It is in `answer`; `cause` says why. */
export class AnswerNotSavedError extends DynamoDBSessionError {
  override name = 'AnswerNotSavedError'
  readonly sessionId: string
  /** What the model answered. */
  readonly answer: Message

  constructor(sessionId: string, answer: Message, cause: unknown) {
    const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)
    super(`The answer was not stored in session '${sessionId}': ${reason}`, { cause })
    this.sessionId = sessionId
    this.answer = answer
  }
}

/** An item is missing or cannot be read. It is left as it is: a corrupt session never reads as an empty one. */
export class SessionCorruptedError extends DynamoDBSessionError {
  override name = 'SessionCorruptedError'
  /** `{ pk, sk }` of the item. */
  readonly key: { readonly pk: string; readonly sk: string }

  constructor(key: { readonly pk: string; readonly sk: string }, problem: string, options?: ErrorOptions) {
    super(
      `Item { pk: '${key.pk}', sk: '${key.sk}' } ${problem}. ` +
        'Restore it from a point-in-time backup, restore an immutable snapshot, or delete the session.',
      options,
    )
    this.key = { pk: key.pk, sk: key.sk }
  }
}

/** A value is longer than any that is stored. Nothing of it, or of the save that it is part of, was written. */
export class ValueTooLargeError extends DynamoDBSessionError {
  override name = 'ValueTooLargeError'
  /** `{ pk, sk }` of the item that was to hold the value. */
  readonly key: { readonly pk: string; readonly sk: string }
  /** Size of the value's JSON, in bytes. */
  readonly size: number
  /** Most bytes that it may have. */
  readonly limit: number

  constructor(key: { readonly pk: string; readonly sk: string }, size: number, limit: number) {
    super(
      `The value of item { pk: '${key.pk}', sk: '${key.sk}' } has ${size} bytes as JSON, and at most ${limit} are stored. ` +
        'Keep it elsewhere, and a reference to it in the conversation or the state.',
    )
    this.key = { pk: key.pk, sk: key.sk }
    this.size = size
    this.limit = limit
  }
}

/** An item was written by a newer release of this package than the one that reads it. */
export class NewerFormatError extends DynamoDBSessionError {
  override name = 'NewerFormatError'
  readonly key: { readonly pk: string; readonly sk: string }
  /** Format version of the item. */
  readonly version: number

  constructor(key: { readonly pk: string; readonly sk: string }, version: number, supported: number) {
    super(
      `Item { pk: '${key.pk}', sk: '${key.sk}' } has format version ${version}, this release reads up to ` +
        `${supported}. Update strands-session-dynamodb.`,
    )
    this.key = { pk: key.pk, sk: key.sk }
    this.version = version
  }
}

/** The table does not exist in this region and account. */
export class TableNotFoundError extends DynamoDBSessionError {
  override name = 'TableNotFoundError'
  readonly tableName: string

  constructor(tableName: string, options?: ErrorOptions) {
    super(
      `Table '${tableName}' does not exist in this region and account. Deploy the SessionTable construct, ` +
        'or call createSessionTable() for development.',
      options,
    )
    this.tableName = tableName
  }
}

/** The table exists, but its keys or its index are not those of a session table. */
export class TableSchemaError extends DynamoDBSessionError {
  override name = 'TableSchemaError'
  readonly tableName: string

  constructor(tableName: string, problem: string, options?: ErrorOptions) {
    super(
      `Table '${tableName}' is not a session table: ${problem}. ` +
        'Create one with the SessionTable construct or createSessionTable().',
      options,
    )
    this.tableName = tableName
  }
}

/** DynamoDB refused or failed a request after the AWS SDK's own retries. `cause` is the AWS error. */
export class TableRequestError extends DynamoDBSessionError {
  override name = 'TableRequestError'
  /** Operation that failed, such as `PutItem`. */
  readonly operation: string
  /** Whether the same call may succeed later (throttling, a server fault, a lost connection). */
  readonly retryable: boolean

  constructor(operation: string, tableName: string, retryable: boolean, cause: unknown) {
    const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)
    super(`${operation} on table '${tableName}' failed: ${reason}`, { cause })
    this.operation = operation
    this.retryable = retryable
  }
}

/** A request for an offloaded value failed after the AWS SDK's own retries. `cause` is the AWS error. */
export class OffloadError extends DynamoDBSessionError {
  override name = 'OffloadError'
  readonly bucket: string
  /** S3 operation that failed, such as `PutObject`. */
  readonly operation: string
  /** Whether the same call may succeed later. */
  readonly retryable: boolean

  constructor(bucket: string, operation: string, retryable: boolean, problem: string, options?: ErrorOptions) {
    super(`${operation} on bucket '${bucket}' failed: ${problem}`, options)
    this.bucket = bucket
    this.operation = operation
    this.retryable = retryable
  }
}

/** The agent or orchestrator was built by another copy of `@strands-agents/sdk`, whose events would never reach us. */
export class SdkMismatchError extends DynamoDBSessionError {
  override name = 'SdkMismatchError'

  constructor(what: string) {
    super(
      `${what} comes from another copy of @strands-agents/sdk than strands-session-dynamodb uses, so its messages ` +
        "would not be saved. Run 'npm ls @strands-agents/sdk' and leave one copy.",
    )
  }
}

/** A value as an error message may show it: its type, and for short plain values the value itself. */
function describe(value: unknown): string {
  if (typeof value === 'string') return value.length > 80 ? `a string of ${value.length} characters` : `'${value}'`
  if (value === null || ['number', 'boolean', 'undefined', 'bigint'].includes(typeof value)) return String(value)
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? `an object (${value.constructor?.name ?? 'no prototype'})` : `a ${typeof value}`
}
