/**
 * A snapshot-per-save store to compare with: the SDK's byte `Storage` on DynamoDB in the plainest way, one item per key.
 */

import {
  CreateTableCommand,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  paginateScan,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb'
import type { Storage } from '@strands-agents/sdk'

/** Stores each value as one item `{ key, data }`, read consistently, as the session manager does by default. */
export class ByteStorage implements Storage {
  readonly #client: DynamoDBClient
  readonly #tableName: string

  constructor(client: DynamoDBClient, tableName: string) {
    this.#client = client
    this.#tableName = tableName
  }

  async write(key: string, data: Uint8Array): Promise<void> {
    await this.#client.send(
      new PutItemCommand({ TableName: this.#tableName, Item: { key: { S: key }, data: { B: data } } }),
    )
  }

  async read(key: string): Promise<Uint8Array | null> {
    const { Item } = await this.#client.send(
      new GetItemCommand({ TableName: this.#tableName, Key: { key: { S: key } }, ConsistentRead: true }),
    )
    return Item?.data?.B ?? null
  }

  async delete(key: string): Promise<void> {
    await this.#client.send(new DeleteItemCommand({ TableName: this.#tableName, Key: { key: { S: key } } }))
  }

  async list(prefix: string): Promise<string[]> {
    const keys: string[] = []
    const pages = paginateScan(
      { client: this.#client },
      {
        TableName: this.#tableName,
        ProjectionExpression: '#key',
        ExpressionAttributeNames: { '#key': 'key' },
        ...(prefix !== '' && {
          FilterExpression: 'begins_with(#key, :prefix)',
          ExpressionAttributeValues: { ':prefix': { S: prefix } },
        }),
      },
    )
    for await (const page of pages) {
      for (const item of page.Items ?? []) if (item.key?.S !== undefined) keys.push(item.key.S)
    }
    return keys.sort()
  }
}

/** Creates the table that {@link ByteStorage} needs, and waits until it is there. */
export async function createByteTable(client: DynamoDBClient, tableName: string): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName: tableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'key', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'key', KeyType: 'HASH' }],
    }),
  )
  await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 1 }, { TableName: tableName })
}
