/** What the rows of an agent's messages cost by themselves: the floor that a resume is held against. */

import { brotliDecompressSync } from 'node:zlib'
import {
  type AttributeValue,
  type DynamoDBClient,
  paginateQuery,
  QueryCommand,
  type QueryCommandInput,
} from '@aws-sdk/client-dynamodb'
import type { Message } from '@strands-agents/sdk'
import { ATTRIBUTE } from 'strands-session-dynamodb/schema'

/** Where the messages of an agent are. */
export interface MessageRows {
  readonly tableName: string
  readonly sessionId: string
  /** @defaultValue `agent`, the SDK's own */
  readonly agentId?: string
}

/**
 * Read capacity units of a strongly consistent read of the window's rows and of nothing else, as the service reports
 * them. Takes the window to be the log's newest rows.
 *
 * @throws Error when these rows do not hold exactly the messages of the window.
 */
export async function windowReadUnits(
  client: DynamoDBClient,
  rows: MessageRows,
  window: readonly Message[],
): Promise<number> {
  if (window.length === 0) return 0
  const { Items = [], ConsumedCapacity } = await client.send(
    new QueryCommand({
      ...rangeOf(rows),
      ConsistentRead: true,
      ScanIndexForward: false,
      Limit: window.length,
      ReturnConsumedCapacity: 'TOTAL',
    }),
  )
  const stored = Items.map(textOf).reverse()
  if (window.some((message, index) => JSON.stringify(message.toJSON()) !== stored[index])) {
    throw new Error(`The newest ${window.length} rows of session '${rows.sessionId}' are not the agent's window.`)
  }
  return ConsumedCapacity?.CapacityUnits ?? 0
}

/** A message's JSON, as its item holds it. */
function textOf({ data }: Record<string, AttributeValue>): string | undefined {
  return data?.B === undefined ? data?.S : brotliDecompressSync(data.B).toString()
}

/** Number of messages in the table, in the window or not. */
export async function countMessages(client: DynamoDBClient, rows: MessageRows): Promise<number> {
  let count = 0
  const pages = paginateQuery({ client }, { ...rangeOf(rows), ConsistentRead: true, Select: 'COUNT' })
  for await (const page of pages) count += page.Count ?? 0
  return count
}

function rangeOf({ tableName, sessionId, agentId = 'agent' }: MessageRows): QueryCommandInput {
  const prefix = `agent#${agentId}#msg#`
  return {
    TableName: tableName,
    KeyConditionExpression: '#pk = :pk AND #sk BETWEEN :first AND :last',
    ExpressionAttributeNames: { '#pk': ATTRIBUTE.partitionKey, '#sk': ATTRIBUTE.sortKey },
    ExpressionAttributeValues: {
      ':pk': { S: `session#${sessionId}` },
      ':first': { S: `${prefix}0` },
      ':last': { S: `${prefix}9999999999` },
    },
  }
}
