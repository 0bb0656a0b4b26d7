/** Recognises the clauses that a tool can serve. */

import type { JSONValue } from '@strands-agents/sdk'
import type { Clause } from './clauses.ts'

/** A call that the model wants made. */
export interface ToolRequest {
  readonly name: string
  readonly input: JSONValue
}

const WEATHER = /\b(?:weather|forecast|temperature)\b(?:.*?\b(?:in|for|at)\s+(.+))?/i
const PAST = /\b(?:was|were|did|earlier|before|again|last time)\b/i
const CALCULATE = /^(?:calculate|compute|work out|add up|[-(\d])/i
const ARITHMETIC = /(?<![\w.-])(?:\(\s*)*-?\d[\d.]*(?:\s*[-+*/×÷]\s*(?:\(\s*)*-?\d[\d.]*(?:\s*\))*)+(?![\w-])/
const SAVE_NOTE =
  /^(?:save|take|make|write|add)(?: down)? (?:me )?a note(?: that| saying| to)?:? (.+)$|^note(?: down)?(?: that)?:? (.+)$/i
const LIST_NOTES = /\b(?:list|show|read|what|which|tell)\b.*\bnotes?\b/i

/** The tool call that would serve the clause; `home` stands in for a place that a question about weather leaves out. */
export function toolRequestOf(clause: Clause, home: string | undefined): ToolRequest | undefined {
  const [, note, shortNote] = SAVE_NOTE.exec(clause.text) ?? []
  const text = note ?? shortNote
  if (text !== undefined) return { name: 'save_note', input: { text } }
  if (LIST_NOTES.test(clause.text)) return { name: 'list_notes', input: {} }

  const weather = WEATHER.exec(clause.text)
  if (weather !== null && !PAST.test(clause.text) && (clause.isQuestion || weather[1] !== undefined)) {
    const place = weather[1] === undefined || weather[1] === 'home' ? home : cleanPlace(weather[1])
    if (place !== undefined) return { name: 'weather', input: { place } }
  }
  if (!clause.isQuestion && !CALCULATE.test(clause.text)) return undefined
  const expression = ARITHMETIC.exec(clause.text)?.[0]
  return expression === undefined ? undefined : { name: 'calculator', input: { expression } }
}

/** The tool whose earlier results a clause asks about ("what was the weather in Lisbon?"), and the place if it names one. */
export function recalledToolOf(
  clause: Clause,
): { readonly name: string; readonly place: string | undefined } | undefined {
  const weather = WEATHER.exec(clause.text)
  if (weather === null || !clause.isQuestion || !PAST.test(clause.text)) return undefined
  return { name: 'weather', place: weather[1] === undefined ? undefined : cleanPlace(weather[1]) }
}

function cleanPlace(place: string): string {
  return place
    .replace(/^the\s+/i, '')
    .replace(/\s+(?:today|tomorrow|now|right now|this week|again|earlier|before|like)$/i, '')
}
