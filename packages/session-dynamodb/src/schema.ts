/**
 * What infrastructure must know, stated once: the table's shape, how keys and objects' names begin, the actions that a
 * role needs.
 *
 * Free of imports, so that infrastructure code can use it without loading an SDK.
 */

/** Version of the item format that this release writes, and the newest that it reads. */
export const FORMAT_VERSION = 1

/** Names of the attributes that every item has, or that the table's own features read. */
export const ATTRIBUTE = {
  /** Partition key (S): one session of one tenant. */
  partitionKey: 'pk',
  /** Sort key (S): what the item is within its session. */
  sortKey: 'sk',
  /** Expiry (N), in epoch seconds: DynamoDB's time to live. */
  expiresAt: 'expiresAt',
  /** Partition key of the owner index (S): the user whom a session belongs to. On session items only. */
  ownerKey: 'ownerKey',
  /** Sort key of the owner index (S): when the session was last active, ISO 8601. */
  updatedAt: 'updatedAt',
} as const

/** Name of the sparse index that lists an owner's sessions, the most recent last. */
export const OWNER_INDEX = 'sessions-by-owner'

/** The table as `CreateTable`, CloudFormation and the CDK need it. All keys are strings. */
export const TABLE_SCHEMA = {
  partitionKey: ATTRIBUTE.partitionKey,
  sortKey: ATTRIBUTE.sortKey,
  timeToLiveAttribute: ATTRIBUTE.expiresAt,
  ownerIndex: {
    name: OWNER_INDEX,
    partitionKey: ATTRIBUTE.ownerKey,
    sortKey: ATTRIBUTE.updatedAt,
  },
} as const

/** Environment variable that names the table when the option `tableName` is not given. */
export const TABLE_VARIABLE = 'STRANDS_SESSION_TABLE'

/** Sort key of the session item, which is the last one of its session to go. */
export const SESSION_SORT_KEY = 'session'

/**
 * How the keys of a tenant's items begin, in the table and in the owner index. Percent-encoding leaves no `#`, so that no
 * tenant's prefix begins another one's.
 */
export function tenantPrefixOf(tenantId: string): string {
  return `tenant#${encodeURIComponent(tenantId)}#`
}

/** The IAM actions on the table that the library's requests need. */
export const TABLE_ACTIONS = [
  'dynamodb:BatchGetItem',
  'dynamodb:BatchWriteItem',
  'dynamodb:ConditionCheckItem',
  'dynamodb:DeleteItem',
  'dynamodb:GetItem',
  'dynamodb:PutItem',
  'dynamodb:Query',
  'dynamodb:UpdateItem',
] as const

/** The IAM actions on the owner index that `listSessions()` needs. */
export const OWNER_INDEX_ACTIONS = ['dynamodb:Query'] as const

/**
 * How the names of a session's offloaded objects begin, after the option `offload.prefix`: with the table's name, of which
 * there is one, however the table is named to the library.
 */
export function objectPrefixOf(tableNameOrArn: string, partitionKey: string): string {
  const tableName = tableNameOrArn.slice(tableNameOrArn.lastIndexOf('/') + 1)
  return `${tableName}/${encodeURIComponent(partitionKey)}/`
}

/** The IAM actions on offloaded objects that the option `offload` needs. */
export const OBJECT_ACTIONS = ['s3:DeleteObject', 's3:GetObject', 's3:PutObject'] as const

/** The IAM actions on the bucket of offloaded objects: a session's objects are listed when it is deleted. */
export const BUCKET_ACTIONS = ['s3:ListBucket'] as const
