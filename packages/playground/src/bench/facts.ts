/** What the bench measures, as plain data. */

import type { TraceName } from '../traces/turns.ts'

/** Whether each turn has a new agent, as on a cold Lambda, or one agent has them all. */
export type AgentMode = 'cold' | 'warm'

/** What the service asks for, in US dollars. */
export interface Prices {
  /** For a million write request units. */
  readonly write: number
  /** For a million read request units. */
  readonly read: number
  /** For a gigabyte stored for a month. */
  readonly storage: number
}

/** What one turn of a session cost. */
export interface TurnSample {
  /** From 1. */
  readonly turn: number
  /** Write capacity units of this turn. */
  readonly writeUnits: number
  /** Read capacity units of this turn, those of the resume included. */
  readonly readUnits: number
  /** Requests of this turn that waited for one another, those of the resume included. */
  readonly roundTrips: number
  /** Restoring the session, which warm agents do not do. */
  readonly resume?: { readonly readUnits: number; readonly roundTrips: number }
  /**
   * Bytes in the table after this turn, as DynamoDB counts them. After the last turn before the end, these include what was
   * stored of the turn that was refused.
   */
  readonly storedBytes: number
  readonly storedItems: number
  /** What the process computed for a turn, in milliseconds: the mean of this turn and up to nine before it. */
  readonly cpuMs: number
  /** Means over all turns up to this one. */
  readonly mean: { readonly writeUnits: number; readonly readUnits: number }
  /** US dollars for a million turns in sessions that end with this turn, all of them kept for a month. */
  readonly monthlyPrice: number
}

/** A session that was run until its last turn, or until its store refused it. */
export interface SessionRun {
  readonly trace: TraceName
  readonly contestant: string
  readonly agents: AgentMode
  /** The turns that were asked for, and the last one before the end. */
  readonly samples: readonly TurnSample[]
  /** The turn that could not be stored; absent when there was none. */
  readonly end?: { readonly turn: number; readonly error: string }
}

/** Size of a file in bytes, as it is and gzipped. */
export interface FileSize {
  readonly bytes: number
  readonly gzipped: number
}

/** What the library adds to a minified Lambda function. */
export interface BundleFacts {
  /** An agent without sessions, and the clients that any session store in DynamoDB needs. */
  readonly agent: FileSize
  /** The same with all that the library uses of the SDKs: its own `Graph`, `Swarm`, commands and so on come along. */
  readonly sdks: FileSize
  /** The agent with this library's session manager. */
  readonly library: FileSize
  /** What the library adds to the SDKs. */
  readonly added: FileSize
  /** Most that it may add, gzipped, in bytes. */
  readonly limit: number
  /** Milliseconds that a new process needs to import them: medians of so many runs. */
  readonly importTime: {
    readonly runs: number
    readonly agentMs: number
    readonly sdksMs: number
    readonly libraryMs: number
  }
}

/** Everything that the bench finds. */
export interface BenchFacts {
  readonly engine: string
  readonly node: string
  readonly prices: Prices
  readonly turns: readonly number[]
  readonly sessions: readonly SessionRun[]
  readonly bundle?: BundleFacts
}
