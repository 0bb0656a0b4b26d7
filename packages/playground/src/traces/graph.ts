/** The graph that holds a conversation which costs are measured with: two agents, one after the other. */

import { Agent, Graph, type SessionManager } from '@strands-agents/sdk'
import { createTextSource } from '../pseudo-text.ts'
import { TraceModel } from './agent.ts'
import type { TraceTurn } from './turns.ts'

/** A graph, and how to tell it what is said in the next turn. */
export interface TraceGraph {
  readonly graph: Graph
  readonly say: (turn: TraceTurn) => void
}

/** Makes a graph whose second node answers the first; each answer is as long as the turn's. */
export function createTraceGraph(turn: TraceTurn, sessionManager: SessionManager): TraceGraph {
  const [writer, editor] = [new TraceModel(turn), new TraceModel(turn)]
  const nodes = [
    new Agent({ id: 'writer', model: writer, printer: false }),
    new Agent({ id: 'editor', model: editor, printer: false }),
  ]
  const say = (next: TraceTurn): void => {
    writer.turn = next
    // Another text than the first node's: a store must not find the same one twice.
    editor.turn = { ...next, answer: createTextSource(-next.turn).prose(next.answer.length) }
  }
  say(turn)
  return { graph: new Graph({ nodes, edges: [['writer', 'editor']], sessionManager, maxSteps: 10_000 }), say }
}
