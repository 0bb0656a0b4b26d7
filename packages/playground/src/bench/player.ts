/** Plays the turns of a conversation: in one agent or graph, or in a new one for each turn. */

import type { SessionManager } from '@strands-agents/sdk'
import { BeforeNodeCallEvent } from '@strands-agents/sdk/multiagent'
import { createPlayedAgent, promptOf, TraceModel } from '../traces/agent.ts'
import { createTraceGraph } from '../traces/graph.ts'
import type { CountedTurns } from '../traces/run.ts'
import type { Trace, TraceTurn } from '../traces/turns.ts'
import type { AgentMode } from './facts.ts'

type Play = CountedTurns['play']

/** How to play the turns of a trace. */
export function playerOf(trace: Trace, agents: AgentMode, createManager: () => SessionManager): Play {
  const create = trace.isGraph ? createGraphPlayer : createAgentPlayer
  if (agents === 'cold') return (turn, onResumed) => create(turn, createManager())(turn, onResumed)
  let play: Play | undefined
  return (turn, onResumed) => {
    play ??= create(turn, createManager())
    return play(turn, onResumed)
  }
}

function createAgentPlayer(first: TraceTurn, sessionManager: SessionManager): Play {
  const model = new TraceModel(first)
  const agent = createPlayedAgent(model, sessionManager)
  return async (turn, onResumed) => {
    model.turn = turn
    await agent.initialize()
    onResumed(agent.messages.length)
    await agent.invoke(promptOf(turn))
  }
}

function createGraphPlayer(first: TraceTurn, sessionManager: SessionManager): Play {
  const { graph, say } = createTraceGraph(first, sessionManager)
  return async (turn, onResumed) => {
    say(turn)
    // A graph is restored when it is invoked: before its first node runs.
    let isResumed = false
    const removeHook = graph.addHook(BeforeNodeCallEvent, () => {
      if (!isResumed) onResumed(0)
      isResumed = true
    })
    await graph.invoke(turn.question)
    removeHook()
  }
}
