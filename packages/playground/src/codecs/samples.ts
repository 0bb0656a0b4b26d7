/** Messages as conversations have them, to try codecs on: invented text, and what lies in the repository. */

import { randomBytes } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { createTextSource } from '../pseudo-text.ts'

/** Messages of one kind, as JSON. */
export interface Samples {
  readonly name: string
  readonly texts: readonly string[]
}

/** Most samples of one kind. */
const MOST_SAMPLES = 60

/** Reads and makes all samples; paths are relative to the repository's root. */
export function readSamples(): Samples[] {
  const docs = readAll('node_modules/{*,@*/*}/README.md', 60)
  const code = readAll('packages/session-dynamodb/src/*.ts', 60)
  const records = globSync('node_modules/*/package.json').sort().slice(0, 200)
  const json = records.map((file) => readFileSync(file, 'utf8')).filter((text) => text.length > 1_500)
  const source = createTextSource(1)
  const invented = Array.from({ length: MOST_SAMPLES }, () => source.hits(3_072))
  return [
    { name: 'invented, 3 KB', texts: invented.map(toolResult) },
    { name: 'docs, 900 B', texts: cut(docs, 900).map(answer) },
    { name: 'docs, 3 KB', texts: cut(docs, 3_072).map(toolResult) },
    { name: 'docs, 20 KB', texts: cut(docs, 20_000).slice(0, 15).map(toolResult) },
    { name: 'code, 3 KB', texts: cut(code, 3_072).map(toolResult) },
    { name: 'JSON, 2 to 8 KB', texts: json.slice(0, MOST_SAMPLES).map(toolResult) },
    { name: 'docs, 200 KB', texts: cut(docs, 200_000).slice(0, 1).map(toolResult) },
    { name: 'image, 1 MB', texts: [image(2 ** 20)] },
  ]
}

function readAll(pattern: string, most: number): string {
  const files = globSync(pattern).sort().slice(0, most)
  return files.map((file) => readFileSync(file, 'utf8')).join('\n')
}

function cut(text: string, length: number): string[] {
  const count = Math.min(MOST_SAMPLES, Math.floor(text.length / length))
  return Array.from({ length: count }, (_, index) => text.slice(index * length, (index + 1) * length))
}

function answer(text: string): string {
  return messageOf('assistant', [{ text }])
}

function toolResult(text: string): string {
  return messageOf('user', [{ toolResult: { toolUseId: 'tooluse_01', status: 'success', content: [{ text }] } }])
}

/** Random bytes, which an image that is compressed already resembles. */
function image(bytes: number): string {
  return messageOf('user', [{ image: { format: 'png', source: { bytes: randomBytes(bytes).toString('base64') } } }])
}

function messageOf(role: string, content: readonly object[]): string {
  return JSON.stringify({ role, content, trackingId: crypto.randomUUID() })
}
