/** The same conversation on a store that writes one snapshot per save, measured on the same DynamoDB. */

import { DeleteTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { SessionManager } from '@strands-agents/sdk'
import { createSessionTable } from 'strands-session-dynamodb'
import { createAssistant } from './assistant.ts'
import { ByteStorage } from './byte-storage.ts'
import type { RequestCounter } from './count-requests.ts'
import { OfflineModel } from './offline-model.ts'
import { runTurn, type TurnFacts } from './turn.ts'

/**
 * Runs the SDK's stock session manager on a plain byte storage, saving after each message; a new agent for each of the
 * conversation's processes.
 */
export async function measureSnapshotStore(options: {
  readonly client: DynamoDBClient
  readonly counter: RequestCounter
  readonly tableName: string
  readonly sessionId: string
  readonly processes: readonly (readonly string[])[]
}): Promise<TurnFacts[]> {
  const { client, counter, tableName, sessionId, processes } = options
  await createSessionTable({ client, tableName })
  counter.reset()
  const turns: TurnFacts[] = []
  for (const questions of processes) {
    const storage = new ByteStorage(client, tableName)
    const manager = new SessionManager({ sessionId, storage, saveLatestOn: 'message' })
    const agent = createAssistant(new OfflineModel(), manager)
    for (const question of questions) turns.push(await runTurn(agent, question, counter))
  }
  await client.send(new DeleteTableCommand({ TableName: tableName }))
  return turns
}
