/** The bench's figures as rows of text. Pure. */

import { formatNumber } from '../format.ts'
import { TRACES, type TraceName } from '../traces/turns.ts'
import { titleOf } from './contestants.ts'
import type { AgentMode, SessionRun, TurnSample } from './facts.ts'

/** A table with a title. */
export interface Table {
  readonly title: string
  /** What was run. */
  readonly note: string
  readonly header: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

const NONE = '–'

const COLUMNS: readonly (readonly [title: string, cell: (sample: TurnSample) => string])[] = [
  ['WCU', ({ writeUnits }) => formatNumber(writeUnits)],
  ['RCU', ({ readUnits }) => formatNumber(readUnits)],
  ['round trips', ({ roundTrips }) => formatNumber(roundTrips)],
  ['RCU to resume', ({ resume }) => (resume === undefined ? NONE : formatNumber(resume.readUnits))],
  ['round trips to resume', ({ resume }) => (resume === undefined ? NONE : formatNumber(resume.roundTrips))],
  ['bytes stored', ({ storedBytes }) => formatNumber(storedBytes)],
  ['CPU ms', ({ cpuMs }) => cpuMs.toFixed(1)],
  ['$ a million turns', ({ monthlyPrice }) => monthlyPrice.toFixed(2)],
]

/** A table for each trace and kind of agents: turn by turn, the contestants below each other. */
export function tablesOf(sessions: readonly SessionRun[], turns: readonly number[]): Table[] {
  const kinds = new Map<string, SessionRun[]>()
  for (const session of sessions) {
    const kind = `${session.trace} ${session.agents}`
    kinds.set(kind, [...(kinds.get(kind) ?? []), session])
  }
  return [...kinds.values()].flatMap((runs) => {
    const [first] = runs
    return first === undefined ? [] : [tableOf(first, runs, turns)]
  })
}

function tableOf(
  { trace, agents }: { readonly trace: TraceName; readonly agents: AgentMode },
  runs: readonly SessionRun[],
  turns: readonly number[],
): Table {
  const shown = new Set([...turns, ...runs.flatMap(({ samples }) => samples.map(({ turn }) => turn))])
  return {
    title: `${trace}, ${agents} agents`,
    note: TRACES[trace].description,
    header: ['turn', 'store', ...COLUMNS.map(([title]) => title)],
    rows: [...shown]
      .sort((one, other) => one - other)
      .flatMap((turn) => runs.flatMap((run) => rowOf(run, turn, turns.includes(turn)))),
  }
}

/** The row of a turn; none for a turn that was looked at only because another store ended after it. */
function rowOf({ contestant, samples, end }: SessionRun, turn: number, wasAsked: boolean): string[][] {
  const sample = samples.find((each) => each.turn === turn)
  const name = titleOf(contestant)
  if (sample !== undefined) return [[String(turn), name, ...COLUMNS.map(([, cell]) => cell(sample))]]
  if (!wasAsked || end === undefined) return []
  return [[String(turn), `${name}: failed at turn ${end.turn}`, ...COLUMNS.map(() => NONE)]]
}
