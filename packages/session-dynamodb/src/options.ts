/** The public options: parsed, checked and defaulted once, before any request. */

import type {
  Logger,
  MultiAgentSaveLatestStrategy,
  SaveLatestStrategy,
  SnapshotTriggerCallback,
} from '@strands-agents/sdk'
import { type ClientOptions, documentClientOf } from './client.ts'
import { InvalidOptionError } from './errors.ts'
import { checkId, checkSessionId } from './keys.ts'
import type { CapacityUsage, SessionTableOptions } from './table.ts'

/** Where sessions are, and how to reach them. */
export interface TableOptions extends ClientOptions {
  /**
   * Name or ARN of the table.
   *
   * @defaultValue the environment variable `STRANDS_SESSION_TABLE`
   */
  readonly tableName?: string | undefined
  /**
   * Tenant whose sessions these are. Part of every partition key, so that `dynamodb:LeadingKeys` can fence tenants off.
   *
   * @defaultValue none
   */
  readonly tenantId?: string | undefined
  /**
   * Called with what each request used.
   *
   * @defaultValue none: consumed capacity is then not asked for
   */
  readonly onCapacity?: ((usage: CapacityUsage) => void) | undefined
}

/** Options of a `DynamoDBSnapshotStorage`. */
export interface DynamoDBSnapshotStorageOptions extends TableOptions {
  /**
   * User whom new sessions belong to; `listSessions()` lists a user's sessions.
   *
   * @defaultValue none: the session is in nobody's list
   */
  readonly owner?: string | undefined
  /** Title that lists show. @defaultValue none */
  readonly title?: string | undefined
  /**
   * Create a session when it is saved for the first time. When false, a session that was not created with
   * `createSession()` is a `SessionNotFoundError`.
   *
   * @defaultValue true
   */
  readonly autoCreate?: boolean | undefined
  /**
   * Restore the stored system prompt over the agent's own. When false, a newly deployed prompt takes effect in old
   * sessions too.
   *
   * @defaultValue true
   */
  readonly restoreSystemPrompt?: boolean | undefined
  /**
   * Read strongly consistent. Eventual reads cost half, and may resume a session a moment behind: the first save then
   * fails with a `SessionConflictError`.
   *
   * @defaultValue true
   */
  readonly consistentRead?: boolean | undefined
  /**
   * Messages that the model's window usually holds: what the first request of a resume asks for. A window that is larger
   * costs a second request, one that is much smaller reads messages in vain. Set it to the conversation manager's window.
   *
   * @defaultValue 40, the SDK's default sliding window
   */
  readonly windowSize?: number | undefined
  /**
   * How far the session item's `updatedAt` may lag behind an active session, in seconds. Each refresh costs about three
   * write capacity units (the item, its index entry and the head).
   *
   * @defaultValue 300
   */
  readonly touchIntervalSeconds?: number | undefined
  /** Receives what is worth knowing, never conversation text. @defaultValue warnings and errors on the console */
  readonly logger?: Logger | undefined
}

/** Options of a `DynamoDBSessionManager`. */
export interface DynamoDBSessionManagerOptions extends DynamoDBSnapshotStorageOptions {
  /** The session: 1 to 256 lowercase letters, digits, hyphens and underscores. */
  readonly sessionId: string
  /**
   * When the latest snapshot is saved: after each message and each invocation, after each invocation, or only when
   * `snapshotTrigger` fires or `saveSnapshot()` is called.
   *
   * @defaultValue 'message'
   */
  readonly saveLatestOn?: SaveLatestStrategy | undefined
  /**
   * When a Graph's or a Swarm's latest snapshot is saved: after each node, or after each invocation.
   *
   * @defaultValue 'node'
   */
  readonly multiAgentSaveLatestOn?: MultiAgentSaveLatestStrategy | undefined
  /**
   * Called after each invocation; an immutable snapshot is saved when it returns true.
   *
   * @defaultValue none
   */
  readonly snapshotTrigger?: SnapshotTriggerCallback | undefined
}

/** Environment variable that names the table when `tableName` is not given. */
export const TABLE_VARIABLE = 'STRANDS_SESSION_TABLE'

/** What becomes of {@link TableOptions}. */
export interface ParsedTableOptions {
  readonly table: SessionTableOptions
  readonly tenantId: string | undefined
}

/** What becomes of {@link DynamoDBSnapshotStorageOptions}. */
export interface ParsedStorageOptions extends ParsedTableOptions {
  readonly owner: string | undefined
  readonly title: string | undefined
  readonly autoCreate: boolean
  readonly restoreSystemPrompt: boolean
  readonly windowSize: number
  readonly touchIntervalSeconds: number
  readonly logger: Logger
}

/** What becomes of {@link DynamoDBSessionManagerOptions}. */
export interface ParsedManagerOptions {
  readonly sessionId: string
  readonly saveLatestOn: SaveLatestStrategy
  readonly multiAgentSaveLatestOn: MultiAgentSaveLatestStrategy
  readonly snapshotTrigger: SnapshotTriggerCallback | undefined
}

/** Longest title in characters: it is read with every list. */
const MAX_TITLE_LENGTH = 256

/** A name, or an ARN of 1,024 characters at most, as `CreateTable` allows it. */
const TABLE_NAME = /^[a-zA-Z0-9_.:/-]{3,1024}$/

const quietLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: (...args) => console.warn(...args),
  error: (...args) => console.error(...args),
}

/** @throws {@link InvalidOptionError} naming the first option that is wrong. */
export function parseTableOptions(options: TableOptions & { consistentRead?: boolean | undefined }): ParsedTableOptions {
  checkObject(options)
  const tableName = options.tableName ?? process.env[TABLE_VARIABLE]
  if (typeof tableName !== 'string' || !TABLE_NAME.test(tableName)) {
    throw new InvalidOptionError('tableName', tableName, `expected a table's name or ARN, here or in ${TABLE_VARIABLE}`)
  }
  const { tenantId } = options
  if (tenantId !== undefined) checkId('tenantId', tenantId)
  const onCapacity = optional('onCapacity', options.onCapacity, isFunction, 'a function')
  const consistentRead = optional('consistentRead', options.consistentRead, isBoolean, 'true or false') ?? true
  return { table: { client: documentClientOf(options), tableName, consistentRead, onCapacity }, tenantId }
}

/** @throws {@link InvalidOptionError} naming the first option that is wrong. */
export function parseStorageOptions(options: DynamoDBSnapshotStorageOptions): ParsedStorageOptions {
  const parsed = parseTableOptions(options)
  const { owner } = options
  if (owner !== undefined) checkId('owner', owner)
  const isTitle = (value: unknown): boolean => isString(value) && value.length <= MAX_TITLE_LENGTH
  return {
    ...parsed,
    owner,
    title: optional('title', options.title, isTitle, `at most ${MAX_TITLE_LENGTH} characters`),
    autoCreate: optional('autoCreate', options.autoCreate, isBoolean, 'true or false') ?? true,
    restoreSystemPrompt:
      optional('restoreSystemPrompt', options.restoreSystemPrompt, isBoolean, 'true or false') ?? true,
    windowSize: optional('windowSize', options.windowSize, isCount(1, 10_000), 'a whole number from 1 to 10000') ?? 40,
    touchIntervalSeconds:
      optional('touchIntervalSeconds', options.touchIntervalSeconds, isCount(1, 86_400), 'a whole number from 1 to 86400') ??
      300,
    logger: optional('logger', options.logger, isLogger, 'debug, info, warn and error functions') ?? quietLogger,
  }
}

/** @throws {@link InvalidOptionError} naming the first option that is wrong. */
export function parseManagerOptions(options: DynamoDBSessionManagerOptions): ParsedManagerOptions {
  checkObject(options)
  return {
    sessionId: checkSessionId(options.sessionId),
    saveLatestOn: oneOf('saveLatestOn', options.saveLatestOn, ['message', 'invocation', 'trigger']),
    multiAgentSaveLatestOn: oneOf('multiAgentSaveLatestOn', options.multiAgentSaveLatestOn, ['node', 'invocation']),
    snapshotTrigger: optional('snapshotTrigger', options.snapshotTrigger, isFunction, 'a function'),
  }
}

function checkObject(options: unknown): void {
  if (typeof options !== 'object' || options === null) {
    throw new InvalidOptionError('options', options, 'expected an object')
  }
}

function optional<T>(field: string, value: T, isValid: (value: unknown) => boolean, expectation: string): T {
  if (value !== undefined && !isValid(value)) throw new InvalidOptionError(field, value, `expected ${expectation}`)
  return value
}

/** The first of the values is the default. */
function oneOf<T extends string>(field: string, value: T | undefined, values: readonly [T, ...T[]]): T {
  if (value === undefined) return values[0]
  if (values.includes(value)) return value
  throw new InvalidOptionError(field, value, `expected one of ${values.map((each) => `'${each}'`).join(', ')}`)
}

function isString(value: unknown): value is string {
  return typeof value === 'string'
}

function isBoolean(value: unknown): boolean {
  return typeof value === 'boolean'
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

function isCount(least: number, most: number): (value: unknown) => boolean {
  return (value) => typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
}

function isLogger(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return ['debug', 'info', 'warn', 'error'].every((name) => isFunction(Reflect.get(value, name)))
}
