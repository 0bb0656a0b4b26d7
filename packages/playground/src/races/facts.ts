/** What races of several writers came to. */

/** How writers behave that meet another one's turn. */
export type RaceMode = 'waiting' | 'waiting, with state' | 'not waiting' | 'without exclusion'

/** The races of one mode with one number of writers. */
export interface RaceFacts {
  readonly mode: RaceMode
  /** Processes that write to each session. */
  readonly writers: number
  readonly sessions: number
  /** Turns that were begun. */
  readonly started: number
  /** Turns whose callers got their answers. */
  readonly acknowledged: number
  /** Turns that were refused because another writer was at work. */
  readonly busy: number
  /** Turns that were refused because another writer had been faster. */
  readonly conflicts: number
  /** Turns that failed in any other way: what was thrown. */
  readonly failures: readonly string[]
  /** Refused as busy although the model had been called. */
  readonly wasted: number
  /** Complete turns in the logs: a question, a tool use, its result and an answer, with nothing between them. */
  readonly stored: number
  /** Acknowledged turns that are not in the log exactly once, in one piece. */
  readonly lost: number
  /** Uses of a tool that the agents' states have counted, where they count them. */
  readonly counted: number
  /** Messages in the logs that belong to no complete turn. */
  readonly leftOver: number
  /** What `verifySession()` found wrong. */
  readonly problems: readonly string[]
  readonly seconds: number
}

/** What a turn costs that no other writer disturbs. */
export interface ProtectionFacts {
  readonly turns: number
  readonly writeUnitsPerTurn: number
  readonly writeUnitsPerTurnWithoutExclusion: number
  readonly requestsPerTurn: number
  readonly requestsPerTurnWithoutExclusion: number
}

/** All that `npm run bench:races` measured. */
export interface RacesReport {
  readonly engine: string
  readonly races: readonly RaceFacts[]
  readonly protection: ProtectionFacts
  /** The promises, and whether they were kept. */
  readonly promises: readonly { readonly promise: string; readonly kept: boolean }[]
}
