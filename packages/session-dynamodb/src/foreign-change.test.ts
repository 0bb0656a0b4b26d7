import { describe, expect, it, test } from 'vitest'
import { foreignChange } from './foreign-change.ts'
import { ScopeKeys } from './keys.ts'
import type { LogEntry } from './window.ts'

const keys = new ScopeKeys({ sessionId: 's', scope: 'agent', scopeId: 'a' })
const [writer, another] = ['000000001-me', '000000001-another']

/** What is stored: a head, and rows by their writers. */
function found(
  version: number,
  headWriter: string,
  writers: readonly string[],
  window = writers.map((_, at) => at + 1),
) {
  const entries = writers.map((each, index): [number, LogEntry] => [
    index + 1,
    {
      ...{ seq: index + 1, digest: '', trackingId: undefined, writer: each },
      ...{ detached: false, replaces: [], turn: {}, isAnswer: false },
    },
  ])
  return { head: { version, writer: headWriter }, window, entries: new Map(entries), writer }
}
const known = (version: number, last: number) => ({ head: { version }, last })
const atHead = (expected: string, actual: string, by?: string) => ({
  ...{ key: 'agent#a#msg#head', expected, actual },
  ...(by === undefined ? {} : { writer: by }),
})
const atRow = (seq: number, by: string | undefined) => ({
  ...{ key: keys.message(seq).sk, expected: 'a row of this writer', actual: `one written by ${by}`, writer: by },
})

describe('a log is as its writer knew it', () => {
  test.each([
    ['nothing was stored, and nothing is', null, undefined],
    ['nothing has changed', known(2, 2), found(2, another, [another, another])],
    ['a row is new and its own', known(2, 2), found(2, another, [another, another, writer])],
    ['the head is new and its own', known(2, 1), found(3, writer, [another, writer])],
    ['head and row are the first, and its own', null, found(1, writer, [writer])],
    ['the snapshot has no messages', known(1, 0), { ...found(1, another, []), window: undefined }],
    ["another writer's row is not in the window", known(2, 1), found(2, another, [writer, another], [1])],
  ])('when %s', (_, before, now) => {
    expect(foreignChange(keys, before, now)).toBeUndefined()
  })
})

describe('somebody else has changed a log', () => {
  test.each([
    ['when the head is gone', known(2, 2), undefined, atHead('version 2', 'nothing')],
    [
      'when the head is new',
      known(2, 2),
      found(3, another, [writer, writer]),
      atHead('version 2', `version 3 written by ${another}`, another),
    ],
    [
      'when the head is older',
      known(2, 0),
      found(1, another, []),
      atHead('version 2', `version 1 written by ${another}`, another),
    ],
    [
      'when a head is there',
      null,
      found(1, another, []),
      atHead('version 0', `version 1 written by ${another}`, another),
    ],
    ['when a row is new', known(2, 2), found(2, writer, [writer, writer, another]), atRow(3, another)],
    [
      'when a row behind an own one is new',
      known(2, 1),
      found(2, writer, [writer, writer, another]),
      atRow(3, another),
    ],
    ['when a row of an own head is not its own', null, found(1, writer, [another]), atRow(1, another)],
    ['when a row is not known', known(2, 1), found(2, writer, [writer], [1, 2]), atRow(2, undefined)],
  ])('%s', (_, before, now, expected) => {
    expect(foreignChange(keys, before, now)).toEqual(expected)
  })
})

it('a row that stands elsewhere in the window than before is no change', () => {
  expect(foreignChange(keys, known(2, 3), found(2, another, [another, another, another], [3, 1]))).toBeUndefined()
})
