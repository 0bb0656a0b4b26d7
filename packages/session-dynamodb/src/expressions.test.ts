import { describe, expect, it } from 'vitest'
import { conditionInput, keyConditionInput } from './expressions.ts'

describe('conditionInput', () => {
  it('asks for the item that a refused write met', () => {
    expect(conditionInput({ expression: 'attribute_exists(pk)' })).toEqual({
      ConditionExpression: 'attribute_exists(pk)',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    })
  })

  it('brings names and values along', () => {
    expect(conditionInput({ expression: '#a = :a', names: { '#a': 'a' }, values: { ':a': 1 } })).toEqual({
      ConditionExpression: '#a = :a',
      ExpressionAttributeNames: { '#a': 'a' },
      ExpressionAttributeValues: { ':a': 1 },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    })
  })
})

describe('keyConditionInput', () => {
  it('reads sort keys that begin so', () => {
    expect(keyConditionInput({ pk: 'p', prefix: 'a#' })).toEqual({
      KeyConditionExpression: '#pk = :pk AND begins_with(#sk, :prefix)',
      ExpressionAttributeNames: { '#pk': 'pk', '#sk': 'sk' },
      ExpressionAttributeValues: { ':pk': 'p', ':prefix': 'a#' },
    })
  })

  it('reads sort keys from one to another', () => {
    expect(keyConditionInput({ pk: 'p', between: ['a', 'b'] })).toEqual({
      KeyConditionExpression: '#pk = :pk AND #sk BETWEEN :first AND :last',
      ExpressionAttributeNames: { '#pk': 'pk', '#sk': 'sk' },
      ExpressionAttributeValues: { ':pk': 'p', ':first': 'a', ':last': 'b' },
    })
  })

  it('reads keys and expiries only, and further attributes whatever their names', () => {
    const range = { pk: 'p', prefix: 'a#', keysOnly: true } as const
    expect(keyConditionInput(range)).toMatchObject({
      ProjectionExpression: '#pk, #sk, #expiresAt',
      ExpressionAttributeNames: { '#pk': 'pk', '#sk': 'sk', '#expiresAt': 'expiresAt' },
    })
    expect(keyConditionInput({ ...range, attributes: ['sum'] })).toMatchObject({
      ProjectionExpression: '#pk, #sk, #expiresAt, #sum',
      ExpressionAttributeNames: { '#sum': 'sum' },
    })
  })

  it("reads an owner's sessions from the index", () => {
    expect(keyConditionInput({ ofOwner: true, pk: 'owner#me' })).toEqual({
      IndexName: 'sessions-by-owner',
      KeyConditionExpression: '#pk = :pk',
      ExpressionAttributeNames: { '#pk': 'ownerKey' },
      ExpressionAttributeValues: { ':pk': 'owner#me' },
    })
  })
})
