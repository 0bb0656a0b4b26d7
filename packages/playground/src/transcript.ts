/** Reads what the offline model needs from a conversation: who said what, and what tools answered. */

import type { Message, ToolResultBlock, ToolUseBlock } from '@strands-agents/sdk'

/** A tool call and, once it ran, its result. */
export interface ToolCall {
  readonly use: ToolUseBlock
  readonly result: ToolResultBlock | undefined
}

/** The words of a message, without tool calls and other blocks. */
export function textOf(message: Message): string {
  return message.content
    .flatMap((block) => (block.type === 'textBlock' ? [block.text] : []))
    .join('\n')
    .trim()
}

/** The user's own messages, oldest first: those with words, not the ones that carry tool results. */
export function userTexts(messages: readonly Message[]): string[] {
  return messages
    .filter((message) => message.role === 'user')
    .map(textOf)
    .filter((text) => text !== '')
}

/** Position of the newest message in which the user says something; -1 when there is none. */
export function lastRequest(messages: readonly Message[]): number {
  return messages.findLastIndex((message) => message.role === 'user' && textOf(message) !== '')
}

/** Every tool call in these messages, oldest first. */
export function toolCalls(messages: readonly Message[]): ToolCall[] {
  const blocks = messages.flatMap((message) => message.content)
  const results = blocks.filter((block) => block.type === 'toolResultBlock')
  return blocks
    .filter((block) => block.type === 'toolUseBlock')
    .map((use) => ({ use, result: results.findLast((result) => result.toolUseId === use.toolUseId) }))
}

/** What a tool call came to, in one line. */
export function tellCall({ use, result }: ToolCall): string {
  return result === undefined ? `The ${use.name} tool gave no answer` : tellResult(use.name, result)
}

/** A tool's result in one line: its `summary` where it has one. */
export function tellResult(name: string, result: ToolResultBlock): string {
  const texts = result.content.flatMap((content) => {
    if (content.type === 'textBlock') return [content.text]
    if (content.type !== 'jsonBlock') return []
    const { json } = content
    const summary = json !== null && typeof json === 'object' && 'summary' in json ? json.summary : undefined
    return [typeof summary === 'string' ? summary : JSON.stringify(json)]
  })
  return result.status === 'error' ? `The ${name} tool failed: ${texts.join(' ')}` : texts.join(' ')
}
