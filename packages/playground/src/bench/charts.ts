/** The charts that the bench draws of its facts. Pure. */

import { formatNumber } from '../format.ts'
import type { AgentMode, BenchFacts, SessionRun, TurnSample } from './facts.ts'
import { drawChart, type Line, type Panel } from './line-chart.ts'
import { titleOf } from './table.ts'

/** A chart as a file. */
export interface ChartFile {
  readonly file: string
  readonly title: string
  readonly svg: string
}

interface Figure {
  readonly file: string
  readonly title: string
  readonly agents: AgentMode
  readonly valueOf: (sample: TurnSample) => number | undefined
}

const FIGURES: readonly Figure[] = [
  { file: 'write-units-cold.svg', title: 'Write units of a turn, cold agents', agents: 'cold', valueOf: writeUnits },
  { file: 'write-units-warm.svg', title: 'Write units of a turn, warm agents', agents: 'warm', valueOf: writeUnits },
  { file: 'resume.svg', title: 'Read units of a resume', agents: 'cold', valueOf: ({ resume }) => resume?.readUnits },
  { file: 'price-cold.svg', title: 'US dollars for a million turns a month, cold agents', agents: 'cold', valueOf: price },
  { file: 'price-warm.svg', title: 'US dollars for a million turns a month, warm agents', agents: 'warm', valueOf: price },
]

/** One file for each figure that there are facts for; a panel for each trace. */
export function chartsOf({ sessions, turns }: BenchFacts): ChartFile[] {
  return FIGURES.flatMap(({ file, title, agents, valueOf }) => {
    const shown = sessions.filter((session) => session.agents === agents)
    const panels = [...new Set(shown.map(({ trace }) => trace))].map(
      (trace): Panel => ({
        title: trace,
        lines: shown.filter((session) => session.trace === trace).map((session) => lineOf(session, valueOf)),
      }),
    )
    if (panels.length === 0) return []
    const xTitle = title.startsWith('US') ? 'turns of the session' : 'turn'
    const svg = drawChart({ title, description: describe(title, panels), xTitle, xTicks: turns, panels })
    return [{ file, title, svg }]
  })
}

function lineOf({ contestant, samples, end }: SessionRun, valueOf: Figure['valueOf']): Line {
  const points = samples.flatMap((sample): [number, number][] => {
    const value = valueOf(sample)
    // A logarithmic axis has no zero: the first turn has nothing to resume.
    return value === undefined || value === 0 ? [] : [[sample.turn, value]]
  })
  return { label: titleOf(contestant), points, isCut: end !== undefined }
}

/** The last figure of every line, in words. */
function describe(title: string, panels: readonly Panel[]): string {
  const sentences = panels.map(({ title: trace, lines }) => {
    const ends = lines.flatMap(({ label, points, isCut }) => {
      const [turn, value] = points.at(-1) ?? []
      if (turn === undefined || value === undefined) return []
      return [`${label} ${formatNumber(value)} at turn ${turn}${isCut ? ', the last before it fails' : ''}`]
    })
    return `${trace}: ${ends.join('; ')}.`
  })
  return `${title}, by turn, on logarithmic axes. ${sentences.join(' ')}`
}

function writeUnits(sample: TurnSample): number {
  return sample.writeUnits
}

function price(sample: TurnSample): number {
  return sample.monthlyPrice
}
