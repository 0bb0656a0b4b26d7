/**
 * A text that refers to texts: cuts a JSON text into chunks that stay the same where the text does, and joins them.
 *
 * JSON text never holds a raw line break, so a stored text may hold `\n<digest>\n` in place of a piece of it: the text of
 * the chunk with that digest, which may refer to further ones. A state is cut along its structure, so that one that grows
 * at the end of its lists or anywhere in its maps, or changes in one place, shares nearly all chunks with the one before.
 * Pure.
 */

import { digestOf } from './codec.ts'

/** A text in chunks. */
export interface Rope {
  /** The text, with references in place of what the chunks hold. */
  readonly text: string
  /** Texts of all chunks that the text refers to, directly or through others, by their digests. */
  readonly chunks: ReadonlyMap<string, string>
}

/** A state below this many characters is left whole: one item that a console shows, and one request that reads it. */
const WHOLE = 4096

/** What is shorter than this stays where it is: with its keys, an item of this size takes one or two write units. */
const SHORTEST = 768

/** What is longer than this, and not a single string, is cut again. */
const LONGEST = 8192

/** Longest piece of a string that is one chunk: three bytes a character at most, it fits one item, with no parts. */
const SLICE = 120_000

/** References in a row that become one chunk, and entries that make an object a map of likes instead of a record. */
const FAN_OUT = 8

/** Runs of a map that stay where they are, before they become runs themselves: each level costs two write units a change. */
const MAP_FAN_OUT = 32

/** Longest run of a map, in characters: with the reference's it takes one write unit. */
const LONGEST_RUN = 1024

/** How deep the structure is looked into: what lies below is cut by length. */
const DEEPEST = 32

/** Strings of messages from this length on are chunks: media in Base64, not what a tool has read. */
const LONG_STRING = 24_576

const REFERENCE = /\n([\w-]{20})\n/g
const QUOTE = 0x22

/** Cuts the JSON text of a state along its structure. */
export function cutState(text: string): Rope {
  const chunks = new Map<string, string>()
  return { text: text.length < WHOLE ? text : new Cut(text, chunks).value(0, text.length, 0), chunks }
}

/** Cuts the JSON text of a message: only its very long strings. */
export function cutMessage(text: string): Rope {
  const chunks = new Map<string, string>()
  if (text.length < LONG_STRING) return { text, chunks }
  const pieces: string[] = []
  let end = 0
  for (let quote = text.indexOf('"'); quote >= 0; ) {
    const behind = endOfString(text, quote)
    if (behind - quote >= LONG_STRING) {
      pieces.push(text.slice(end, quote), refer(chunks, text.slice(quote, behind)))
      end = behind
    }
    quote = text.indexOf('"', behind)
  }
  return { text: pieces.join('') + text.slice(end), chunks }
}

/** Digests of the chunks that a text refers to directly, each once. */
export function referencesIn(text: string): string[] {
  return [...new Set(Array.from(text.matchAll(REFERENCE), ([, digest = '']) => digest))]
}

/** Puts a text together. `textOf` gives the text of a chunk. */
export function joinChunks(text: string, textOf: (digest: string) => string): string {
  return text.replace(REFERENCE, (_, digest: string) => joinChunks(textOf(digest), textOf))
}

/** A message's text with empty strings in place of chunks: enough to tell what kind of message it is. */
export function outline(text: string): string {
  return text.replace(REFERENCE, '""')
}

/** One cut of a state. All positions are those of its text. */
class Cut {
  readonly #text: string
  readonly #chunks: Map<string, string>

  constructor(text: string, chunks: Map<string, string>) {
    this.#text = text
    this.#chunks = chunks
  }

  /** The value from `start` to `end`, cut. */
  value(start: number, end: number, depth: number): string {
    const text = this.#text
    if (end - start < SHORTEST) return text.slice(start, end)
    if (text.charCodeAt(start) === QUOTE || depth > DEEPEST) return this.#slices(start, end)
    const entries = entriesOf(text, start)
    const isMap = text[start] === '{' && entries.length >= FAN_OUT
    const isList = text[start] === '[' || isMap
    const pieces = entries.map(([first, at, behind]) => {
      const isElement = isList && behind - at >= SHORTEST && behind - at <= LONGEST
      const value = isElement ? this.#refer(text.slice(at, behind)) : this.value(at, behind, depth + 1)
      return text.slice(first, at) + value
    })
    const isLong = pieces.reduce((sum, piece) => sum + piece.length, 0) >= WHOLE
    return text[start] + (isList || isLong ? this.#pack(pieces, isMap) : pieces.join('')) + text[end - 1]
  }

  /**
   * Closes runs of pieces, from the front, and of such runs again. The last run stays open: what is added at the end
   * changes no chunk and leaves none behind. The runs of a map end where its entries say so: one that is added anywhere
   * changes the run that it falls into.
   */
  #pack(pieces: readonly string[], isMap: boolean): string {
    const closed: string[] = []
    let run = ''
    let references = 0
    for (const piece of pieces) {
      const isFirst = run === ''
      run += piece
      references += (piece.match(REFERENCE) ?? []).length
      const isFull = isMap ? run.length >= LONGEST_RUN : run.length >= SHORTEST || references >= FAN_OUT
      if (!isFull && !(isMap && !isFirst && isBoundary(piece))) continue
      closed.push(this.#refer(run))
      run = ''
      references = 0
    }
    const isShort = closed.length < (isMap ? MAP_FAN_OUT : FAN_OUT)
    return (isShort ? closed.join('') : this.#pack(closed, isMap)) + run
  }

  #slices(start: number, end: number): string {
    let references = ''
    for (let from = start; from < end; ) {
      const to = Math.min(end, from + SLICE)
      // Both halves of a character beyond U+FFFF belong together: alone they have no bytes.
      const behind = to < end && isHighSurrogate(this.#text.charCodeAt(to - 1)) ? to - 1 : to
      references += this.#refer(this.#text.slice(from, behind))
      from = behind
    }
    return references
  }

  #refer(text: string): string {
    return refer(this.#chunks, text)
  }
}

/** One piece in eight ends a run: which ones depends on nothing but themselves. */
function isBoundary(piece: string): boolean {
  return digestOf(piece).charCodeAt(0) % 8 === 0
}

function refer(chunks: Map<string, string>, text: string): string {
  const digest = digestOf(text)
  chunks.set(digest, text)
  return `\n${digest}\n`
}

/**
 * The entries of the array or object at a position: where each begins, with the comma before it and its key, where its
 * value begins, and where that ends.
 */
function entriesOf(text: string, start: number): [first: number, value: number, end: number][] {
  const isObject = text[start] === '{'
  const entries: [number, number, number][] = []
  let first = start + 1
  while (first < text.length && text[first] !== ']' && text[first] !== '}') {
    const key = text[first] === ',' ? first + 1 : first
    const value = isObject ? endOfString(text, key) + 1 : key
    const end = endOfValue(text, value)
    entries.push([first, value, end])
    first = end
  }
  return entries
}

/** Where the value at a position ends. */
function endOfValue(text: string, start: number): number {
  let depth = 0
  for (let index = start; index < text.length; index++) {
    const character = text[index]
    if (character === '"') index = endOfString(text, index) - 1
    else if (character === '{' || character === '[') depth++
    else if (character === '}' || character === ']') depth--
    else if (character !== ',') continue
    if (depth < 0 || (depth === 0 && character === ',')) return index
    if (depth === 0) return index + 1
  }
  return text.length
}

/** Where the string at a position ends. */
function endOfString(text: string, start: number): number {
  let quote = start
  let backslashes: number
  do {
    quote = text.indexOf('"', quote + 1)
    if (quote < 0) return text.length
    backslashes = 0
    while (text[quote - 1 - backslashes] === '\\') backslashes++
  } while (backslashes % 2 === 1)
  return quote + 1
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff
}
