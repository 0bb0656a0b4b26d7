/** Graphs and swarms of scripted agents, as several processes would make them. */

import { Agent, type FunctionTool, Graph, InterruptResponseContent, type JSONValue, Swarm } from '@strands-agents/sdk'
import { BeforeNodeCallEvent, type MultiAgentResult, MultiAgentState } from '@strands-agents/sdk/multiagent'
import type { FaultyClient } from './faults.ts'
import { type Script, ScriptedModel } from './scripted-model.ts'
import { type TestSession, toolNamed } from './test-session.ts'

/** What the agent of each node says, by its id. */
export type NodeModels = Readonly<Record<string, Script | ScriptedModel>>

/** Nodes that run one after the other, in the order of the keys. */
export function graphOf(session: TestSession, models: NodeModels, sessionManager = session.manager()): Graph {
  const ids = Object.keys(models)
  const edges = ids.slice(1).map((id, index): [string, string] => [ids[index] ?? '', id])
  return new Graph({ nodes: nodesOf(models), edges, sessionManager, maxSteps: 20 })
}

/** Nodes that hand over to each other; the first key starts. */
export function swarmOf(session: TestSession, models: NodeModels, sessionManager = session.manager()): Swarm {
  return new Swarm({ nodes: nodesOf(models), sessionManager, maxSteps: 20 })
}

/** Agents that have the tool `ask`. */
export function nodesOf(models: NodeModels): Agent[] {
  return Object.entries(models).map(([id, script]) => {
    const model = script instanceof ScriptedModel ? script : new ScriptedModel(script)
    return new Agent({ id, model, printer: false, tools: [askingTool()] })
  })
}

/** What a swarm's node answers: to whom it hands over, if to anybody. */
export function decides(message: string, agentId?: string): Script {
  const input = { message, ...(agentId !== undefined && { agentId }) }
  return [{ toolUses: [{ name: 'strands_structured_output', input }] }]
}

function askingTool(): FunctionTool {
  return toolNamed('ask', (context) => context.interrupt<JSONValue>({ name: 'question' }))
}

/** What a node says to ask a person. */
export const asks: Script = [{ toolUses: [{ name: 'ask', input: {} }] }]

/** A person's answer to all that was asked. */
export function answersTo(result: MultiAgentResult, response: JSONValue): InterruptResponseContent[] {
  return (result.interrupts ?? []).map(({ id }) => new InterruptResponseContent({ interruptId: id, response }))
}

/** Nothing that the process does from this node on has an effect. */
export function diesBefore(node: string, orchestrator: Graph | Swarm, faulty: FaultyClient): void {
  orchestrator.addHook(BeforeNodeCallEvent, ({ nodeId }) => {
    if (nodeId !== node) return
    faulty.decide(() => 'fails')
    throw new Error('the process dies')
  })
}

/** The state that another process would find. */
export async function storedState(
  session: TestSession,
  orchestrator: Graph | Swarm,
): Promise<MultiAgentState | undefined> {
  const state = new MultiAgentState({ nodeIds: [...orchestrator.nodes.keys()] })
  return (await session.manager().restoreSnapshot({ target: orchestrator, state })) ? state : undefined
}
