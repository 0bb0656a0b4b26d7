/** What must hold of a conversation and of the table, whatever failed. */

import type { MessageData } from '@strands-agents/sdk'

/**
 * What a model provider would refuse, or a reader would take for a duplicate: a tool use without its result in the next
 * message, a result without its tool use in the message before, two messages in a row of one role, a conversation that
 * begins with the assistant, and a message that stands there twice.
 */
export function conversationProblems(messages: readonly MessageData[]): string[] {
  const problems: string[] = []
  if (messages[0]?.role === 'assistant') problems.push('a conversation that begins with the assistant')
  for (const [index, message] of messages.entries()) {
    const next = messages[index + 1]
    const results = new Set(idsIn(next, 'toolResult'))
    const uses = new Set(idsIn(messages[index - 1], 'toolUse'))
    for (const id of idsIn(message, 'toolUse')) {
      // The newest message may use tools: they are about to run.
      if (next !== undefined && !results.has(id)) problems.push(`a tool use without its result (${id})`)
    }
    for (const id of idsIn(message, 'toolResult')) {
      if (!uses.has(id)) problems.push(`a tool result without its tool use (${id})`)
    }
    if (next !== undefined && next.role === message.role) problems.push(`two messages of the ${next.role} in a row`)
  }
  return [...problems, ...duplicatesIn(messages).map((text) => `a message twice (${text})`)]
}

/** How a conversation must look when a turn has ended. */
export function endedProblems(messages: readonly MessageData[]): string[] {
  const last = messages.at(-1)
  const isEnded = last?.role === 'assistant' && idsIn(last, 'toolUse').length === 0
  return [...conversationProblems(messages), ...(isEnded ? [] : ['a conversation that does not end with an answer'])]
}

/** What is wrong with the place of some messages in a list of all: missing, twice, or in another order. */
export function placeProblems(expected: readonly string[], found: readonly (string | undefined)[]): string[] {
  const problems: string[] = []
  let position = -1
  for (const id of expected) {
    const first = found.indexOf(id)
    if (first < 0) problems.push('an acknowledged message is missing')
    else if (found.lastIndexOf(id) !== first) problems.push('an acknowledged message is there twice')
    else if (first < position) problems.push('acknowledged messages are in another order')
    position = Math.max(position, first)
  }
  return [...new Set(problems)]
}

/** First difference of two conversations, or undefined. */
export function differenceOf(expected: readonly MessageData[], found: readonly MessageData[]): string | undefined {
  if (JSON.stringify(expected) === JSON.stringify(found)) return undefined
  return `expected [${expected.map(describe).join(', ')}], found [${found.map(describe).join(', ')}]`
}

/** A message in a few characters. */
export function describe(message: MessageData): string {
  const blocks = message.content.map((block) => ('text' in block ? block.text.slice(0, 24) : Object.keys(block)[0]))
  return `${message.role[0]}: ${blocks.join(' + ')}`
}

function duplicatesIn(messages: readonly MessageData[]): string[] {
  const texts = messages.map(({ role, content }) => JSON.stringify({ role, content }))
  const ids = messages.map(({ trackingId }) => trackingId)
  return messages.flatMap((message, index) => {
    const isRepeated = texts.indexOf(texts[index] ?? '') < index
    const isSameMessage = message.trackingId !== undefined && ids.indexOf(message.trackingId) < index
    return isRepeated || isSameMessage ? [describe(message)] : []
  })
}

function idsIn(message: MessageData | undefined, kind: 'toolUse' | 'toolResult'): string[] {
  return (message?.content ?? []).flatMap((block) => {
    if (kind === 'toolUse') return 'toolUse' in block ? [block.toolUse.toolUseId] : []
    return 'toolResult' in block ? [block.toolResult.toolUseId] : []
  })
}
