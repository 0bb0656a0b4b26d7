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
export function markdownOf(facts: BenchFacts, charts: readonly { readonly file: string; readonly title: string }[]): string {
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
    ...(facts.bundle === undefined ? [] : ['## Size and start', markdownTable(bundleTable(facts.bundle)), `${importLine(facts.bundle)}.`]),
    '',
  ].join('\n\n').replace(/\n+$/, '\n')
}

/** The same for a terminal. */
export function linesOf(facts: BenchFacts, paint: Paint): string[] {
  const section = ({ title, note, ...table }: Table): string[] => [
    '',
    paint.bold(title),
    ...(note === '' ? [] : [paint.dim(note)]),
    ...alignRows([table.header, ...table.rows].map(([turn = '', ...cells]) => [turn.padStart(4), ...cells])).map((line, index) =>
      index === 0 ? paint.dim(line) : line,
    ),
  ]
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
  return [...LEGEND, `US dollars: ${write} per million write units, ${read} per million read units, ${storage} per GB-month.`]
}

function bundleTable(bundle: BundleFacts): Pick<Table, 'header' | 'rows'> {
  const row = (name: string, { bytes, gzipped }: FileSize): string[] => [name, formatNumber(bytes), formatNumber(gzipped)]
  return {
    header: ['minified bundle', 'bytes', 'gzipped'],
    rows: [
      row('agent and both SDKs', bundle.without),
      row('with this library', bundle.with),
      row('added', bundle.added),
      row('the library alone', bundle.alone),
    ],
  }
}

function importLine({ importTime: { runs, withoutMs, withMs } }: BundleFacts): string {
  return (
    `Importing the bundle takes ${withoutMs.toFixed(0)} ms without this library and ${withMs.toFixed(0)} ms with it ` +
    `(medians of ${runs} new processes each)`
  )
}

function markdownTable({ header, rows }: Pick<Table, 'header' | 'rows'>): string {
  const isName = (column: number): boolean => rows.some((row) => /[a-z]/.test(row[column] ?? ''))
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(header), line(header.map((_, column) => (isName(column) ? '---' : '---:'))), ...rows.map(line)].join('\n')
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
