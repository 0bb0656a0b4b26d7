/** Runs the trace turn by turn, and counts what each turn asked of DynamoDB. */

import type { Agent, ConversationManager, SessionManager } from '@strands-agents/sdk'
import type { CountedRequest, RequestCounter } from '../count-requests.ts'
import { createTraceAgent, traceTurn } from './trace.ts'

/** What one turn asked of DynamoDB. */
export interface TurnRequests {
  /** From 1. */
  readonly turn: number
  /** What it took to restore the session. */
  readonly resume: readonly CountedRequest[]
  /** What it took to save the turn's messages, and the window at its end. */
  readonly save: readonly CountedRequest[]
  /** Messages that the agent held once it was restored. */
  readonly windowMessages: number
}

/** How to run the trace. */
export interface TraceRun {
  /** @defaultValue 1 */
  readonly firstTurn?: number
  readonly lastTurn: number
  /** Counts the client that the session managers use. */
  readonly counter: RequestCounter
  /** Makes the session manager of one turn. */
  readonly createManager: () => SessionManager
  /** Makes the conversation manager of one turn. @defaultValue the SDK's own: a sliding window of 40 messages */
  readonly createConversationManager?: () => ConversationManager
  /** Called between the resume and the question. Its requests are counted unless it sends them with another client. */
  readonly onResumed?: (turn: number, agent: Agent) => Promise<void>
  /** Called after each turn. */
  readonly onTurn?: (requests: TurnRequests) => Promise<void>
}

/** Runs turns of the trace, each in a new agent with a new session manager. */
export async function runTrace(run: TraceRun): Promise<TurnRequests[]> {
  const turns: TurnRequests[] = []
  for (let turn = run.firstTurn ?? 1; turn <= run.lastTurn; turn++) {
    const texts = traceTurn(turn)
    const agent = createTraceAgent(texts, run.createManager(), run.createConversationManager?.())
    run.counter.reset()
    await agent.initialize()
    const resume = run.counter.reset()
    const windowMessages = agent.messages.length
    await run.onResumed?.(turn, agent)
    await agent.invoke(texts.question)
    const requests = { turn, resume, save: run.counter.reset(), windowMessages }
    turns.push(requests)
    await run.onTurn?.(requests)
  }
  return turns
}
