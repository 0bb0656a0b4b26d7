/** What model providers ask of a conversation. */

import type { Agent } from '@strands-agents/sdk'
import { expect } from 'vitest'

/** Expects that roles alternate, and that each tool use has its result in the message that follows it. */
export function expectValid(agent: Agent): void {
  const messages = agent.messages.map((message) => message.toJSON())
  expect(messages.map(({ role }) => role)).toEqual(messages.map((_, at) => (at % 2 === 0 ? 'user' : 'assistant')))
  const last = messages.length
  for (let at = -1; at < last; at++) {
    const uses = (messages[at]?.content ?? []).flatMap((block) => ('toolUse' in block ? [block.toolUse.toolUseId] : []))
    const results = (messages[at + 1]?.content ?? []).flatMap((block) =>
      'toolResult' in block ? [block.toolResult.toolUseId] : [],
    )
    expect(results.toSorted()).toEqual(uses.toSorted())
  }
}
