/** `createSessionTable`: the table for development and tests. Deployed tables come from the CDK construct. */

import {
  CreateTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  type KeySchemaElement,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb'
import { translateError } from './aws-errors.ts'
import { TableSchemaError } from './errors.ts'
import { parseTableOptions, type TableOptions } from './options.ts'
import { TABLE_SCHEMA } from './schema.ts'

/** Longest wait for a new table, in seconds. AWS makes one in about ten. */
const MAX_WAIT_SECONDS = 120

/**
 * Creates the table with its index and its time to live, and waits until it can be used. A table that exists and has the
 * right keys is left as it is.
 *
 * @throws `TableSchemaError` when a table of this name exists and is not a session table.
 */
export async function createSessionTable(options: Omit<TableOptions, 'tenantId' | 'onCapacity'>): Promise<void> {
  const { client, tableName } = parseTableOptions(options).table
  const { partitionKey, sortKey, ownerIndex, timeToLiveAttribute } = TABLE_SCHEMA
  const names = [partitionKey, sortKey, ownerIndex.partitionKey, ownerIndex.sortKey]
  const create = new CreateTableCommand({
    TableName: tableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: names.map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
    KeySchema: keySchema(partitionKey, sortKey),
    GlobalSecondaryIndexes: [
      {
        IndexName: ownerIndex.name,
        KeySchema: keySchema(ownerIndex.partitionKey, ownerIndex.sortKey),
        Projection: { ProjectionType: 'ALL' },
      },
    ],
  })
  try {
    await client.send(create)
    await waitUntilTableExists({ client, maxWaitTime: MAX_WAIT_SECONDS, minDelay: 1, maxDelay: 5 }, { TableName: tableName })
    const TimeToLiveSpecification = { AttributeName: timeToLiveAttribute, Enabled: true }
    await client.send(new UpdateTimeToLiveCommand({ TableName: tableName, TimeToLiveSpecification }))
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'ResourceInUseException') {
      throw translateError(error, 'CreateTable', tableName)
    }
    await checkSchema(client, tableName)
  }
}

async function checkSchema(client: Pick<DynamoDBClient, 'send'>, tableName: string): Promise<void> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName: tableName }))
  const { partitionKey, sortKey, ownerIndex } = TABLE_SCHEMA
  const index = Table?.GlobalSecondaryIndexes?.find(({ IndexName }) => IndexName === ownerIndex.name)
  const expected = [keySchema(partitionKey, sortKey), keySchema(ownerIndex.partitionKey, ownerIndex.sortKey)]
  if (JSON.stringify([Table?.KeySchema, index?.KeySchema]) === JSON.stringify(expected)) return
  throw new TableSchemaError(tableName, `it exists with other keys than ${partitionKey} and ${sortKey}, or without index`)
}

function keySchema(partitionKey: string, sortKey: string): KeySchemaElement[] {
  return [
    { AttributeName: partitionKey, KeyType: 'HASH' },
    { AttributeName: sortKey, KeyType: 'RANGE' },
  ]
}
