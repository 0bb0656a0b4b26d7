import { DescribeTableCommand, PutItemCommand, QueryCommand, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb'
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { countRequests, createTestTable, type RequestCounter, sumCapacity, type TestTable } from './table.ts'

let table: TestTable
let counter: RequestCounter

beforeAll(async () => {
  table = await createTestTable()
  counter = countRequests(table.client)
})

afterAll(() => table.drop())

test('counts the requests of a client and its document client, with the capacity that DynamoDB reports', async () => {
  const { client, documentClient, tableName: TableName } = table
  const itemOf = (sk: string): { pk: { S: string }; sk: { S: string } } => ({ pk: { S: 'p' }, sk: { S: sk } })

  await documentClient.send(new PutCommand({ TableName, Item: { pk: 'p', sk: '1', text: 'x'.repeat(1_500) } }))
  await documentClient.send(new GetCommand({ TableName, Key: { pk: 'p', sk: '1' }, ConsistentRead: true }))
  await client.send(
    new QueryCommand({ TableName, KeyConditionExpression: 'pk = :p', ExpressionAttributeValues: { ':p': { S: 'p' } } }),
  )
  await client.send(
    new TransactWriteItemsCommand({
      TransactItems: ['2', '3'].map((sk) => ({ Put: { TableName, Item: itemOf(sk) } })),
    }),
  )
  const conditional = new PutItemCommand({
    TableName,
    Item: itemOf('1'),
    ConditionExpression: 'attribute_not_exists(pk)',
  })
  await expect(client.send(conditional)).rejects.toThrow()
  await client.send(new DescribeTableCommand({ TableName }))

  expect(sumCapacity(counter.requests)).toEqual({ readUnits: 1.5, writeUnits: 6 })
  const named = { tableName: TableName }
  expect(counter.reset()).toEqual([
    { operation: 'PutItem', ...named, round: 1, readUnits: 0, writeUnits: 2 },
    { operation: 'GetItem', ...named, round: 2, readUnits: 1, writeUnits: 0 },
    { operation: 'Query', ...named, round: 3, readUnits: 0.5, writeUnits: 0 },
    { operation: 'TransactWriteItems', round: 4, readUnits: 0, writeUnits: 4 },
    {
      ...{ operation: 'PutItem', ...named, round: 5, readUnits: 0, writeUnits: 0 },
      error: 'ConditionalCheckFailedException',
    },
    { operation: 'DescribeTable', ...named, round: 6, readUnits: 0, writeUnits: 0 },
  ])
  expect(counter.requests).toEqual([])
})
