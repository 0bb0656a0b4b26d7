/** The sample agent of `infra/` on a DynamoDB of this machine, behind the development server. */

import { setTimeout as sleep } from 'node:timers/promises'
import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import type { Model } from '@strands-agents/sdk'
import { createSessionTable } from 'strands-session-dynamodb'
import { createListener, silentTelemetry } from 'strands-session-dynamodb-infra/agent'
import { OfflineModel } from '../offline-model.ts'
import { type DevServer, startServer } from './server.ts'

/** What the agent runs on. */
export interface AgentServerOptions {
  readonly model: Model
  readonly clientConfig: DynamoDBClientConfig
  /** Table of the sessions; made when it is not there. */
  readonly tableName: string
  /** 0 for any free one. */
  readonly port: number
}

/** Names the user, as a signature does in AWS: users have conversations of their own. */
const USER_HEADER = 'x-dev-user'
const DEFAULT_USER = 'dev'

/** Pause after a word of the offline model, in milliseconds: about as fast as a model in the cloud writes. */
const WORD_PAUSE_MS = 20

/** The offline model at the pace of one in the cloud, so that streaming can be seen. */
export function unhurriedModel(): OfflineModel {
  return new OfflineModel({ pause: () => sleep(WORD_PAUSE_MS) })
}

/** Starts the agent. What it fails at goes to the standard error output: it is the developer's own. */
export async function startAgentServer(options: AgentServerOptions): Promise<DevServer> {
  const { model, clientConfig, tableName, port } = options
  await createSessionTable({ tableName, clientConfig })
  const telemetry = { ...silentTelemetry, noteError: (error: unknown) => console.error(error) }
  const service = { model, client: new DynamoDBClient(clientConfig), tableName, telemetry }
  const agent = createListener(service, ({ [USER_HEADER]: user }) => ({ principal: String(user ?? DEFAULT_USER) }))
  return startServer(agent, port)
}
