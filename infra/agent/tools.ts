/** The sample agent's tools: sums, and notes that the session keeps. */

import { type Tool, type ToolContext, tool } from '@strands-agents/sdk'
import { calculate } from './calculate.ts'

/** Where the notes are in the agent's `appState`, which the session stores. */
const NOTES = 'notes'

/** Evaluates sums. */
export function calculator(): Tool {
  return tool({
    name: 'calculator',
    description: 'Evaluates a sum with + - * / and brackets',
    inputSchema: textInput('expression'),
    callback: (input) => {
      const expression = textFrom(input, 'expression')
      const value = calculate(expression)
      return { summary: `${expression} = ${value}`, value }
    },
  })
}

/** Notes something down for as long as the session lasts. */
export function saveNote(): Tool {
  return tool({
    name: 'save_note',
    description: 'Saves a note for the user; notes last as long as the session',
    inputSchema: textInput('text'),
    callback: (input, context) => {
      const notes = [...notesOf(context), textFrom(input, 'text')]
      context.agent.appState.set(NOTES, notes)
      return { summary: `Saved note ${notes.length}: ${notes.at(-1)}` }
    },
  })
}

/** Lists what {@link saveNote} has noted down. */
export function listNotes(): Tool {
  return tool({
    name: 'list_notes',
    description: 'Lists the notes of this session',
    inputSchema: { type: 'object', properties: {} },
    callback: (_input, context) => {
      const notes = notesOf(context)
      const lines = notes.map((note, index) => `${index + 1}. ${note}`)
      return { summary: notes.length === 0 ? 'There are no notes' : `The notes are: ${lines.join('; ')}`, notes }
    },
  })
}

/** The input schema of a tool that takes one text. */
export function textInput(name: string): {
  type: 'object'
  properties: Record<string, { type: 'string' }>
  required: string[]
} {
  return { type: 'object', properties: { [name]: { type: 'string' } }, required: [name] }
}

/** The text in a tool's input. */
export function textFrom(input: unknown, name: string): string {
  const value = input !== null && typeof input === 'object' ? Reflect.get(input, name) : undefined
  if (typeof value !== 'string' || value === '') throw new TypeError(`The tool needs '${name}', a text`)
  return value
}

function notesOf(context: ToolContext): string[] {
  const notes = context.agent.appState.get(NOTES)
  return Array.isArray(notes) ? notes.filter((note) => typeof note === 'string') : []
}
