/** Conditions and ranges to the expressions that DynamoDB reads. Pure. */

import { ATTRIBUTE, OWNER_INDEX } from './schema.ts'

/** A named condition with the values that it compares to. */
export interface Condition {
  readonly expression: string
  readonly names?: Readonly<Record<string, string>>
  readonly values?: Readonly<Record<string, unknown>>
}

/** Which items of a partition to read: sort keys with a prefix or in a range, or all of an owner in the owner index. */
export type QueryRange = QueryOptions &
  (
    | { readonly prefix: string; readonly between?: undefined; readonly ofOwner?: undefined }
    /** Sort keys from the first to the last, both included. */
    | {
        readonly between: readonly [first: string, last: string]
        readonly prefix?: undefined
        readonly ofOwner?: undefined
      }
    /** The index is always eventually consistent. */
    | { readonly ofOwner: true; readonly prefix?: undefined; readonly between?: undefined }
  )

/** How to read a range. */
export interface QueryOptions {
  /** Value of the partition key: a session's, or an owner's in the index. */
  readonly pk: string
  /** Key after which to start, with all attributes that the table or the index has in it. */
  readonly startAfter?: Readonly<Record<string, unknown>> | undefined
  readonly descending?: boolean
  /** Read strongly consistent, whatever the table's option says. */
  readonly consistent?: boolean
  /** Most items a page; DynamoDB ends a page at 1 MB whatever the limit. */
  readonly limit?: number
  /** Return keys and expiries only. It costs the same as whole items, but not the transfer. */
  readonly keysOnly?: boolean
  /** Further attributes to return with the keys. */
  readonly attributes?: readonly string[]
  /** Return items whose time is over too. */
  readonly withPast?: boolean
}

/** A condition as the input of a write. A write that it refuses returns the item that stood in its way. */
export function conditionInput(condition: Condition) {
  return {
    ConditionExpression: condition.expression,
    ...(condition.names === undefined ? {} : { ExpressionAttributeNames: { ...condition.names } }),
    ...(condition.values === undefined ? {} : { ExpressionAttributeValues: { ...condition.values } }),
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
  }
}

/** A range as the input of a query. */
export function keyConditionInput(range: QueryRange) {
  if (range.ofOwner) {
    return {
      IndexName: OWNER_INDEX,
      KeyConditionExpression: '#pk = :pk',
      ExpressionAttributeNames: { '#pk': ATTRIBUTE.ownerKey },
      ExpressionAttributeValues: { ':pk': range.pk },
    }
  }
  const [first, last] = range.between ?? []
  const [condition, values] =
    range.prefix === undefined
      ? ['#sk BETWEEN :first AND :last', { ':first': first, ':last': last }]
      : ['begins_with(#sk, :prefix)', { ':prefix': range.prefix }]
  const projected = range.keysOnly ? [ATTRIBUTE.expiresAt, ...(range.attributes ?? [])] : []
  return {
    KeyConditionExpression: `#pk = :pk AND ${condition}`,
    ExpressionAttributeNames: {
      '#pk': ATTRIBUTE.partitionKey,
      '#sk': ATTRIBUTE.sortKey,
      ...Object.fromEntries(projected.map((name) => [`#${name}`, name])),
    },
    ExpressionAttributeValues: { ':pk': range.pk, ...values },
    ...(range.keysOnly
      ? { ProjectionExpression: ['pk', 'sk', ...projected].map((name) => `#${name}`).join(', ') }
      : {}),
  }
}
