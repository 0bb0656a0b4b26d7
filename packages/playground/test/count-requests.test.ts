import { randomUUID } from 'node:crypto'
import { DeleteTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, GetCommand, PutCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb'
import { createSessionTable } from 'strands-session-dynamodb'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { countRequests, type RequestCounter, roundTripsOf } from '../src/count-requests.ts'
import { localClientConfig } from '../src/engine.ts'

const TableName = `count-${randomUUID()}`
const client = new DynamoDBClient(localClientConfig(inject('dynamoDBEndpoint')))
const documents = DynamoDBDocumentClient.from(client)
let counter: RequestCounter

beforeAll(async () => {
  await createSessionTable({ tableName: TableName, client })
  counter = countRequests(client)
})

afterAll(async () => {
  await client.send(new DeleteTableCommand({ TableName }))
  client.destroy()
})

test.each([
  [[100, 100, 100], 6],
  [[100, 5_000], 2 + 10],
  [[100, 3_500, 500], 2 + 8 + 2],
])('counts a transaction as the service bills it: each item by itself (%j)', async (lengths, writeUnits) => {
  counter.reset()
  await documents.send(
    new TransactWriteCommand({
      TransactItems: lengths.map((length, index) => ({
        Put: { TableName, Item: itemOf(`${lengths}-${index}`, length) },
      })),
    }),
  )
  expect(counter.reset()).toEqual([{ operation: 'TransactWriteItems', readUnits: 0, writeUnits, round: 1 }])
})

test('requests at the same time share a round trip', async () => {
  counter.reset()
  await Promise.all(['a', 'b'].map((sk) => documents.send(new PutCommand({ TableName, Item: itemOf(sk, 1_500) }))))
  await documents.send(new GetCommand({ TableName, Key: { pk: 'p', sk: 'a' }, ConsistentRead: true }))
  const requests = counter.reset()
  expect(
    requests.map(({ operation, readUnits, writeUnits, round }) => [operation, readUnits, writeUnits, round]),
  ).toEqual([
    ['PutItem', 0, 2, 1],
    ['PutItem', 0, 2, 1],
    ['GetItem', 1, 0, 2],
  ])
  expect(roundTripsOf(requests)).toBe(2)
  expect(roundTripsOf([])).toBe(0)
})

function itemOf(sk: string, length: number): Record<string, string> {
  return { pk: 'p', sk, data: 'x'.repeat(length) }
}
