/** The demo's facts as text. */

import { alignRows, countOf, oneLine, type Paint } from './format.ts'
import type { ItemFacts } from './table-items.ts'
import type { TurnFacts } from './turn.ts'

const RESULT_LENGTH = 90

/** Who said what in a turn. */
export function turnLines(turn: TurnFacts, paint: Paint): string[] {
  return [
    `  ${paint.dim('you  ')} ${turn.question}`,
    ...turn.tools.map(
      ({ name, input, result }) =>
        `  ${paint.dim('tool ')} ${paint.yellow(name)} ${input} ${paint.dim('→')} ${oneLine(result, RESULT_LENGTH)}`,
    ),
    `  ${paint.dim('agent')} ${paint.cyan(turn.answer)}`,
  ]
}

/** The items of the table, one line each. */
export function itemLines(items: readonly ItemFacts[], paint: Paint): string[] {
  const total = items.reduce((sum, { bytes }) => sum + bytes, 0)
  const [head = '', ...rows] = alignRows([
    ['sort key', 'what', 'bytes'],
    ...items.map(({ sortKey, what, bytes }) => [sortKey, what, bytes] as const),
  ])
  return [
    `${paint.bold(countOf(items.length, 'item'))} in the table, ${countOf(total, 'byte')}, all with the partition key ${items[0]?.partitionKey ?? ''}`,
    `  ${paint.dim(head)}`,
    ...rows.map((row) => `  ${row}`),
  ]
}

/** What each turn cost in both stores. */
export function costLines(ours: readonly TurnFacts[], theirs: readonly TurnFacts[], paint: Paint): string[] {
  let messages = 0
  const rows = ours.map((turn, index) => {
    messages += turn.messages
    const other = theirs[index]?.capacity
    return [
      index + 1,
      messages,
      turn.capacity.writeUnits,
      turn.capacity.readUnits,
      other?.writeUnits ?? 0,
      other?.readUnits ?? 0,
    ]
  })
  const sum = (column: number): number => rows.reduce((total, row) => total + (row[column] ?? 0), 0)
  const lines = alignRows([
    ['turn', 'messages so far', 'log WCU', 'log RCU', 'snapshots WCU', 'snapshots RCU'],
    ...rows,
    ['sum', messages, sum(2), sum(3), sum(4), sum(5)],
  ])
  return [
    `${paint.bold('Cost')} in capacity units, as DynamoDB counts them; both stores save after each message`,
    `  ${paint.dim(lines[0] ?? '')}`,
    ...lines.slice(1, -1).map((line) => `  ${line}`),
    `  ${paint.bold(lines.at(-1) ?? '')}`,
    paint.dim(
      '  log: strands-session-dynamodb · snapshots: the SDK’s own SessionManager, one item, rewritten on each save',
    ),
  ]
}
