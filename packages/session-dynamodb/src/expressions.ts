/** Conditions and ranges to the expressions that DynamoDB reads. Pure. */

import { ATTRIBUTE, OWNER_INDEX } from './schema.ts'

/** A named condition with the values that it compares to. */
export interface Condition {
  readonly expression: string
  readonly names?: Readonly<Record<string, string>>
  readonly values?: Readonly<Record<string, unknown>>
}

/** Which items of a partition, of the table or of the owner index, to read. */
export interface QueryRange {
  /** Read the owner index, whose partition key is an owner's. Always eventually consistent. */
  readonly ofOwner?: boolean
  /** Value of the partition key. */
  readonly pk: string
  /** Sort keys that begin so. */
  readonly prefix?: string
  /** Sort keys from the first to the last, both included. */
  readonly between?: readonly [first: string, last: string]
  /** Key after which to start, with all attributes that the table or the index has in it. */
  readonly startAfter?: Readonly<Record<string, unknown>> | undefined
  readonly descending?: boolean
  /** Read strongly consistent, whatever the table's option says. */
  readonly consistent?: boolean
  /** Most items a page; DynamoDB ends a page at 1 MB whatever the limit. */
  readonly limit?: number
  /** Return keys only. It costs the same as whole items, but not the transfer. */
  readonly keysOnly?: boolean
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
  const names = { '#pk': ATTRIBUTE.partitionKey }
  const withSortKey = { ...names, '#sk': ATTRIBUTE.sortKey }
  const projection = range.keysOnly ? { ProjectionExpression: '#pk, #sk' } : {}
  if (range.between !== undefined) {
    const [first, last] = range.between
    return {
      KeyConditionExpression: '#pk = :pk AND #sk BETWEEN :first AND :last',
      ExpressionAttributeNames: withSortKey,
      ExpressionAttributeValues: { ':pk': range.pk, ':first': first, ':last': last },
      ...projection,
    }
  }
  if (range.prefix !== undefined) {
    return {
      KeyConditionExpression: '#pk = :pk AND begins_with(#sk, :prefix)',
      ExpressionAttributeNames: withSortKey,
      ExpressionAttributeValues: { ':pk': range.pk, ':prefix': range.prefix },
      ...projection,
    }
  }
  return {
    KeyConditionExpression: '#pk = :pk',
    ExpressionAttributeNames: range.keysOnly ? withSortKey : names,
    ExpressionAttributeValues: { ':pk': range.pk },
    ...projection,
  }
}
