/**
 * One process of the demo: an agent with a session, told by its parent what to ask. It knows the session's name and
 * nothing else of the conversation.
 */

import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import { DynamoDBSessionManager } from 'strands-session-dynamodb'
import { createAssistant } from './assistant.ts'
import { countRequests } from './count-requests.ts'
import { OfflineModel } from './offline-model.ts'
import { runTurn, type TurnFacts } from './turn.ts'

/** What the parent says: first where the session is, then one question after the other. */
export type Order =
  | {
      readonly type: 'start'
      readonly clientConfig: DynamoDBClientConfig
      readonly tableName: string
      readonly sessionId: string
    }
  | { readonly type: 'ask'; readonly question: string }

/** What the process says: how many messages it restored, then one answer after the other. */
export type Report =
  | { readonly type: 'started'; readonly restored: number }
  | { readonly type: 'answered'; readonly turn: TurnFacts }
  | { readonly type: 'failed'; readonly message: string }

type Ask = (question: string) => Promise<Report>

let ask: Ask | undefined

process.on('message', (order: Order) => {
  const work = order.type === 'start' ? start(order) : (ask?.(order.question) ?? refuse())
  work.catch(failed).then((report) => process.send?.(report))
})
// Without its parent the process has nothing to do.
process.on('disconnect', () => process.exit())

async function start(order: Order & { type: 'start' }): Promise<Report> {
  const client = new DynamoDBClient(order.clientConfig)
  const counter = countRequests(client)
  const { tableName, sessionId } = order
  const agent = createAssistant(new OfflineModel(), new DynamoDBSessionManager({ sessionId, tableName, client }))
  await agent.initialize()
  ask = async (question) => ({ type: 'answered', turn: await runTurn(agent, question, counter) })
  return { type: 'started', restored: agent.messages.length }
}

async function refuse(): Promise<Report> {
  return { type: 'failed', message: 'asked before it was started' }
}

function failed(error: unknown): Report {
  return { type: 'failed', message: error instanceof Error ? `${error.name}: ${error.message}` : String(error) }
}
