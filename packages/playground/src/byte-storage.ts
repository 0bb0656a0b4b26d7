/**
 * A snapshot-per-save store to compare with: the SDK's byte `Storage` on DynamoDB in the plainest way, one item per key.
 */

import {
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  paginateScan,
} from '@aws-sdk/client-dynamodb'
import type { Storage } from '@strands-agents/sdk'
import { ATTRIBUTE } from 'strands-session-dynamodb/schema'

const { partitionKey, sortKey } = ATTRIBUTE
const VALUE = { S: 'value' }

/**
 * Stores each value as one item on a table with the keys of this library's, read strongly consistent, as the library does by
 * default.
 */
export class ByteStorage implements Storage {
  readonly #client: DynamoDBClient
  readonly #tableName: string

  constructor(client: DynamoDBClient, tableName: string) {
    this.#client = client
    this.#tableName = tableName
  }

  async write(key: string, data: Uint8Array): Promise<void> {
    await this.#client.send(
      new PutItemCommand({ TableName: this.#tableName, Item: { ...keyOf(key), data: { B: data } } }),
    )
  }

  async read(key: string): Promise<Uint8Array | null> {
    const { Item } = await this.#client.send(
      new GetItemCommand({ TableName: this.#tableName, Key: keyOf(key), ConsistentRead: true }),
    )
    return Item?.data?.B ?? null
  }

  async delete(key: string): Promise<void> {
    await this.#client.send(new DeleteItemCommand({ TableName: this.#tableName, Key: keyOf(key) }))
  }

  async list(prefix: string): Promise<string[]> {
    const keys: string[] = []
    const pages = paginateScan(
      { client: this.#client },
      {
        TableName: this.#tableName,
        ProjectionExpression: '#key',
        ExpressionAttributeNames: { '#key': partitionKey },
        ...(prefix !== '' && {
          FilterExpression: 'begins_with(#key, :prefix)',
          ExpressionAttributeValues: { ':prefix': { S: prefix } },
        }),
      },
    )
    for await (const page of pages) {
      for (const item of page.Items ?? []) keys.push(item[partitionKey]?.S ?? '')
    }
    return keys.sort()
  }
}

function keyOf(key: string): Record<string, { S: string }> {
  return { [partitionKey]: { S: key }, [sortKey]: VALUE }
}
