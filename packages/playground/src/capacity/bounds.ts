/** The limits that the library promises to keep on the trace, held against what was measured. Pure. */

import { MESSAGES_PER_TURN } from '../traces/turns.ts'
import type { Bound, SampledTurn, SessionFacts } from './facts.ts'

/** Most write capacity units of a steady turn: five items, of which the tool's result takes two units. */
const MOST_WRITE_UNITS = 6.5
/** How far the cost of a late turn may be from that of an early one, in write capacity units. */
const MOST_GROWTH = 1
/** Most read capacity units of a resume, read strongly consistent. */
const MOST_READ_UNITS = 12
/** Most that a resume may cost, as a multiple of what the window's rows cost. */
const MOST_READ_RATIO = 1.3
/** Turn with the first full window that the resume is measured at. */
const EARLY_RESUME = 20

/** Checks every bound for which there were enough turns. */
export function checkBounds({ sampled, averages, ...facts }: SessionFacts, windowSize: number): Bound[] {
  const last = sampled.at(-1)
  const bounds = [
    atMost('requests of a resume, at every turn', facts.mostResumeRequests, 1),
    ...sampled.filter((sample) => sample.turn === EARLY_RESUME || sample === last).flatMap(resumeBound),
    exactly('message rows not written by one PutItem each', facts.irregularAppends, 0),
    exactly('writes of the unchanged state after turn 1', facts.stateWrites, 0),
  ]
  if (last !== undefined) {
    bounds.push(
      atMost(`messages restored at turn ${last.turn}`, last.windowMessages, windowSize),
      exactly(`messages in the table after turn ${last.turn}`, last.tableMessages, last.turn * MESSAGES_PER_TURN),
    )
  }
  if (averages === undefined) return bounds
  const { early, late } = averages
  const turns = `turns ${late.firstTurn} to ${late.lastTurn}`
  const growth = Math.abs(late.writeUnits - early.writeUnits)
  return [
    atMost(`WCU per turn, ${turns}, apart from turns ${early.firstTurn} to ${early.lastTurn}`, growth, MOST_GROWTH),
    atMost(`WCU per turn, ${turns}`, late.writeUnits, MOST_WRITE_UNITS),
    ...bounds,
  ]
}

function resumeBound({ turn, readUnits, windowReadUnits }: SampledTurn): Bound[] {
  if (windowReadUnits === 0) return []
  return [
    atMost(`RCU of the resume at turn ${turn}`, readUnits, MOST_READ_UNITS),
    atMost(`RCU of the resume at turn ${turn}, times the window’s own`, readUnits / windowReadUnits, MOST_READ_RATIO),
  ]
}

function atMost(name: string, measured: number, limit: number): Bound {
  return { name, measured, limit, exactly: false, met: measured <= limit }
}

function exactly(name: string, measured: number, limit: number): Bound {
  return { name, measured, limit, exactly: true, met: measured === limit }
}
