/** Checks props before anything is made of them: each error names the prop and the value. */

import { Stack, Token } from 'aws-cdk-lib'
import { StreamViewType } from 'aws-cdk-lib/aws-dynamodb'
import type { IConstruct } from 'constructs'
import { InvalidPropError } from './prop-error.ts'
import type { OffloadProps, SessionTableProps, SessionTableReplica } from './props.ts'

/** What DynamoDB allows in a table's name. */
const TABLE_NAME = /^[a-zA-Z0-9_.-]{3,255}$/

const REGION = /^[a-z]{2}(-[a-z]+)+-\d+$/

/** Throughput that every on-demand table has; warm throughput cannot be less. */
const BASE_READ_UNITS = 12_000
const BASE_WRITE_UNITS = 4_000

/** Longest time for which DynamoDB can restore a table, in days. */
export const MAX_RECOVERY_DAYS = 35

/** Most characters of an id, as the library has it. */
const MAX_ID_LENGTH = 256

/** Most characters of a prefix, as the library has it. */
const MAX_OBJECT_PREFIX_LENGTH = 256

/** @throws {@link InvalidPropError} naming the first prop that is wrong. */
export function checkProps(scope: IConstruct, props: SessionTableProps): void {
  const { tableName, ephemeral = false, recoveryDays, warmThroughput, offload, alarms = true } = props
  checkTableName(tableName)
  checkCount('recoveryDays', recoveryDays, 1, MAX_RECOVERY_DAYS)
  if (ephemeral && recoveryDays !== undefined) {
    throw new InvalidPropError('recoveryDays', recoveryDays, "expected none together with 'ephemeral'")
  }
  checkCount('maxReadUnits', props.maxReadUnits, 1)
  checkCount('maxWriteUnits', props.maxWriteUnits, 1)
  checkCount('warmThroughput.readUnitsPerSecond', warmThroughput?.readUnitsPerSecond, BASE_READ_UNITS)
  checkCount('warmThroughput.writeUnitsPerSecond', warmThroughput?.writeUnitsPerSecond, BASE_WRITE_UNITS)
  checkRegions(scope, props)
  if (typeof offload === 'object') checkOffload(offload)
  if (!alarms && props.alarmTopic !== undefined) {
    throw new InvalidPropError('alarmTopic', props.alarmTopic, "expected none without 'alarms'")
  }
}

/** @throws {@link InvalidPropError} for what cannot be a table's name. */
export function checkTableName(tableName: string | undefined): void {
  if (tableName === undefined || Token.isUnresolved(tableName) || TABLE_NAME.test(tableName)) return
  throw new InvalidPropError('tableName', tableName, 'expected 3 to 255 letters, digits, hyphens, dots and underscores')
}

/** @throws {@link InvalidPropError} for what cannot be a tenant, or is not known yet and so cannot be escaped. */
export function checkTenant(tenant: string): void {
  const isTenant = typeof tenant === 'string' && tenant.length >= 1 && tenant.length <= MAX_ID_LENGTH
  if (isTenant && !Token.isUnresolved(tenant) && tenant.isWellFormed() && !/\p{Cc}/u.test(tenant)) return
  throw new InvalidPropError('tenant', tenant, `expected a literal text of 1 to ${MAX_ID_LENGTH} characters`)
}

/** @throws {@link InvalidPropError} for what cannot begin the names of objects. */
export function checkObjectPrefix(prefix: string | undefined): void {
  if (prefix === undefined || prefix === '') return
  // A wildcard would widen the grants that name the prefix.
  if (prefix.length <= MAX_OBJECT_PREFIX_LENGTH && /^[\w!.'()-]+(?:\/[\w!.'()-]+)*\/$/.test(prefix)) return
  const expectation = `expected at most ${MAX_OBJECT_PREFIX_LENGTH} characters that end with a slash, such as 'sessions/'`
  throw new InvalidPropError('offload.prefix', prefix, expectation)
}

function checkOffload({ bucket, prefix, recoverableDays }: OffloadProps): void {
  checkObjectPrefix(prefix)
  checkCount('offload.recoverableDays', recoverableDays, 1)
  if (bucket !== undefined && recoverableDays !== undefined) {
    const expectation = 'expected none for a bucket of yours: set its versioning and lifecycle there'
    throw new InvalidPropError('offload.recoverableDays', recoverableDays, expectation)
  }
}

function checkRegions(scope: IConstruct, { encryptionKey, replicas = [], stream }: SessionTableProps): void {
  const { region } = Stack.of(scope)
  const isConcrete = !Token.isUnresolved(region)
  const concrete = "expected a stack with a concrete environment, such as { env: { account, region: 'eu-west-1' } }"
  if (encryptionKey !== undefined && !isConcrete) throw new InvalidPropError('encryptionKey', encryptionKey, concrete)
  if (replicas.length > 0 && !isConcrete) throw new InvalidPropError('replicas', replicas, concrete)
  if (replicas.length > 0 && stream !== undefined && stream !== StreamViewType.NEW_AND_OLD_IMAGES) {
    throw new InvalidPropError('stream', stream, `expected ${StreamViewType.NEW_AND_OLD_IMAGES}, which replicas need`)
  }
  const seen = new Set([region])
  for (const replica of replicas) {
    checkReplica(replica, encryptionKey !== undefined)
    if (seen.has(replica.region)) {
      throw new InvalidPropError(
        'replicas.region',
        replica.region,
        "expected each region once, and not the stack's own",
      )
    }
    seen.add(replica.region)
  }
}

function checkReplica({ region, encryptionKeyArn }: SessionTableReplica, needsKey: boolean): void {
  if (!REGION.test(region)) {
    throw new InvalidPropError('replicas.region', region, "expected a region such as 'eu-west-1'")
  }
  if (needsKey === (encryptionKeyArn !== undefined)) return
  const expectation = needsKey
    ? `expected a key of ${region}, since the table has an 'encryptionKey'`
    : "expected none, since the table has no 'encryptionKey'"
  throw new InvalidPropError('replicas.encryptionKeyArn', encryptionKeyArn, expectation)
}

function checkCount(prop: string, value: number | undefined, least: number, most = Number.MAX_SAFE_INTEGER): void {
  if (value === undefined || Token.isUnresolved(value)) return
  if (Number.isInteger(value) && value >= least && value <= most) return
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`
  throw new InvalidPropError(prop, value, `expected a whole number ${range}`)
}
