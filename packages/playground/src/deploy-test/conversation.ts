/** A conversation with the deployed agent, and what is to be found of it afterwards. */

import assert from 'node:assert/strict'
import { DynamoDBClient, ListTablesCommand, ScanCommand } from '@aws-sdk/client-dynamodb'
import { AgentError } from '../dev/page/agent-client.js'
import { agentAt, ask } from './agent.ts'
import type { StackOutputs } from './stack.ts'
import { CREDENTIALS, REGION } from './workplace.ts'

const SESSION = 'deploy-test'
const QUESTIONS = ['My name is Ada. What is 6 * 7?', 'What is my name?'] as const

/** Asks two things, the second of which only the session can answer. @throws AssertionError for a wrong answer. */
export async function converse(endpoint: string, { AgentUrl }: StackOutputs): Promise<void> {
  const agent = agentAt(endpoint, AgentUrl)
  assert.match(await ask(agent, SESSION, QUESTIONS[0]), /42/)
  assert.match(await ask(agent, SESSION, QUESTIONS[1]), /Ada/)
}

/** What nobody has signed does not reach the agent. @throws AssertionError when it does. */
export async function expectRefusal(endpoint: string, { AgentUrl }: StackOutputs): Promise<void> {
  const stranger = agentAt(endpoint, AgentUrl, { isSigned: false })
  await assert.rejects(ask(stranger, SESSION, QUESTIONS[1]), (error) => {
    return error instanceof AgentError && error.status === 403
  })
}

/** @returns how many messages of the conversation are in the table @throws AssertionError unless it is all of them. */
export async function expectStored(endpoint: string, { TableName }: StackOutputs): Promise<number> {
  const { Items = [] } = await clientFor(endpoint).send(new ScanCommand({ TableName, ConsistentRead: true }))
  const messages = Items.filter(({ sk }) => /#msg#\d+$/.test(sk?.S ?? ''))
  const stored = JSON.stringify(messages)
  for (const question of QUESTIONS) assert.ok(stored.includes(question), `'${question}' is not in the table`)
  assert.ok(messages.length >= 2 * QUESTIONS.length, `only ${messages.length} messages are in the table`)
  return messages.length
}

/** Of a removed stack neither table nor agent is left. @throws AssertionError for what is. */
export async function expectGone(endpoint: string, { AgentUrl, TableName }: StackOutputs): Promise<void> {
  const { TableNames = [] } = await clientFor(endpoint).send(new ListTablesCommand({}))
  assert.ok(!TableNames.includes(TableName), `the table ${TableName} is still there`)
  await assert.rejects(ask(agentAt(endpoint, AgentUrl), SESSION, QUESTIONS[1]), (error) => {
    return error instanceof AgentError && error.status === 404
  })
}

function clientFor(endpoint: string): DynamoDBClient {
  return new DynamoDBClient({ endpoint, region: REGION, credentials: CREDENTIALS })
}
