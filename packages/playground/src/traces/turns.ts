/** What is said in the turns of the conversations that costs are measured with: always the same for the same turn. */

import { createTextSource } from '../pseudo-text.ts'

/** What is said in one turn. */
export interface TraceTurn {
  /** From 1. */
  readonly turn: number
  readonly question: string
  /** A picture that comes with the question. */
  readonly image?: Uint8Array
  /** What the model searches for before it answers, and what it finds: two messages each. */
  readonly searches: readonly { readonly query: string; readonly result: string }[]
  readonly answer: string
}

/** Lengths of the texts of a turn with one search, in characters. */
export const TRACE_LENGTHS = { question: 250, query: 60, toolResult: 3072, answer: 900 } as const

/** Messages of a turn with one search: the user's, the tool use, the tool result, the answer. */
export const MESSAGES_PER_TURN = 4

/** Makes the turns of one kind of conversation. */
export interface Trace {
  /** What it is, for people: messages a turn and their sizes. */
  readonly description: string
  /** Whether a graph of two agents answers, one after the other, and not one agent. */
  readonly isGraph: boolean
  /** What is said in a turn; in a graph, each node gives an answer of this length. */
  readonly turnOf: (turn: number) => TraceTurn
}

const { question, query, toolResult, answer } = TRACE_LENGTHS
const PAGE = 20 * 1024
const NODE_ANSWER = 5 * 1024
const IMAGE_BYTES = 1_000_000
/** Every which turn of the vision trace has a picture: all that the bench looks at, apart from the first. */
const IMAGE_EVERY = 5

/** The kinds of conversation that the bench knows. */
export const TRACES = {
  chat: {
    description: '2 messages a turn: question 250 characters, answer 900',
    isGraph: false,
    turnOf: (turn) => turnFrom(turn, { searches: 0, result: 0, answer }),
  },
  tools: {
    description: '4 messages a turn: question 250 characters, tool use, tool result 3 KB, answer 900 characters',
    isGraph: false,
    turnOf: traceTurn,
  },
  research: {
    description:
      '10 messages a turn: question 250 characters, 4 tool uses, 4 tool results of 20 KB, answer 2,000 characters',
    isGraph: false,
    turnOf: (turn) => turnFrom(turn, { searches: 4, result: PAGE, answer: 2_000 }),
  },
  vision: {
    description: '2 messages a turn, as in chat; every 5th question brings another image of 1 MB',
    isGraph: false,
    turnOf: (turn) => {
      const texts = turnFrom(turn, { searches: 0, result: 0, answer })
      return turn % IMAGE_EVERY === 0 ? { ...texts, image: createTextSource(turn).noise(IMAGE_BYTES) } : texts
    },
  },
  graph: {
    description: 'a Graph of two nodes, one after the other, that answer 5 KB each',
    isGraph: true,
    turnOf: (turn) => turnFrom(turn, { searches: 0, result: 0, answer: NODE_ANSWER }),
  },
} as const satisfies Readonly<Record<string, Trace>>

/** Name of a kind of conversation. */
export type TraceName = keyof typeof TRACES

/** A turn with one search: the trace of `npm run bench:capacity`. */
export function traceTurn(turn: number): TraceTurn {
  return turnFrom(turn, { searches: 1, result: toolResult, answer })
}

function turnFrom(turn: number, lengths: { searches: number; result: number; answer: number }): TraceTurn {
  const source = createTextSource(turn)
  return {
    turn,
    question: source.prose(question),
    searches: Array.from({ length: lengths.searches }, () => ({
      query: source.prose(query),
      result: source.hits(lengths.result),
    })),
    answer: source.prose(lengths.answer),
  }
}
