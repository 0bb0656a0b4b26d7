/** A table of its own for each test file, on the DynamoDB of the test run. */

import { randomUUID } from 'node:crypto'
import { DeleteTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { createSessionTable } from 'strands-session-dynamodb'
import { localClientConfig } from 'strands-session-dynamodb-playground/engine'
import { inject } from 'vitest'

export {
  type CountedRequest,
  countRequests,
  type RequestCounter,
  sumCapacity,
} from 'strands-session-dynamodb-playground/count-requests'

/** A session table that no other test file uses. */
export interface TestTable {
  readonly tableName: string
  readonly client: DynamoDBClient
  /** Made from {@link TestTable.client}: a request counter on one counts the other's requests too. */
  readonly documentClient: DynamoDBDocumentClient
  /** Deletes the table and closes the client's connections. */
  readonly drop: () => Promise<void>
}

/** Settings for a further client of the test run's DynamoDB: one that counts for itself, or stands for another process. */
export function testClientConfig(): ReturnType<typeof localClientConfig> {
  return localClientConfig(inject('dynamoDBEndpoint'))
}

/** Creates an empty session table. Call it in `beforeAll`, and `drop()` in `afterAll`. */
export async function createTestTable(): Promise<TestTable> {
  const client = new DynamoDBClient(testClientConfig())
  const documentClient = DynamoDBDocumentClient.from(client)
  const tableName = `test-${randomUUID()}`
  await createSessionTable({ tableName, client })
  return {
    tableName,
    client,
    documentClient,
    drop: async () => {
      await client.send(new DeleteTableCommand({ TableName: tableName }))
      client.destroy()
    },
  }
}
