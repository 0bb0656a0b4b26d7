/** The tools of the demo agent; none needs a network. */

import { type JSONValue, type Tool, tool } from '@strands-agents/sdk'
import { calculator, listNotes, saveNote, textFrom, textInput } from 'strands-session-dynamodb-infra/tools'

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
