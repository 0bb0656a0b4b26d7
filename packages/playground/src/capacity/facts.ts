/** What the capacity bench measures, as plain data. */

import { sumCapacity } from '../count-requests.ts'
import type { NotedWrite } from '../note-writes.ts'
import type { TurnRequests } from '../traces/run.ts'
import type { MESSAGES_PER_TURN, TRACE_LENGTHS } from '../traces/turns.ts'

/** What one turn cost. */
export interface TurnCost {
  /** From 1. */
  readonly turn: number
  /** Write capacity units of the whole turn. */
  readonly writeUnits: number
  /** Read capacity units of the resume. */
  readonly readUnits: number
  /** Requests that restored the session, one after the other. */
  readonly resumeRequests: number
  /** Requests that saved the turn, one after the other. */
  readonly saveRequests: number
  /** Messages that the new agent held once it was restored. */
  readonly windowMessages: number
}

/** A turn that was looked at more closely. */
export interface SampledTurn extends TurnCost {
  /** Read capacity units of the window's rows and nothing else, read strongly consistent. */
  readonly windowReadUnits: number
  /** Messages in the table when the turn was over. */
  readonly tableMessages: number
}

/** Write capacity units per turn, averaged over some turns. */
export interface Average {
  readonly firstTurn: number
  readonly lastTurn: number
  readonly writeUnits: number
}

/** What a session cost in this library's store. */
export interface SessionFacts {
  readonly turns: readonly TurnCost[]
  readonly sampled: readonly SampledTurn[]
  /** Once the window is full, and at the end; absent when there were too few turns. */
  readonly averages?: { readonly early: Average; readonly late: Average }
  /** Every write of the last turn. */
  readonly lastTurnWrites: readonly NotedWrite[]
  /** A turn after a pause that is longer than the session item may go without a refresh. */
  readonly afterPause: { readonly writeUnits: number; readonly writes: readonly NotedWrite[] }
  /** Most requests of one resume. */
  readonly mostResumeRequests: number
  /** Message rows that were written other than by one `PutItem` each. */
  readonly irregularAppends: number
  /** Writes of the agent's state after the first turn; the trace never changes it. */
  readonly stateWrites: number
}

/** What a session cost in the SDK's own session manager, on one item per snapshot. */
export interface StockFacts {
  readonly saveLatestOn: 'message' | 'invocation'
  readonly turns: readonly TurnCost[]
  /** How it ended; absent when it went through all turns. */
  readonly end?: { readonly turn: number; readonly error: string; readonly answerLost: boolean }
}

/** A limit that the library promises to keep. */
export interface Bound {
  readonly name: string
  readonly measured: number
  readonly limit: number
  /** Whether the measured value has to be the limit, or may be less. */
  readonly exactly: boolean
  readonly met: boolean
}

/** Everything that the bench prints. */
export interface CapacityFacts {
  readonly engine: string
  readonly trace: {
    readonly turns: number
    readonly messagesPerTurn: typeof MESSAGES_PER_TURN
    readonly windowSize: number
    readonly characters: typeof TRACE_LENGTHS
  }
  readonly session: SessionFacts
  readonly stock: readonly StockFacts[]
  readonly bounds: readonly Bound[]
}

/** Turns that an average is taken over. */
const AVERAGED_TURNS = 10
/** First turn of the early average: the window of 40 messages has been full for ten turns. */
const FIRST_STEADY_TURN = 21

/** Sums up the requests of a turn. */
export function costOf({ turn, resume, save, windowMessages }: TurnRequests): TurnCost {
  return {
    turn,
    writeUnits: sumCapacity([...resume, ...save]).writeUnits,
    readUnits: sumCapacity(resume).readUnits,
    resumeRequests: resume.length,
    saveRequests: save.length,
    windowMessages,
  }
}

/** The averages over turns 21 to 30 and over the last ten; undefined when these are not apart. */
export function averagesOf(turns: readonly TurnCost[]): SessionFacts['averages'] {
  const lastTurn = turns.length
  if (lastTurn < FIRST_STEADY_TURN - 1 + 2 * AVERAGED_TURNS) return undefined
  return {
    early: averageFrom(turns, FIRST_STEADY_TURN),
    late: averageFrom(turns, lastTurn - AVERAGED_TURNS + 1),
  }
}

function averageFrom(turns: readonly TurnCost[], firstTurn: number): Average {
  const averaged = turns.slice(firstTurn - 1, firstTurn - 1 + AVERAGED_TURNS)
  const sum = averaged.reduce((total, { writeUnits }) => total + writeUnits, 0)
  return { firstTurn, lastTurn: firstTurn + AVERAGED_TURNS - 1, writeUnits: sum / averaged.length }
}
