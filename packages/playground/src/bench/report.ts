/** The bench's facts as text: Markdown for the repository, aligned lines for a terminal. Pure. */

import { alignRows, formatNumber, type Paint } from '../format.ts'
import type { BenchFacts, BundleFacts, FileSize } from './facts.ts'
import { type Table, tablesOf } from './table.ts'

const COMMAND = 'npm run bench'

/** Explains the columns that do not explain themselves. */
const LEGEND = [
  'WCU, RCU and round trips are those of the one turn; requests that are sent at the same time share a round trip.',
  'Cold agents: a new agent for each turn, restored from the table. Warm agents: one agent for all turns.',
  'A price is for a million turns a month in sessions that end with that turn, with what they leave stored for a month.',
  'CPU is that of the Node.js process, without the database: the mean of up to ten turns.',
]

/** A Markdown page with every table, and the charts. */
export function markdownOf(
  facts: BenchFacts,
  charts: readonly { readonly file: string; readonly title: string }[],
): string {
  return [
    '# What a session costs',
    `Made by \`${COMMAND}\` on ${facts.engine}, Node.js ${facts.node}. Do not edit.`,
    [...legendOf(facts)].map((line) => `- ${line}`).join('\n'),
    ...charts.map(({ file, title }) => `![${title}](${file})`),
    ...tablesOf(facts.sessions, facts.turns).flatMap(({ title, note, ...table }) => [
      `## ${capitalise(title)}`,
      `${capitalise(note)}.`,
      markdownTable(table),
    ]),
    ...(facts.bundle === undefined
      ? []
      : ['## Size and start', markdownTable(bundleTable(facts.bundle)), `${importLine(facts.bundle)}.`]),
    '',
  ]
    .join('\n\n')
    .replace(/\n+$/, '\n')
}

/** The same for a terminal. */
export function linesOf(facts: BenchFacts, paint: Paint): string[] {
  const section = ({ title, note, header, rows }: Table): string[] => {
    const [head = '', ...lines] = alignRows(rightAligned([header, ...rows]))
    return ['', paint.bold(title), ...(note === '' ? [] : [paint.dim(note)]), paint.dim(head), ...lines]
  }
  return [
    paint.bold(`${facts.engine}, Node.js ${facts.node}`),
    ...legendOf(facts),
    ...tablesOf(facts.sessions, facts.turns).flatMap(section),
    ...(facts.bundle === undefined
      ? []
      : [...section({ title: 'Size and start', note: '', ...bundleTable(facts.bundle) }), importLine(facts.bundle)]),
  ]
}

function legendOf({ prices, sessions }: BenchFacts): string[] {
  if (sessions.length === 0) return []
  const { write, read, storage } = prices
  return [
    ...LEGEND,
    `US dollars: ${write} per million write units, ${read} per million read units, ${storage} per GB-month.`,
  ]
}

function bundleTable(bundle: BundleFacts): Pick<Table, 'header' | 'rows'> {
  const row = (name: string, { bytes, gzipped }: FileSize): string[] => [
    name,
    formatNumber(bytes),
    formatNumber(gzipped),
  ]
  return {
    header: ['minified bundle', 'bytes', 'gzipped'],
    rows: [
      row('an agent without sessions, and the DynamoDB clients', bundle.agent),
      row('with all that this library uses of the SDKs', bundle.sdks),
      row('with this library', bundle.library),
      row('added to the SDKs', bundle.added),
    ],
  }
}

function importLine({ importTime: { runs, agentMs, sdksMs, libraryMs } }: BundleFacts): string {
  return (
    `A new process imports them in ${agentMs.toFixed(0)}, ${sdksMs.toFixed(0)} and ${libraryMs.toFixed(0)} ms ` +
    `(medians of ${runs} runs)`
  )
}

function markdownTable({ header, rows }: Pick<Table, 'header' | 'rows'>): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [
    line(header),
    line(header.map((_, column) => (isText(rows, column) ? '---' : '---:'))),
    ...rows.map(line),
  ].join('\n')
}

/** Columns of figures, padded so that they end at the same place. */
function rightAligned(rows: readonly (readonly string[])[]): string[][] {
  const [header = [], ...others] = rows
  const widths = header.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return [header, ...others].map((row) =>
    row.map((cell, column) => (isText(others, column) ? cell : cell.padStart(widths[column] ?? 0))),
  )
}

function isText(rows: readonly (readonly string[])[], column: number): boolean {
  return rows.some((row) => /[a-z]/.test(row[column] ?? ''))
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
