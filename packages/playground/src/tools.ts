/** The tools of the demo agent; none needs a network. */

import { type JSONValue, type Tool, type ToolContext, tool } from '@strands-agents/sdk'
import { calculate } from './calculate.ts'

/** Where the notes are in the agent's `appState`, which the session stores. */
const NOTES = 'notes'
/** A forecast of two days is about 3 KB, the size of an everyday tool result. */
const FORECAST_HOURS = 48
const SKIES = ['clear', 'light clouds', 'overcast', 'light rain', 'showers', 'fog'] as const

/** Fresh instances of all tools. */
export function demoTools(): Tool[] {
  return [weather(), calculator(), saveNote(), listNotes()]
}

function weather(): Tool {
  return tool({
    name: 'weather',
    description: 'An invented hourly weather forecast for a place, always the same for the same place',
    inputSchema: textInput('place'),
    callback: (input) => forecast(textFrom(input, 'place')),
  })
}

function calculator(): Tool {
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

function saveNote(): Tool {
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

function listNotes(): Tool {
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

function notesOf(context: ToolContext): string[] {
  const notes = context.agent.appState.get(NOTES)
  return Array.isArray(notes) ? notes.filter((note) => typeof note === 'string') : []
}

function forecast(place: string): JSONValue {
  const seed = [...place.toLowerCase()].reduce((hash, letter) => (hash * 31 + (letter.codePointAt(0) ?? 0)) % 9_973, 7)
  const noon = 8 + (seed % 20)
  const sky = SKIES[seed % SKIES.length] ?? 'clear'
  const hours = Array.from({ length: FORECAST_HOURS }, (_, hour) => ({
    hour,
    celsius: Math.round(noon - 4 + 4 * Math.cos(((hour - 14) / 12) * Math.PI)),
    rainPercent: (seed * (hour + 3)) % 100,
    windKmh: 5 + ((seed + hour * 7) % 30),
  }))
  return { summary: `${place}: ${sky}, ${noon} °C at noon`, place, sky, noonCelsius: noon, hours }
}

function textInput(name: string): {
  type: 'object'
  properties: Record<string, { type: 'string' }>
  required: string[]
} {
  return { type: 'object', properties: { [name]: { type: 'string' } }, required: [name] }
}

function textFrom(input: unknown, name: string): string {
  const value = input !== null && typeof input === 'object' ? Reflect.get(input, name) : undefined
  if (typeof value !== 'string' || value === '') throw new TypeError(`The tool needs '${name}', a text`)
  return value
}
