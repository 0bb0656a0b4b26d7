/** Repairs a conversation that a crash has cut short, so that model providers accept it. Pure. */

import { Message, TextBlock, ToolResultBlock } from '@strands-agents/sdk'
import type { RepairMode } from './options.ts'

/** Name of the tool through which the SDK has a model give a structured output. */
const STRUCTURED_OUTPUT_TOOL = 'strands_structured_output'

/** Stands for the result of a tool whose run was cut short. */
const INTERRUPTED_TOOL = 'The tool run was interrupted.'

/** Stands for the answer of a turn that was cut short. */
const INTERRUPTED_TURN = 'The turn was interrupted before it was answered.'

/**
 * Repairs a conversation.
 *
 * Every tool use gets a result or goes, every result without its tool use goes, and, when `endsUnanswered`, a turn
 * without an answer at the end gets one or goes.
 *
 * @returns The repaired conversation, or undefined when there was nothing to repair.
 */
export function repairConversation(
  messages: readonly Message[],
  mode: Exclude<RepairMode, 'off'>,
  endsUnanswered: boolean,
): Message[] | undefined {
  const repaired =
    mode === 'complete'
      ? endTurn(dropOrphans(completeToolUses(messages)), endsUnanswered)
      : dropOrphans(dropToolUses(endsUnanswered ? upToLastAnswer(messages) : messages))
  const isSame = repaired.length === messages.length && repaired.every((message, index) => message === messages[index])
  return isSame ? undefined : repaired
}

/** A turn with a structured output ends with its tool's result, which is the answer. */
export function endsWithStructuredOutput(messages: readonly Message[]): boolean {
  const uses = messages.at(-2)?.content ?? []
  return uses.some((block) => block.type === 'toolUseBlock' && block.name === STRUCTURED_OUTPUT_TOOL)
}

/** Gives each tool use that has no result one that says so, in the message that follows it. */
function completeToolUses(messages: readonly Message[]): Message[] {
  const completed: Message[] = []
  let missing: ToolResultBlock[] = []
  for (const [index, message] of messages.entries()) {
    if (missing.length > 0 && message.role !== 'user') completed.push(new Message({ role: 'user', content: missing }))
    const answersTools = missing.length > 0 && message.role === 'user'
    completed.push(answersTools ? withContent(message, [...missing, ...message.content]) : message)
    missing = unansweredUses(message, messages[index + 1]).map(
      (toolUseId) => new ToolResultBlock({ toolUseId, status: 'error', content: [new TextBlock(INTERRUPTED_TOOL)] }),
    )
  }
  if (missing.length > 0) completed.push(new Message({ role: 'user', content: missing }))
  return completed
}

/** Removes each tool use that has no result. */
function dropToolUses(messages: readonly Message[]): Message[] {
  return messages.flatMap((message, index) => {
    const unanswered = new Set(unansweredUses(message, messages[index + 1]))
    if (unanswered.size === 0) return [message]
    const left = message.content.filter((block) => block.type !== 'toolUseBlock' || !unanswered.has(block.toolUseId))
    return left.length === 0 ? [] : [withContent(message, left)]
  })
}

/** Removes each tool result whose tool use is not in the message before. */
function dropOrphans(messages: readonly Message[]): Message[] {
  const kept: Message[] = []
  for (const message of messages) {
    const uses = new Set(usesOf(kept.at(-1)))
    const left = message.content.filter((block) => block.type !== 'toolResultBlock' || uses.has(block.toolUseId))
    if (left.length === message.content.length) kept.push(message)
    else if (left.length > 0) kept.push(withContent(message, left))
  }
  return kept
}

/** Ends a turn without an answer with one that says so. */
function endTurn(messages: readonly Message[], endsUnanswered: boolean): Message[] {
  const last = messages.at(-1)
  if (!endsUnanswered || last === undefined || isFinal(last)) return [...messages]
  return [...messages, new Message({ role: 'assistant', content: [new TextBlock(INTERRUPTED_TURN)] })]
}

/** Takes a turn without an answer back: everything behind the last answer. */
function upToLastAnswer(messages: readonly Message[]): readonly Message[] {
  return messages.slice(0, messages.findLastIndex(isFinal) + 1)
}

function isFinal(message: Message): boolean {
  return message.role === 'assistant' && usesOf(message).length === 0
}

function unansweredUses(message: Message, next: Message | undefined): string[] {
  const results = new Set(resultsOf(next))
  return usesOf(message).filter((toolUseId) => !results.has(toolUseId))
}

function usesOf(message: Message | undefined): string[] {
  if (message?.role !== 'assistant') return []
  return message.content.flatMap((block) => (block.type === 'toolUseBlock' ? [block.toolUseId] : []))
}

function resultsOf(message: Message | undefined): string[] {
  if (message?.role !== 'user') return []
  return message.content.flatMap((block) => (block.type === 'toolResultBlock' ? [block.toolUseId] : []))
}

function withContent(message: Message, content: Message['content']): Message {
  const { role, trackingId, metadata } = message
  return new Message({ role, content, trackingId, ...(metadata === undefined ? {} : { metadata }) })
}
