/** Runs a conversation turn by turn, and counts what each turn asked of DynamoDB. */

import type { Agent, ConversationManager, SessionManager } from '@strands-agents/sdk'
import type { CountedRequest, RequestCounter } from '../count-requests.ts'
import { createTraceAgent } from './agent.ts'
import { type TraceTurn, traceTurn } from './turns.ts'

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
  /** What this process computed for the turn, the database not included, in milliseconds. */
  readonly cpuMs: number
}

/** Which turns to run, and how. */
export interface CountedTurns {
  /** @defaultValue 1 */
  readonly firstTurn?: number
  readonly lastTurn: number
  /** Counts the client that the session managers use. */
  readonly counter: RequestCounter
  /** What is said in a turn. Not measured. */
  readonly turnOf: (turn: number) => TraceTurn
  /** Runs a turn. Has to say when the session was restored, and how many messages it then held. */
  readonly play: (turn: TraceTurn, onResumed: (windowMessages: number) => void) => Promise<void>
  /** Called after each turn. */
  readonly onTurn?: ((requests: TurnRequests) => Promise<void>) | undefined
}

/** How to run the trace of one search a turn. */
export interface TraceRun extends Pick<CountedTurns, 'firstTurn' | 'lastTurn' | 'counter' | 'onTurn'> {
  /** Makes the session manager of one turn. */
  readonly createManager: () => SessionManager
  /** Makes the conversation manager of one turn. @defaultValue the SDK's own: a sliding window of 40 messages */
  readonly createConversationManager?: () => ConversationManager
  /** Called between the resume and the question. Its requests are counted unless it sends them with another client. */
  readonly onResumed?: (turn: number, agent: Agent) => Promise<void>
}

/** Runs turns of the trace of one search a turn, each in a new agent with a new session manager. */
export async function runTrace(run: TraceRun): Promise<TurnRequests[]> {
  return countTurns({
    ...run,
    turnOf: traceTurn,
    play: async (texts, onResumed) => {
      const agent = createTraceAgent(texts, run.createManager(), run.createConversationManager?.())
      await agent.initialize()
      onResumed(agent.messages.length)
      await run.onResumed?.(texts.turn, agent)
      await agent.invoke(texts.question)
    },
  })
}

/** Runs turns one after the other, and counts. */
export async function countTurns({ firstTurn = 1, lastTurn, ...run }: CountedTurns): Promise<TurnRequests[]> {
  const turns: TurnRequests[] = []
  for (let turn = firstTurn; turn <= lastTurn; turn++) {
    const texts = run.turnOf(turn)
    let resume: readonly CountedRequest[] = []
    let windowMessages = 0
    run.counter.reset()
    const begun = process.cpuUsage()
    await run.play(texts, (messages) => {
      resume = run.counter.reset()
      windowMessages = messages
    })
    const { user, system } = process.cpuUsage(begun)
    const requests = { turn, resume, save: run.counter.reset(), windowMessages, cpuMs: (user + system) / 1000 }
    turns.push(requests)
    await run.onTurn?.(requests)
  }
  return turns
}
