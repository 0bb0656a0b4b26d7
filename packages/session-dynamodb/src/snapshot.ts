/** The SDK's snapshot to what the log stores, and back: messages one by one, and the rest as one value. Pure. */

import type { Snapshot } from '@strands-agents/sdk'
import { digestOf } from './codec.ts'
import { isAnswer, roleOf, trackingIdOf } from './messages.ts'
import type { LiveMessage } from './window.ts'

/** A snapshot as text, detached from the live objects that it was taken from. */
export interface FrozenSnapshot {
  /** The messages, or undefined when the snapshot has no array of them. */
  readonly messages: readonly LiveMessage[] | undefined
  /** Everything else but `createdAt`, as JSON. */
  readonly state: string
  /** Digest of {@link FrozenSnapshot.state}. */
  readonly stateDigest: string
  readonly createdAt: string
}

/**
 * Turns a snapshot into text. Must run before the first `await` of a save: the agent goes on changing what the snapshot
 * refers to.
 */
export function freeze(snapshot: Snapshot): FrozenSnapshot {
  const { createdAt, data, ...rest } = snapshot
  const { messages, ...others } = data
  const hasMessages = Array.isArray(messages)
  const state = JSON.stringify({ ...rest, data: hasMessages ? others : data })
  return {
    messages: hasMessages ? messages.map(freezeMessage) : undefined,
    state,
    stateDigest: digestOf(state),
    createdAt,
  }
}

/**
 * Puts a snapshot together again.
 *
 * @param state - What {@link freeze} made of it, parsed.
 * @returns undefined when the state is not one of a snapshot.
 */
export function thaw(
  state: unknown,
  messages: readonly unknown[] | undefined,
  createdAt: string,
): Snapshot | undefined {
  if (!isState(state)) return undefined
  const data = messages === undefined ? state.data : { ...state.data, messages: [...messages] }
  return { ...state, createdAt, data } as Snapshot
}

/** Turns a message into text. */
export function freezeMessage(message: unknown): LiveMessage {
  // As JSON.stringify treats an array's elements: what JSON cannot hold becomes null.
  const text = JSON.stringify(message) ?? 'null'
  return {
    text,
    digest: digestOf(text),
    trackingId: trackingIdOf(message),
    role: roleOf(message),
    isAnswer: isAnswer(message),
  }
}

function isState(state: unknown): state is Omit<Snapshot, 'createdAt'> {
  return (
    typeof state === 'object' &&
    state !== null &&
    'data' in state &&
    typeof state.data === 'object' &&
    state.data !== null
  )
}
