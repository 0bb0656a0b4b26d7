/** The conditions that make the log's tail a lock, and the versions a guard. Pure. */

import type { Item } from './attributes.ts'
import type { Condition } from './expressions.ts'
import { writerOf } from './incarnation.ts'
import { NEVER } from './lifetime.ts'

/*
 * Who may write what:
 *
 *   row absent ............................ anyone who takes the next sequence number
 *   row written by me ..................... me: a retry of a request whose answer was lost
 *   row of an earlier incarnation ......... anyone: a late writer left it after the session was deleted
 *   row written by somebody else .......... nobody: the next sequence number is taken, which is a conflict
 */
const isAbsent = 'attribute_not_exists(pk)'
const isMine = '#writer = :writer'
const isOfEarlierIncarnation = '#writer < :incarnation'
const isOfThisIncarnation = 'begins_with(#writer, :writers)'

const writerName = { '#writer': 'writer' } as const

/** For a message: its sequence number is free, or what is there is mine or left over. */
export function canAppend(writer: string, incarnation: string): Condition {
  return {
    expression: `${isAbsent} OR ${isMine} OR ${isOfEarlierIncarnation}`,
    names: writerName,
    values: { ':writer': writer, ':incarnation': incarnation },
  }
}

/** For a row that is redacted: it exists. Whoever wrote it, the old text must go. */
export const exists: Condition = { expression: 'attribute_exists(pk)' }

/** For a chunk that is not referred to any more: nobody has written it again for a later version. */
export function isUpTo(version: number): Condition {
  return { expression: '#version <= :version', names: { '#version': 'version' }, values: { ':version': version } }
}

/** For a row that is taken back: it is still the one that was written. */
export function isBy(writer: string): Condition {
  return { expression: isMine, names: writerName, values: { ':writer': writer } }
}

/** For an agent's first save: nobody else has made its head yet, or DynamoDB is about to remove it. */
export function canCreate(writer: string, seconds: number): Condition {
  const expression = `${isAbsent} OR ${isMine} OR expiresAt <= :at`
  return { expression, names: writerName, values: { ':writer': writer, ':at': seconds } }
}

/** For a snapshot of a log that is being pruned: the rows that it names were there still. */
export function isPrunedTo(pruned: number, incarnation: string): Condition {
  return {
    expression: 'pruned = :pruned AND incarnation = :incarnation',
    values: { ':pruned': pruned, ':incarnation': incarnation },
  }
}

/** For what an expired session has left: it is still what was listed, and not an item of a newer session. */
export function isUnchanged({ sum, expiresAt }: Item): Condition {
  const isSameContent = sum === undefined ? 'attribute_not_exists(#sum)' : '#sum = :sum'
  const isSameTime = expiresAt === undefined ? 'attribute_not_exists(expiresAt)' : 'expiresAt = :expiresAt'
  return {
    expression: `${isSameContent} AND ${isSameTime}`,
    names: { '#sum': 'sum' },
    ...(sum === undefined && expiresAt === undefined
      ? {}
      : {
          values: {
            ...(sum === undefined ? {} : { ':sum': sum }),
            ...(expiresAt === undefined ? {} : { ':expiresAt': expiresAt }),
          },
        }),
  }
}

/** For an item whose expiry is put off: it exists, and expires before, or has no time of its own yet. */
export function expiresBefore(until: number): Condition {
  return {
    expression: `attribute_exists(pk) AND (attribute_not_exists(expiresAt) OR expiresAt < :until OR expiresAt = :never)`,
    values: { ':until': until, ':never': NEVER },
  }
}

/** For a head or a state: it has the version that I know, or my own next one from a request whose answer was lost. */
export function canAdvance(writer: string, incarnation: string, version: number): Condition {
  if (version === 0) {
    return {
      expression: `${isAbsent} OR ${isMine} OR ${isOfEarlierIncarnation}`,
      names: writerName,
      values: { ':writer': writer, ':incarnation': incarnation },
    }
  }
  return {
    expression: `(#version = :version AND ${isOfThisIncarnation}) OR (#version = :next AND ${isMine})`,
    names: { ...writerName, '#version': 'version' },
    values: { ':version': version, ':next': version + 1, ':writer': writer, ':writers': writerOf(incarnation, '') },
  }
}
