/**
 * The table's shape, stated once: attribute names, key schema, index and TTL.
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
