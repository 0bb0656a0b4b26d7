/** A model whose answers follow from the conversation alone, so that any process goes on where another one stopped. */

import {
  ContextWindowOverflowError,
  FunctionTool,
  type JSONValue,
  type Message,
  type MessageData,
  type ToolContext,
} from '@strands-agents/sdk'
import { conversationProblems } from './faults-checks.ts'
import { noise } from './noise.ts'
import { type Script, ScriptedModel, type ScriptedTurn } from './scripted-model.ts'

/** What a guardrail puts in the place of a secret. */
export const REDACTED = '[redacted]'

/** Messages that the model takes before it complains of too many. */
const MODEL_LIMIT = 5

/** The model, and what was wrong with the conversations that it was given. */
export interface FaultModel {
  readonly model: ScriptedModel
  readonly problems: string[]
  /** Whether the model has asked for a redaction. */
  readonly hasRedacted: () => boolean
}

/**
 * Makes a model. The first word of a question says what it does: `look` and `twice` use a tool once or two of them at
 * once, `note` changes the state, `secret` is redacted, `long` exceeds the context window of more than five messages.
 */
export function faultModel(): FaultModel {
  const problems: string[] = []
  let hasRedacted = false
  const script: Script = (_call, messages) => {
    const seen = messages.map((message): MessageData => message.toJSON())
    for (const problem of conversationProblems(seen)) problems.push(`the model was given ${problem}`)
    if (seen.at(-1)?.role !== 'user') problems.push('the model was called without a message of the user at the end')
    const answer = answerTo(messages)
    hasRedacted ||= 'redact' in answer
    return answer
  }
  return { model: new ScriptedModel(script), problems, hasRedacted: () => hasRedacted }
}

/** The tools that the model uses. */
export function faultTools(): FunctionTool[] {
  const named = (name: string, run: (context: ToolContext) => JSONValue): FunctionTool =>
    new FunctionTool({ name, description: name, callback: (_input, context) => run(context) })
  return [
    named('look', () => 'seen'),
    named('large', () => noise(400_000)),
    named('note', ({ agent }) => {
      agent.appState.set('notes', agent.messages.length)
      return 'noted'
    }),
  ]
}

/** What the model answers to a question in the end. */
export function answerTextOf(question: string): string {
  return `answer to ${question.slice(0, 40)}`
}

function answerTo(messages: readonly Message[]): ScriptedTurn {
  const last = messages.at(-1)
  const question = questionIn(messages)
  if (last?.content.some(({ type }) => type === 'toolResultBlock')) return { text: answerTextOf(question) }
  const use = (name: string, number = 1) => ({
    name,
    input: {},
    toolUseId: `${question.slice(0, 40)}/${number}`.replaceAll(' ', '-'),
  })
  switch (question.split(' ')[0]) {
    case 'look':
      return { toolUses: [use('look')] }
    case 'twice':
      return { toolUses: [use('look'), use('note', 2)] }
    case 'note':
      return { toolUses: [use('note')] }
    case 'large':
      return { toolUses: [use('large')] }
    case 'secret':
    case REDACTED:
      return { redact: { input: REDACTED }, text: 'I cannot answer that.' }
    case 'long':
      if (messages.length > MODEL_LIMIT) return { error: new ContextWindowOverflowError('too many messages') }
  }
  return { text: answerTextOf(question) }
}

function questionIn(messages: readonly Message[]): string {
  for (const message of messages.toReversed()) {
    if (message.role !== 'user') continue
    for (const block of message.content) if (block.type === 'textBlock') return block.text
  }
  return ''
}
