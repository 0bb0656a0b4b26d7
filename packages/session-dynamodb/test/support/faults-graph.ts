/** The trace of a graph: two nodes, saved one after the other, run twice. */

import { Agent, Graph } from '@strands-agents/sdk'
import { MultiAgentState, Status } from '@strands-agents/sdk/multiagent'
import { DynamoDBSessionManager, verifySession } from 'strands-session-dynamodb'
import type { ProcessClient } from './faults-client.ts'
import { describeError, type Stage, type Trace } from './faults-run.ts'
import { ScriptedModel } from './scripted-model.ts'

/** A graph in a process of its own. */
interface GraphProcess {
  readonly graph: Graph
  readonly manager: DynamoDBSessionManager
  readonly models: readonly ScriptedModel[]
}

const NODES = ['a', 'b']

/** What a node answers, by its id. */
type Answers = (nodeId: string) => string

/** Makes the trace. */
export function graphTrace(name: string, answers: Answers): Trace {
  return { name, run: (stage) => run(stage, answers) }
}

async function run(stage: Stage, answers: Answers): Promise<string[]> {
  const { sessionId, tableName, fault } = stage
  const problems: string[] = []
  const first = graphIn(stage, stage.first, answers)
  let acknowledged: string[] = []
  for (const _round of [1, 2]) {
    const callsBefore = first.models.map(({ calls }) => calls.length)
    try {
      const result = await Promise.race([first.graph.invoke('Go.'), stage.first.death])
      acknowledged = result?.results.map(({ nodeId }) => nodeId) ?? []
      if (result !== undefined && result.status !== Status.COMPLETED)
        problems.push(`the graph ended as ${result.status}`)
    } catch (error) {
      acknowledged = []
      if (fault?.mode.endsWith('retried') ?? true) problems.push(`the graph failed: ${describeError(error)}`)
    }
    // A node begins when the results of those before it are stored.
    const begun = first.models.filter(({ calls }, index) => calls.length > (callsBefore[index] ?? 0)).length
    if (acknowledged.length === 0) acknowledged = NODES.slice(0, Math.max(0, begun - 1))
    if (stage.first.isDead()) break
  }

  const next = graphIn(stage, stage.process(), answers)
  const stored = await resultsOf(next)
  if (new Set(stored).size !== stored.length) problems.push(`results twice: ${stored}`)
  for (const nodeId of acknowledged)
    if (!stored.includes(nodeId)) problems.push(`the result of node '${nodeId}' is missing`)
  const isHalfDone = stored.length === 1
  const result = await next.graph.invoke('Go.')
  if (result.status !== Status.COMPLETED) problems.push(`after recovery the graph ended as ${result.status}`)
  const calls = next.models.map((model) => model.calls.length)
  if (isHalfDone && calls.join() !== '0,1') problems.push(`after recovery the nodes ran ${calls} times`)
  const final = await resultsOf(graphIn(stage, stage.process(), answers))
  if (final.join() !== result.results.map(({ nodeId }) => nodeId).join()) problems.push(`stored at the end: ${final}`)
  const report = await verifySession({ sessionId, tableName, client: stage.process().client })
  return [...problems, ...report.problems.map(({ key, problem }) => `verifySession: ${key.sk}: ${problem}`)]
}

function graphIn({ sessionId, tableName }: Stage, { client }: ProcessClient, answers: Answers): GraphProcess {
  const models = NODES.map((id) => new ScriptedModel(() => ({ text: answers(id) })))
  const nodes = models.map((model, index) => new Agent({ id: NODES[index] ?? '', model, printer: false }))
  const manager = new DynamoDBSessionManager({ sessionId, tableName, client })
  return { graph: new Graph({ nodes, edges: [['a', 'b']], sessionManager: manager, maxSteps: 10 }), manager, models }
}

/** Nodes whose results are stored, in order. */
async function resultsOf({ graph, manager }: GraphProcess): Promise<string[]> {
  const state = new MultiAgentState({ nodeIds: NODES })
  await manager.restoreSnapshot({ target: graph, state })
  return state.results.map(({ nodeId }) => nodeId)
}
