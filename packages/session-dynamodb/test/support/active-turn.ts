/** Agents in the middle of a turn, where a test wants them. */

import type { Agent, AgentResult } from '@strands-agents/sdk'
import type { CapacityUsage, DynamoDBSessionManagerOptions } from 'strands-session-dynamodb'
import { type Gate, GatedModel, gate } from './gate.ts'
import type { Script } from './scripted-model.ts'
import { answers, type TestSession, toolNamed } from './test-session.ts'

/** Uses the tool `look`, then answers. */
export const lookUp: Script = [{ toolUses: [{ name: 'look', input: {} }] }, { text: 'I saw it.' }]

/** The messages of a turn that asks `Look!`, by {@link lookUp}. */
export const turnOfLook = ['user: Look!', 'assistant: toolUse', 'user: toolResult', 'assistant: I saw it.']

/** An agent in the middle of a turn. */
export interface ActiveTurn {
  readonly agent: Agent
  readonly at: Gate
  /** What becomes of the turn. */
  readonly ended: Promise<unknown>
}

/** Runs a turn until a tool is at work: the user's message is stored, nothing else. */
export async function atWork(
  session: TestSession,
  manager: Partial<DynamoDBSessionManagerOptions> = {},
): Promise<ActiveTurn> {
  const at = gate()
  const agent = session.agent(lookUp, { tools: [toolNamed('look', () => at.pass('a thing'))], manager })
  return follow(agent, at, 'Look!')
}

/** Runs a turn until the model has been asked for the answer. */
export async function answering(
  session: TestSession,
  manager: Partial<DynamoDBSessionManagerOptions> = {},
): Promise<ActiveTurn> {
  const at = gate()
  return follow(session.agent(new GatedModel(answers('I think so.'), at), { manager }), at, 'Do you think so?')
}

async function follow(agent: Agent, at: Gate, question: string): Promise<ActiveTurn> {
  const ended = agent.invoke(question)
  // Looked at by the test later, if at all.
  ended.catch(() => undefined)
  await Promise.race([at.reached, ended])
  return { agent, at, ended }
}

/** Counts requests, and tells when as many as a test waits for have been sent. */
export function requestsOf(
  operation: string,
  count: number,
): { readonly onCapacity: (usage: CapacityUsage) => void; readonly seen: Promise<void> } {
  const seen = Promise.withResolvers<void>()
  let left = count
  const onCapacity = (usage: CapacityUsage): void => {
    if (usage.operation === operation && --left === 0) seen.resolve()
  }
  return { onCapacity, seen: seen.promise }
}

/** Names a turn for an invocation. */
export function turnId(id: unknown): { invocationState: { turnId: unknown } } {
  return { invocationState: { turnId: id } }
}

/** The texts of an agent's answer. */
export function textsOf({ lastMessage }: AgentResult): string[] {
  return lastMessage.content.map((block) => (block.type === 'textBlock' ? block.text : block.type))
}
