/** What can be chosen about a session table, with the defaults. */

import type { StreamViewType, WarmThroughput } from 'aws-cdk-lib/aws-dynamodb'
import type { PolicyDocument } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import type { ITopic } from 'aws-cdk-lib/aws-sns'

/** What can be chosen about a session table. */
export interface SessionTableProps {
  /**
   * The table's physical name.
   *
   * @default - CloudFormation generates one
   */
  readonly tableName?: string
  /**
   * Whether everything goes away with the stack, conversations included: the table, the offload bucket with its objects,
   * the logs. For trials, never for production.
   *
   * @default false - the table is protected against deletion, can be restored to any second of the last 35 days, and
   * outlives its stack, as the offload bucket does
   */
  readonly ephemeral?: boolean
  /**
   * Key that encrypts the table and the offload bucket that is made for it. Needs a stack with a concrete region. About
   * $1 a month, and $0.03 for 10,000 requests to it.
   *
   * @default - a key that DynamoDB owns, and one that S3 owns: encrypted, free of charge
   */
  readonly encryptionKey?: IKey
  /**
   * Regions that get a copy of the table. Needs a stack with a concrete region. Writes are billed in each of them.
   *
   * @default - none
   */
  readonly replicas?: readonly SessionTableReplica[]
  /**
   * What the table's stream shows, for functions of your own.
   *
   * @default - with replicas new and old images, which they need; with `offload` the keys; otherwise no stream
   */
  readonly stream?: StreamViewType
  /**
   * For how many days the table can be restored to any second, 1 to 35. About $0.20 per GB and month.
   *
   * @default 35, and off when `ephemeral`: a deleted table would leave a backup behind
   */
  readonly recoveryDays?: number
  /**
   * Most read units a second, beyond which DynamoDB throttles: a limit to what a mistake can cost.
   *
   * @default - none but the account's quota
   */
  readonly maxReadUnits?: number
  /**
   * Most write units a second, beyond which DynamoDB throttles.
   *
   * @default - none but the account's quota
   */
  readonly maxWriteUnits?: number
  /**
   * Throughput that the table has from the start, for a launch that is expected to exceed DynamoDB's own 12,000 read and
   * 4,000 write units a second. Billed once, and cannot be lowered.
   *
   * @default - DynamoDB's own
   */
  readonly warmThroughput?: WarmThroughput
  /**
   * The table's resource policy, for principals of other accounts.
   *
   * @default - none
   */
  readonly resourcePolicy?: PolicyDocument
  /**
   * Whether CloudWatch names the keys that are throttled. Billed only when some are.
   *
   * @default true
   */
  readonly contributorInsights?: boolean
  /**
   * Keep large values in S3: true makes a bucket. Objects go with their session, also when DynamoDB has expired it.
   *
   * @default false
   */
  readonly offload?: boolean | OffloadProps
  /**
   * Whether there are alarms for throttled requests and server faults, and for objects that could not be reclaimed. About
   * $0.10 a month each.
   *
   * @default true
   */
  readonly alarms?: boolean
  /**
   * Where alarms and their ends are reported.
   *
   * @default - nowhere: they show in the console
   */
  readonly alarmTopic?: ITopic
  /**
   * Whether there is a dashboard of capacity, throttles, latency, errors and conflicts. An account's first three are free,
   * others cost $3 a month.
   *
   * @default true
   */
  readonly dashboard?: boolean
}

/** A copy of the table in another region. */
export interface SessionTableReplica {
  /** The region, such as `eu-west-1`. */
  readonly region: string
  /**
   * ARN of a key in that region.
   *
   * @default - a key that DynamoDB owns; required when the table has an `encryptionKey`
   */
  readonly encryptionKeyArn?: string
}

/** Where large values are kept. */
export interface OffloadProps {
  /**
   * A bucket of yours. It is used as it is: nothing of it is changed, and `ephemeral` does not touch it.
   *
   * @default - a new one: private, encrypted, TLS only
   */
  readonly bucket?: IBucket
  /**
   * What the names of objects begin with. Ends with a slash unless it is empty.
   *
   * @default ''
   */
  readonly prefix?: string
  /**
   * For how many days a deleted object can be restored in the new bucket: switches on versioning. What a user has deleted
   * is then kept for so long.
   *
   * @default - none: what is deleted is gone
   */
  readonly recoverableDays?: number
}
