/** One session, as several processes would use it: each agent and each manager is made anew, and shares nothing. */

import { randomUUID } from 'node:crypto'
import { Agent, type AgentConfig, FunctionTool, type JSONValue, type ToolContext } from '@strands-agents/sdk'
import { DynamoDBSessionManager, type DynamoDBSessionManagerOptions } from 'strands-session-dynamodb'
import { type Script, ScriptedModel, type ScriptedTurn } from './scripted-model.ts'
import { itemsOfSession, type StoredItem, summaryOf } from './stored-items.ts'
import type { TestTable } from './table.ts'

/** Options of an agent: the SDK's, and those of its manager. */
export type TestAgentConfig = Omit<AgentConfig, 'model' | 'sessionManager'> & {
  readonly manager?: DynamoDBSessionManager | Partial<DynamoDBSessionManagerOptions>
}

/** A session that no other test uses. */
export interface TestSession {
  readonly sessionId: string
  /** A manager as another process would make it. */
  readonly manager: (options?: Partial<DynamoDBSessionManagerOptions>) => DynamoDBSessionManager
  /** An agent with a manager of its own, that plays a script. It restores the session with its first invocation. */
  readonly agent: (script: Script | ScriptedModel, config?: TestAgentConfig) => Agent
  /** An agent that has restored the session, and cannot answer. */
  readonly restored: (config?: TestAgentConfig) => Promise<Agent>
  /** What the table holds of the session. */
  readonly items: () => Promise<StoredItem[]>
}

export function testSession(table: TestTable, defaults: Partial<DynamoDBSessionManagerOptions> = {}): TestSession {
  const { tableName, client } = table
  const sessionId = defaults.sessionId ?? randomUUID()
  const manager: TestSession['manager'] = (options) =>
    new DynamoDBSessionManager({ sessionId, tableName, client, ...defaults, ...options })
  const agent: TestSession['agent'] = (script, { manager: given, ...config } = {}) =>
    new Agent({
      printer: false,
      ...config,
      model: script instanceof ScriptedModel ? script : new ScriptedModel(script),
      sessionManager: given instanceof DynamoDBSessionManager ? given : manager(given),
    })
  const restored: TestSession['restored'] = async (config) => {
    const restoring = agent([], config)
    await restoring.initialize()
    return restoring
  }
  return { sessionId, manager, agent, restored, items: () => itemsOfSession(table, sessionId, defaults.tenantId) }
}

/** An agent's messages, one line each. */
export function messagesOf(agent: Agent): string[] {
  return agent.messages.map((message) => summaryOf(message.toJSON()))
}

/** A tool without parameters. */
export function toolNamed(
  name: string,
  callback: (context: ToolContext) => JSONValue | Promise<JSONValue>,
): FunctionTool {
  return new FunctionTool({ name, description: name, callback: (_input, context) => callback(context) })
}

/** A script of answers, one text per model call. */
export function answers(...texts: readonly string[]): ScriptedTurn[] {
  return texts.map((text) => ({ text }))
}

/** A model that always gives the same answer, and can be asked any number of times. */
export function always(text: string): Script {
  return () => ({ text })
}
