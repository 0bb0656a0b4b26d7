/** The options of `npm run bench`. */

import { parseList, parseOptions, parseWholeNumber, UsageError } from '../options.ts'
import { TRACES, type TraceName } from '../traces/turns.ts'
import { CONTESTANTS } from './contestants.ts'
import type { AgentMode, Prices } from './facts.ts'
import { DEFAULT_PRICES } from './price.ts'

const TRACE_NAMES = Object.keys(TRACES) as TraceName[]
const MODES: readonly AgentMode[] = ['cold', 'warm']
const SECTIONS = ['sessions', 'bundle'] as const
const STORES = CONTESTANTS.map(({ id }) => id)
const DEFAULT_TURNS = [1, 10, 50, 100, 300]
const MOST_TURNS = 10_000

/** How to call the command. */
export const USAGE = `Usage: npm run bench -- [options]

Compares what sessions cost in this library's store and in the SDK's own session manager on one item per session. A whole run
takes some 15 minutes, and writes a Markdown page, JSON and charts to docs/bench.

  --sections LIST      of ${SECTIONS.join(',')} (default: both)
  --traces LIST        of ${TRACE_NAMES.join(',')} (default: all)
  --stores LIST        of ${STORES.join(',')}
                       (default: all)
  --agents LIST        of ${MODES.join(',')} (default: both)
  --turns LIST         turns to look at; the last one ends a session (default: ${DEFAULT_TURNS})
  --write-price USD    for a million write units (default: ${DEFAULT_PRICES.write})
  --read-price USD     for a million read units (default: ${DEFAULT_PRICES.read})
  --storage-price USD  for a GB-month (default: ${DEFAULT_PRICES.storage})
  --out FOLDER         where to write the files (default: docs/bench for a whole run, else nowhere)
  --endpoint URL       a DynamoDB Local that runs already (default: AWS_ENDPOINT_URL_DYNAMODB, else an embedded one)
  --json               print the facts as JSON
  --help               print this text`

/** What to run. */
export interface BenchOptions {
  readonly sections: readonly (typeof SECTIONS)[number][]
  readonly traces: readonly TraceName[]
  /** Ids of contestants. */
  readonly stores: readonly string[]
  readonly agents: readonly AgentMode[]
  /** Ascending. */
  readonly turns: readonly number[]
  readonly prices: Prices
  /** Whether nothing was left out. */
  readonly isWhole: boolean
  readonly out?: string | undefined
  readonly endpoint?: string | undefined
  readonly json: boolean
}

/**
 * Parses a command line.
 *
 * @returns undefined when it asks for help
 * @throws `UsageError` naming the first option that is wrong.
 */
export function parseBenchOptions(parameters: readonly string[]): BenchOptions | undefined {
  const options = parseOptions(parameters, {
    sections: { type: 'string' },
    traces: { type: 'string' },
    stores: { type: 'string' },
    agents: { type: 'string' },
    turns: { type: 'string' },
    'write-price': { type: 'string' },
    'read-price': { type: 'string' },
    'storage-price': { type: 'string' },
    out: { type: 'string' },
    endpoint: { type: 'string' },
    json: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  })
  if (options.help) return undefined
  const { sections, traces, stores, agents, turns } = options
  return {
    sections: parseList('sections', sections, SECTIONS),
    traces: parseList('traces', traces, TRACE_NAMES),
    stores: parseList('stores', stores, STORES),
    agents: parseList('agents', agents, MODES),
    turns: turns === undefined ? DEFAULT_TURNS : parseTurns(turns),
    prices: {
      write: parsePrice('write-price', options['write-price'], DEFAULT_PRICES.write),
      read: parsePrice('read-price', options['read-price'], DEFAULT_PRICES.read),
      storage: parsePrice('storage-price', options['storage-price'], DEFAULT_PRICES.storage),
    },
    isWhole: [sections, traces, stores, agents, turns].every((option) => option === undefined),
    out: options.out,
    endpoint: options.endpoint,
    json: options.json ?? false,
  }
}

function parseTurns(text: string): number[] {
  const turns = text.split(',').map((turn) => parseWholeNumber('turns', turn, MOST_TURNS))
  return [...new Set(turns)].sort((one, other) => one - other)
}

function parsePrice(name: string, text: string | undefined, usual: number): number {
  if (text === undefined) return usual
  const price = Number(text)
  if (!Number.isFinite(price) || price < 0) throw new UsageError(`--${name} must be a number from 0 on, got '${text}'`)
  return price
}
