/** The charts that the bench draws of its facts. Pure. */

import { formatNumber } from '../format.ts'
import { titleOf } from './contestants.ts'
import type { AgentMode, BenchFacts, SessionRun, TurnSample } from './facts.ts'
import { drawChart, type Line, type Panel } from './line-chart.ts'

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
  readonly figureOf: (sample: TurnSample) => number | undefined
}

const FIGURES: readonly Figure[] = [
  { file: 'write-units-cold.svg', title: 'Write units of a turn, cold agents', agents: 'cold', figureOf: writeUnits },
  { file: 'write-units-warm.svg', title: 'Write units of a turn, warm agents', agents: 'warm', figureOf: writeUnits },
  { file: 'resume.svg', title: 'Read units of a resume', agents: 'cold', figureOf: ({ resume }) => resume?.readUnits },
  {
    file: 'price-cold.svg',
    title: 'US dollars for a million turns a month, cold agents',
    agents: 'cold',
    figureOf: price,
  },
  {
    file: 'price-warm.svg',
    title: 'US dollars for a million turns a month, warm agents',
    agents: 'warm',
    figureOf: price,
  },
]

/** Explains what is drawn otherwise than one would think. */
const NOTE =
  'Both axes are logarithmic. A cross: at this turn the session no longer fits one item, whose limit is 400 KB.'

/** One file for each figure that there are facts for; a panel for each trace. */
export function chartsOf({ sessions, turns }: BenchFacts): ChartFile[] {
  return FIGURES.flatMap(({ file, title, agents, figureOf }) => {
    const shown = sessions.filter((session) => session.agents === agents)
    const panels = [...new Set(shown.map(({ trace }) => trace))].map(
      (trace): Panel => ({
        title: trace,
        lines: shown.filter((session) => session.trace === trace).map((session) => lineOf(session, figureOf)),
      }),
    )
    if (panels.length === 0) return []
    const xTitle = title.startsWith('US') ? 'turns of the session' : 'turn'
    const svg = drawChart({ title, description: describe(title, panels), note: NOTE, xTitle, xTicks: turns, panels })
    return [{ file, title, svg }]
  })
}

function lineOf({ contestant, samples, end }: SessionRun, figureOf: Figure['figureOf']): Line {
  const points = samples.flatMap((sample): [number, number][] => {
    const value = figureOf(sample)
    // A logarithmic axis has no zero: the first turn has nothing to resume.
    return value === undefined || value === 0 ? [] : [[sample.turn, value]]
  })
  return { label: titleOf(contestant), points, cutAt: end?.turn }
}

/** The last figure of every line, in words. */
function describe(title: string, panels: readonly Panel[]): string {
  const sentences = panels.map(({ title: trace, lines }) => {
    const ends = lines.flatMap(({ label, points, cutAt }) => {
      const [turn, value] = points.at(-1) ?? []
      if (turn === undefined || value === undefined) return []
      return [`${label} ${formatNumber(value)} at turn ${turn}${cutAt === undefined ? '' : `, fails at turn ${cutAt}`}`]
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
