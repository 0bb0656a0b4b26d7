/** One run of the agent loop: what its hooks have to know of each other. */

import type { Message } from '@strands-agents/sdk'
import { checkId } from './ids.ts'

/** One run of the agent loop. */
export interface Turn {
  /** The id that the caller gave it, unless the turn was given up. */
  id: string | undefined
  /** The caller's object, by which a continuation of the same call is recognised. */
  readonly invocationState: object
  /** When to stop waiting for other writers, in epoch milliseconds. */
  readonly waitUntil: number
  /** The caller's messages that the agent has added and the log does not hold yet. */
  readonly unclaimed: Message[]
  /** Whether a message of this turn is stored: from then on a conflict cannot be healed. */
  isClaimed: boolean
  /** Whether the log holds an earlier run of the turn that was cut short. */
  isResumed: boolean
  /** How many of the caller's messages the log holds from that run. */
  storedInputs: number
  /** The stored answer, when the turn has been run before. */
  replay: Message | undefined
  /** Whether the run ended with an error of its own, which a failing save must not hide. */
  hasFailed: boolean
  /** Whether the run ended in the middle because a save failed. */
  isCutShort: boolean
  /** Whether the run was cancelled while another writer's turn was under way: it leaves nothing behind. */
  isGivenUp: boolean
  isOver: boolean
}

/**
 * A turn that has not begun.
 *
 * @param waitUntil - When to stop waiting for other writers, in epoch milliseconds.
 * @throws `InvalidOptionError` for an `invocationState.turnId` that is not an id.
 */
export function newTurn(invocationState: Readonly<Record<string, unknown>>, waitUntil: number): Turn {
  const { turnId } = invocationState
  return {
    id: turnId === undefined ? undefined : checkId('invocationState.turnId', turnId),
    invocationState,
    waitUntil,
    unclaimed: [],
    isClaimed: false,
    isResumed: false,
    storedInputs: 0,
    replay: undefined,
    hasFailed: false,
    isCutShort: false,
    isGivenUp: false,
    isOver: false,
  }
}
