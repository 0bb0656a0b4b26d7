/** `createSessionTable`: the table for development and tests. Deployed tables come from the CDK construct. */

import {
  CreateTableCommand,
  DescribeTableCommand,
  type KeySchemaElement,
  type TableDescription,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { translateError } from './aws-errors.ts'
import { TableSchemaError } from './errors.ts'
import type { TableOptions } from './options.ts'
import { parseTableOptions } from './parse-options.ts'
import { TABLE_SCHEMA } from './schema.ts'

/** Longest wait for a new table, in seconds. AWS makes one in about ten. */
const MAX_WAIT_SECONDS = 120

/**
 * Creates the table with its index and its time to live, and waits until it can be used. A table that exists and has the
 * right keys is left as it is.
 *
 * @throws `TableSchemaError` when a table of this name exists and is not a session table.
 */
export async function createSessionTable(
  options: Omit<TableOptions, 'tenantId' | 'onCapacity' | 'onRetry' | 'getRemainingTimeInMillis'>,
): Promise<void> {
  const { client, tableName } = parseTableOptions(options).table
  const attempt = <T>(operation: string, request: Promise<T>): Promise<T> =>
    request.catch((error: unknown) => {
      throw translateError(error, operation, tableName)
    })
  const created = await attempt('CreateTable', create(client, tableName))
  const describe = new DescribeTableCommand({ TableName: tableName })
  // Asked once by ourselves: the waiter takes any error for a table that is not there yet.
  await attempt('DescribeTable', client.send(describe).catch(ignoreMissing))
  const waiter = { client, maxWaitTime: MAX_WAIT_SECONDS, minDelay: 1, maxDelay: 5 }
  await attempt('DescribeTable', waitUntilTableExists(waiter, { TableName: tableName }))
  if (!created) {
    const { Table } = await attempt('DescribeTable', client.send(describe))
    checkSchema(Table, tableName)
    return
  }
  const TimeToLiveSpecification = { AttributeName: TABLE_SCHEMA.timeToLiveAttribute, Enabled: true }
  const timeToLive = new UpdateTimeToLiveCommand({ TableName: tableName, TimeToLiveSpecification })
  await attempt('UpdateTimeToLive', client.send(timeToLive))
}

/** @returns false when there is a table of this name already. */
async function create(client: DynamoDBDocumentClient, tableName: string): Promise<boolean> {
  const { partitionKey, sortKey, ownerIndex } = TABLE_SCHEMA
  const names = [partitionKey, sortKey, ownerIndex.partitionKey, ownerIndex.sortKey]
  const command = new CreateTableCommand({
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
    await client.send(command)
    return true
  } catch (error) {
    if (error instanceof Error && error.name === 'ResourceInUseException') return false
    throw error
  }
}

/** A table that has just been created may not be seen at once. */
function ignoreMissing(error: unknown): void {
  if (!(error instanceof Error) || error.name !== 'ResourceNotFoundException') throw error
}

function checkSchema(table: TableDescription | undefined, tableName: string): void {
  const { partitionKey, sortKey, ownerIndex } = TABLE_SCHEMA
  const index = table?.GlobalSecondaryIndexes?.find(({ IndexName }) => IndexName === ownerIndex.name)
  const typeOf = (name: string): string | undefined =>
    table?.AttributeDefinitions?.find(({ AttributeName }) => AttributeName === name)?.AttributeType
  const hasKeys = (schema: KeySchemaElement[] | undefined, names: readonly [string, string]): boolean =>
    keySchema(...names).every((key) =>
      schema?.some(({ AttributeName, KeyType }) => AttributeName === key.AttributeName && KeyType === key.KeyType),
    ) && names.every((name) => typeOf(name) === 'S')
  if (!hasKeys(table?.KeySchema, [partitionKey, sortKey])) {
    throw new TableSchemaError(tableName, `its keys are not the texts '${partitionKey}' and '${sortKey}'`)
  }
  if (!hasKeys(index?.KeySchema, [ownerIndex.partitionKey, ownerIndex.sortKey])) {
    throw new TableSchemaError(tableName, `it has no index '${ownerIndex.name}', or one with other keys`)
  }
}

function keySchema(partitionKey: string, sortKey: string): KeySchemaElement[] {
  return [
    { AttributeName: partitionKey, KeyType: 'HASH' },
    { AttributeName: sortKey, KeyType: 'RANGE' },
  ]
}
