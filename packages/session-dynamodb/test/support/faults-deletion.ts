/** The trace of a session that is used and deleted; the deletion is called again, and the session begun anew. */

import { Agent } from '@strands-agents/sdk'
import { DynamoDBSessionManager, verifySession } from 'strands-session-dynamodb'
import { silent } from './faults-agent.ts'
import { conversationProblems, endedProblems } from './faults-checks.ts'
import type { ProcessClient } from './faults-client.ts'
import { faultModel, faultTools } from './faults-model.ts'
import { describeError, type Stage, type Trace } from './faults-run.ts'

const TURNS = 2
const LEASE_MS = 1000

/** Makes the trace. */
export function deletionTrace(): Trace {
  return { name: 'deletion', run }
}

async function run(stage: Stage): Promise<string[]> {
  const { sessionId, tableName, fault, first } = stage
  const problems: string[] = []
  const mayFail = fault !== undefined && !fault.mode.endsWith('retried')
  const { agent, manager } = agentIn(stage, first)
  let acknowledged = 0
  const attempt = async (what: string, task: () => Promise<unknown>): Promise<boolean> => {
    if (first.isDead()) return false
    try {
      await Promise.race([task(), first.death])
      return !first.isDead()
    } catch (error) {
      if (!mayFail) problems.push(`${what} failed: ${describeError(error)}`)
      return false
    }
  }
  for (let turn = 1; turn <= TURNS; turn++) {
    if (await attempt(`turn ${turn}`, () => agent.invoke(`look at ${turn}`))) acknowledged += 1
  }
  await attempt('the snapshot', () => manager.saveSnapshot({ target: agent, isLatest: false }))
  const isBegun = !first.isDead()
  const isDeleted = await attempt('the deletion', () => manager.deleteSession())
  if (isDeleted && (await stage.items()).length > 0) problems.push('a deletion that succeeded left items')

  const reader = agentIn(stage, stage.process())
  await reader.agent.initialize()
  const restored = reader.agent.messages.map((message) => message.toJSON())
  for (const problem of conversationProblems(restored)) problems.push(`after the first call there is ${problem}`)
  const wanted = restored.length >= 4 * acknowledged || (restored.length === 0 && isBegun)
  if (!wanted) problems.push(`after the first call there is a fragment of ${restored.length} messages`)

  await agentIn(stage, stage.process()).manager.deleteSession()
  const left = (await stage.items()).map(({ sk }) => sk)
  if (left.length > 0) problems.push(`after the second call there is ${left}`)

  await agentIn(stage, stage.process()).agent.invoke('Is anybody there?')
  const last = agentIn(stage, stage.process())
  await last.agent.initialize()
  const found = last.agent.messages.map((message) => message.toJSON())
  if (found.length !== 2) problems.push(`the new session has ${found.length} messages`)
  for (const problem of endedProblems(found)) problems.push(`the new session has ${problem}`)
  const report = await verifySession({ sessionId, tableName, client: stage.process().client })
  return [...problems, ...report.problems.map(({ key, problem }) => `verifySession: ${key.sk}: ${problem}`)]
}

function agentIn(
  { sessionId, tableName }: Stage,
  { client }: ProcessClient,
): { agent: Agent; manager: DynamoDBSessionManager } {
  const manager = new DynamoDBSessionManager({ sessionId, tableName, client, turnLeaseMs: LEASE_MS, logger: silent })
  return {
    agent: new Agent({ model: faultModel().model, sessionManager: manager, printer: false, tools: faultTools() }),
    manager,
  }
}
