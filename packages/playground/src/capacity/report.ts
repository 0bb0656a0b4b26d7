/** The bench's facts as text. Pure. */

import { alignRows, formatNumber, type Paint } from '../format.ts'
import type { NotedWrite } from '../note-writes.ts'
import { describeItem } from '../table-items.ts'
import type { Bound, CapacityFacts, SampledTurn, SessionFacts, StockFacts, TurnCost } from './facts.ts'

const NONE = '–'

/** All of it, line by line. */
export function reportLines(facts: CapacityFacts, paint: Paint): string[] {
  const { trace, session, stock } = facts
  const { question, toolResult, answer } = trace.characters
  return [
    paint.bold(facts.engine),
    `${trace.turns} turns of ${trace.messagesPerTurn} messages: user ${formatNumber(question)} characters, tool use, tool result ` +
      `${formatNumber(toolResult)}, answer ${formatNumber(answer)}`,
    `each turn a new agent, as in a cold Lambda; sliding window of ${trace.windowSize}; saved on every message; strong reads`,
    ...section('What a turn costs', sampleRows(session.sampled), paint),
    ...averageLines(session, paint),
    ...section(`The writes of turn ${trace.turns}`, writeRows(session.lastTurnWrites), paint),
    `After a pause of five minutes or more, a turn costs ${formatNumber(session.afterPause.writeUnits)} WCU: the session item is refreshed too.`,
    ...stockLines(stock, session.turns, paint),
    ...boundLines(facts.bounds, paint),
  ]
}

function sampleRows(sampled: readonly SampledTurn[]): (string | number)[][] {
  return [
    [
      'turn',
      'WCU',
      'save requests',
      'RCU to resume',
      'resume requests',
      'RCU of the window’s rows',
      'ratio',
      'messages restored',
      'messages in the table',
    ],
    ...sampled.map((sample) => [
      sample.turn,
      sample.writeUnits,
      sample.saveRequests,
      sample.readUnits,
      sample.resumeRequests,
      sample.windowReadUnits,
      sample.windowReadUnits === 0 ? NONE.padStart(4) : (sample.readUnits / sample.windowReadUnits).toFixed(2),
      sample.windowMessages,
      sample.tableMessages,
    ]),
  ]
}

function averageLines({ averages }: SessionFacts, paint: Paint): string[] {
  if (averages === undefined) return [paint.dim('Averages of a steady session need 40 turns or more.')]
  const text = ({ firstTurn, lastTurn, writeUnits }: typeof averages.early): string =>
    `${formatNumber(writeUnits)} WCU per turn in turns ${firstTurn} to ${lastTurn}`
  return [`${text(averages.early)}, ${text(averages.late)}`]
}

function writeRows(writes: readonly NotedWrite[]): (string | number)[][] {
  return [
    ['request', 'sort key', 'what', 'WCU'],
    ...writes.map(({ operation, sortKey, writeUnits }) => [operation, sortKey, describeItem(sortKey), writeUnits]),
  ]
}

function stockLines(stock: readonly StockFacts[], turns: readonly TurnCost[], paint: Paint): string[] {
  if (stock.length === 0) return []
  const ends = stock.flatMap(({ end }) => (end === undefined ? [] : [end.turn - 1, end.turn]))
  const shown = [...new Set([1, 10, 30, ...ends, turns.length])].filter((turn) => turn <= turns.length)
  const cell = (facts: StockFacts, turn: number, unit: 'writeUnits' | 'readUnits'): string | number =>
    facts.turns[turn - 1]?.[unit] ?? (facts.end === undefined ? NONE : 'fails')
  const rows = [
    [
      'turn',
      'WCU',
      ...stock.map(({ saveLatestOn }) => `stock WCU, per ${saveLatestOn}`),
      'RCU',
      ...stock.map(({ saveLatestOn }) => `stock RCU, per ${saveLatestOn}`),
    ],
    ...shown
      .sort((one, other) => one - other)
      .map((turn) => [
        turn,
        turns[turn - 1]?.writeUnits ?? NONE,
        ...stock.map((facts) => cell(facts, turn, 'writeUnits')),
        turns[turn - 1]?.readUnits ?? NONE,
        ...stock.map((facts) => cell(facts, turn, 'readUnits')),
      ]),
  ]
  return [
    ...section('Next to the SDK’s own SessionManager on one item per session', rows, paint),
    ...stock.flatMap(({ saveLatestOn, end }) => {
      if (end === undefined) return []
      const lost = end.answerLost ? '; the answer that the model gave is lost' : ''
      return [`Saving per ${saveLatestOn}, it fails at turn ${end.turn}${lost}: ${paint.dim(end.error)}`]
    }),
  ]
}

function boundLines(bounds: readonly Bound[], paint: Paint): string[] {
  const rows = bounds.map(({ name, measured, limit, exactly }) => [
    name,
    measured.toFixed(2).replace(/\.?0+$/, ''),
    `${exactly ? 'exactly' : 'at most'} ${formatNumber(limit)}`,
  ])
  const lines = alignRows(rows)
  return [
    '',
    paint.bold('Bounds'),
    ...lines.map((line, index) => `  ${bounds[index]?.met ? paint.green('kept  ') : paint.red('BROKEN')}  ${line}`),
  ]
}

function section(title: string, rows: readonly (readonly (string | number)[])[], paint: Paint): string[] {
  const [head = '', ...lines] = alignRows(rows)
  return ['', paint.bold(title), `  ${paint.dim(head)}`, ...lines.map((line) => `  ${line}`)]
}
