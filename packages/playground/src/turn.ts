/** Runs one turn of a conversation and notes what happened in it. */

import type { Agent } from '@strands-agents/sdk'
import { type Capacity, type RequestCounter, sumCapacity } from './count-requests.ts'
import { tellCall, textOf, toolCalls } from './transcript.ts'

/** What happened in one turn. Plain data: it crosses from process to process. */
export interface TurnFacts {
  readonly question: string
  readonly answer: string
  /** The tools that were used, and what they said. */
  readonly tools: readonly { readonly name: string; readonly input: string; readonly result: string }[]
  /** Messages that the turn added to the conversation. */
  readonly messages: number
  /** Requests that the turn sent to DynamoDB. */
  readonly requests: number
  readonly capacity: Capacity
}

/** Asks the agent a question. The counter must count the client that the agent's session manager uses. */
export async function runTurn(agent: Agent, question: string, counter: RequestCounter): Promise<TurnFacts> {
  // Restores the session first, so that the messages of this turn can be told from the earlier ones.
  await agent.initialize()
  const before = agent.messages.at(-1)
  const { lastMessage } = await agent.invoke(question)
  const added = agent.messages.slice(before === undefined ? 0 : agent.messages.lastIndexOf(before) + 1)
  const requests = counter.reset()
  return {
    question,
    answer: textOf(lastMessage),
    tools: toolCalls(added).map((call) => ({
      name: call.use.name,
      input: JSON.stringify(call.use.input),
      result: tellCall(call),
    })),
    messages: added.length,
    requests: requests.length,
    capacity: sumCapacity(requests),
  }
}
