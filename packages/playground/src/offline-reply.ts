/** What the offline model says next, from nothing but the messages that it is given. */

import type { Message } from '@strands-agents/sdk'
import { type Clause, clausesOf } from './clauses.ts'
import { type Fact, factOf, findFact, subjectOf } from './facts.ts'
import { recalledToolOf, type ToolRequest, toolRequestOf } from './tool-requests.ts'
import { lastRequest, tellCall, toolCalls, userTexts } from './transcript.ts'

/** The model's next message: words, and the tools that it wants called. */
export interface Reply {
  readonly text: string
  readonly toolRequests: readonly ToolRequest[]
}

/** Earlier user messages that a summary quotes; it counts the rest. */
const QUOTED_MESSAGES = 6
const QUOTE_LENGTH = 80

const SUMMARY =
  /\bwhat (?:did|have) (?:we|i) (?:talk|talked|discuss|discussed|say|said|ask|asked|tell|told|chat)|\bsummar|\brecap\b/i
const EVERYTHING = /\b(?:know|remember) about me\b/i
const GREETING = /^(?:hi|hello|hey|good (?:morning|afternoon|evening))\b/i

/** Decides on the next message; the same messages and tools always give the same reply. */
export function replyTo(messages: readonly Message[], toolNames: readonly string[]): Reply {
  const position = lastRequest(messages)
  const request = userTexts(messages.slice(position, position + 1))[0] ?? ''
  const clauses = clausesOf(request)
  const facts = userTexts(messages.slice(0, position + 1)).flatMap((text) =>
    clausesOf(text).flatMap((clause) => factOf(clause) ?? []),
  )
  const home = findFact(facts, 'home')?.value
  const requestOf = (clause: Clause): ToolRequest | undefined => toolRequestOf(clause, home)

  const calls = toolCalls(messages.slice(position + 1))
  const wanted = clauses.flatMap((clause) => requestOf(clause) ?? [])
  const toolRequests = calls.length > 0 ? [] : wanted.filter(({ name }) => toolNames.includes(name))
  if (toolRequests.length > 0) return { text: `Let me use ${toolList(toolRequests)}.`, toolRequests }

  const earlier = messages.slice(0, Math.max(position, 0))
  const sentences = clauses.flatMap((clause) => {
    const tool = requestOf(clause)
    if (tool !== undefined) return toolNames.includes(tool.name) ? [] : [`I have no ${tool.name} tool here`]
    return answer(clause, facts, earlier)
  })
  const stated = clauses.flatMap((clause) => factOf(clause) ?? []).map((fact) => decapitalise(fact.sentence))
  const noted = stated.length > 0 ? [`Noted: ${stated.join(', and ')}`] : []
  const said = [...new Set([...noted, ...sentences, ...calls.map(tellCall)])]
  return {
    text: said.length > 0 ? `${said.join('. ')}.` : fallback(messages, toolNames, request, facts),
    toolRequests: [],
  }
}

function answer(clause: Clause, facts: readonly Fact[], earlier: readonly Message[]): string[] {
  if (SUMMARY.test(clause.text)) return [summary(earlier)]
  if (EVERYTHING.test(clause.text)) return everything(facts)
  const recalled = recalledToolOf(clause)
  if (recalled !== undefined) return [recall(recalled, earlier)]
  const asked = subjectOf(clause)
  if (asked === undefined) return []
  const known = findFact(facts, asked.subject)
  return [known?.sentence ?? `I do not know ${asked.told}: nothing in this conversation says it`]
}

function everything(facts: readonly Fact[]): string[] {
  const current = new Set(facts.map(({ subject }) => findFact(facts, subject)?.sentence ?? ''))
  return current.size > 0 ? [...current] : ['Nothing yet: you told me nothing about yourself in this conversation']
}

function recall({ name, place }: { name: string; place: string | undefined }, earlier: readonly Message[]): string {
  const call = toolCalls(earlier).findLast(({ use, result }) => {
    const asked = JSON.stringify(use.input).toLowerCase()
    return use.name === name && result !== undefined && asked.includes(place?.toLowerCase() ?? '')
  })
  if (call !== undefined) return `Earlier in this conversation the ${name} tool said: ${tellCall(call)}`
  return `I do not know: nobody asked the ${name} tool${place === undefined ? '' : ` about ${place}`} in this conversation`
}

function summary(earlier: readonly Message[]): string {
  const texts = userTexts(earlier)
  if (texts.length === 0) return 'Nothing yet: this conversation starts here'
  const quoted = texts.slice(-QUOTED_MESSAGES).map((text) => `“${shorten(text)}”`)
  const before = texts.length - quoted.length
  return `You said ${before > 0 ? `${before} other things, then ` : ''}${quoted.join(', then ')}`
}

function fallback(
  messages: readonly Message[],
  toolNames: readonly string[],
  request: string,
  facts: readonly Fact[],
): string {
  const name = findFact(facts, 'name')?.value
  if (GREETING.test(request)) return name === undefined ? 'Hello! What is your name?' : `Hello, ${name}!`
  const tools = toolNames.length > 0 ? ` I can use these tools: ${toolNames.join(', ')}.` : ''
  return (
    `I am a small offline model: I remember what you tell me ("my favourite tea is …") and answer from it.${tools} ` +
    `I see ${messages.length} messages of this conversation.`
  )
}

function toolList(requests: readonly ToolRequest[]): string {
  const names = [...new Set(requests.map(({ name }) => name))]
  return `the ${names.join(' and ')} tool${names.length > 1 ? 's' : ''}`
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ')
  return line.length > QUOTE_LENGTH ? `${line.slice(0, QUOTE_LENGTH - 1)}…` : line
}

function decapitalise(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1)
}
