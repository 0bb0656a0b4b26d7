/** Facts of a bench as they should be, for the tests of what is made of them. */

import { averagesOf, type SessionFacts, type StockFacts, type TurnCost } from './facts.ts'

/** Turns that all cost the same. */
export function someTurns(count: number): TurnCost[] {
  return Array.from({ length: count }, (_, index) => ({ ...STEADY, turn: index + 1 }))
}

/** A session of 300 turns that keeps every bound. */
export function someFacts(): SessionFacts {
  const turns = someTurns(300)
  const averages = averagesOf(turns)
  return {
    turns,
    sampled: [20, 300].map((turn) => ({ ...STEADY, turn, windowReadUnits: 9, tableMessages: 4 * turn })),
    ...(averages !== undefined && { averages }),
    lastTurnWrites: [{ operation: 'PutItem', sortKey: 'agent#agent#msg#head', writeUnits: 1 }],
    afterPause: { writeUnits: 7, writes: [] },
    mostResumeRequests: 1,
    irregularAppends: 0,
    stateWrites: 0,
  }
}

/** Another store, which fails at turn 82. */
export function someStock(): StockFacts[] {
  const turns = someTurns(81).map((turn) => ({ ...turn, writeUnits: 1974, readUnits: 98 }))
  return [
    { saveLatestOn: 'message', turns, end: { turn: 82, error: 'ValidationException: too large', answerLost: true } },
  ]
}

const STEADY = { turn: 0, writeUnits: 6, readUnits: 10, resumeRequests: 1, saveRequests: 5, windowMessages: 40 }
