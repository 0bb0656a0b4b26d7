/** The public options: checked and defaulted once, before any request. */

import type {
  Logger,
  MultiAgentSaveLatestStrategy,
  SaveLatestStrategy,
  SnapshotTriggerCallback,
} from '@strands-agents/sdk'
import { checkObject, isBoolean, isCount, isFunction, isString, oneOf, optional } from './checks.ts'
import { documentClientOf } from './client.ts'
import { type AnswerNotSavedError, InvalidOptionError } from './errors.ts'
import { checkId, checkSessionId } from './ids.ts'
import { ownerKeyOf, partitionKeyOf } from './keys.ts'
import { MAX_TTL_SECONDS } from './lifetime.ts'
import type { ObjectStoreOptions } from './objects.ts'
import type {
  DynamoDBSessionManagerOptions,
  DynamoDBSnapshotStorageOptions,
  RepairMode,
  Retention,
  TableOptions,
} from './options.ts'
import { parseOffload } from './parse-offload.ts'
import type { Retry } from './requests.ts'
import { TABLE_VARIABLE } from './schema.ts'
import type { SessionTableOptions } from './table.ts'

/** What becomes of {@link TableOptions}. */
export interface ParsedTableOptions {
  readonly table: SessionTableOptions
  readonly tenantId: string | undefined
  readonly offload: ObjectStoreOptions | undefined
}

/** What becomes of {@link DynamoDBSnapshotStorageOptions}. */
export interface ParsedStorageOptions extends ParsedTableOptions {
  readonly owner: string | undefined
  readonly title: string | undefined
  readonly autoCreate: boolean
  readonly restoreSystemPrompt: boolean
  readonly compression: 'auto' | 'off'
  readonly windowSize: number
  readonly touchIntervalSeconds: number
  readonly ttlSeconds: number | undefined
  readonly retention: Retention
  readonly logger: Logger
}

/** How an agent's turns are run. */
export interface TurnOptions {
  readonly saveLatestOn: SaveLatestStrategy
  readonly turnExclusion: boolean
  readonly turnLeaseMs: number
  readonly turnWaitMs: number
  readonly repair: RepairMode
  readonly onAnswerNotSaved: ((error: AnswerNotSavedError) => void) | undefined
  readonly remainingMs: (() => number) | undefined
  readonly logger: Logger
}

/** What becomes of {@link DynamoDBSessionManagerOptions}. */
export interface ParsedManagerOptions extends TurnOptions {
  readonly sessionId: string
  readonly multiAgentSaveLatestOn: MultiAgentSaveLatestStrategy
  readonly snapshotTrigger: SnapshotTriggerCallback | undefined
  readonly onRetry: ((retry: Retry) => void) | undefined
}

const DAY_MS = 86_400_000

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
export function parseTableOptions(
  options: TableOptions & { consistentRead?: boolean | undefined },
): ParsedTableOptions {
  checkObject(options)
  const tableName = options.tableName === undefined ? process.env[TABLE_VARIABLE] : options.tableName
  if (typeof tableName !== 'string' || !TABLE_NAME.test(tableName)) {
    throw new InvalidOptionError('tableName', tableName, `expected a table's name or ARN, here or in ${TABLE_VARIABLE}`)
  }
  const { tenantId } = options
  if (tenantId !== undefined) checkId('tenantId', tenantId)
  const onCapacity = optional('onCapacity', options.onCapacity, isFunction, 'a function')
  const consistentRead = optional('consistentRead', options.consistentRead, isBoolean, 'true or false') ?? true
  const onRetry = parseOnRetry(options.onRetry)
  const remainingMs = parseRemaining(options.getRemainingTimeInMillis)
  const offload = options.offload === undefined ? undefined : parseOffload(options.offload)
  const client = documentClientOf(options)
  return { table: { client, tableName, consistentRead, onCapacity, onRetry, remainingMs }, tenantId, offload }
}

/** @throws {@link InvalidOptionError} naming the first option that is wrong. */
export function parseStorageOptions(options: DynamoDBSnapshotStorageOptions): ParsedStorageOptions {
  const parsed = parseTableOptions(options)
  const { owner } = options
  if (owner !== undefined) ownerKeyOf(owner, parsed.tenantId)
  const isTitle = (value: unknown): boolean => isString(value) && value.length <= MAX_TITLE_LENGTH
  return {
    ...parsed,
    owner,
    title: optional('title', options.title, isTitle, `at most ${MAX_TITLE_LENGTH} characters`),
    autoCreate: optional('autoCreate', options.autoCreate, isBoolean, 'true or false') ?? true,
    restoreSystemPrompt:
      optional('restoreSystemPrompt', options.restoreSystemPrompt, isBoolean, 'true or false') ?? true,
    compression: oneOf('compression', options.compression, ['auto', 'off']),
    windowSize: optional('windowSize', options.windowSize, isCount(1, 10_000), 'a whole number from 1 to 10000') ?? 40,
    touchIntervalSeconds:
      optional(
        'touchIntervalSeconds',
        options.touchIntervalSeconds,
        isCount(1, 86_400),
        'a whole number from 1 to 86400',
      ) ?? 300,
    ttlSeconds: optional(
      'ttlSeconds',
      options.ttlSeconds,
      isCount(1, MAX_TTL_SECONDS),
      `a whole number of seconds from 1 to ${MAX_TTL_SECONDS}`,
    ),
    retention: oneOf('retention', options.retention, ['all', 'window']),
    logger: parseLogger(options.logger),
  }
}

/** @throws {@link InvalidOptionError} naming the first option that is wrong. */
export function parseManagerOptions(options: DynamoDBSessionManagerOptions): ParsedManagerOptions {
  checkObject(options)
  const sessionId = checkSessionId(options.sessionId)
  // Made only to be checked: whether the key fits depends on both ids.
  partitionKeyOf(sessionId, options.tenantId)
  return {
    sessionId,
    saveLatestOn: oneOf('saveLatestOn', options.saveLatestOn, ['message', 'invocation', 'trigger']),
    multiAgentSaveLatestOn: oneOf('multiAgentSaveLatestOn', options.multiAgentSaveLatestOn, ['node', 'invocation']),
    snapshotTrigger: optional('snapshotTrigger', options.snapshotTrigger, isFunction, 'a function'),
    turnExclusion: optional('turnExclusion', options.turnExclusion, isBoolean, 'true or false') ?? true,
    turnLeaseMs:
      optional('turnLeaseMs', options.turnLeaseMs, isCount(1000, DAY_MS), 'from 1000 to 86400000') ?? 120_000,
    turnWaitMs: optional('turnWaitMs', options.turnWaitMs, isCount(0, DAY_MS), 'from 0 to 86400000') ?? 30_000,
    repair: oneOf('repair', options.repair, ['complete', 'drop', 'off']),
    onRetry: parseOnRetry(options.onRetry),
    onAnswerNotSaved: optional('onAnswerNotSaved', options.onAnswerNotSaved, isFunction, 'a function'),
    remainingMs: parseRemaining(options.getRemainingTimeInMillis),
    logger: parseLogger(options.logger),
  }
}

function parseOnRetry(onRetry: TableOptions['onRetry']): TableOptions['onRetry'] {
  return optional('onRetry', onRetry, isFunction, 'a function')
}

function parseRemaining(remaining: (() => number) | undefined): (() => number) | undefined {
  return optional('getRemainingTimeInMillis', remaining, isFunction, 'a function')
}

function parseLogger(logger: Logger | undefined): Logger {
  return optional('logger', logger, isLogger, 'debug, info, warn and error functions') ?? quietLogger
}

function isLogger(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return ['debug', 'info', 'warn', 'error'].every((name) => isFunction(Reflect.get(value, name)))
}
