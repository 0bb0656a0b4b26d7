import { expect, test } from 'vitest'
import { describeItem, sizeOf } from './table-items.ts'

test.each([
  ['session', undefined, 'the session'],
  ['agent#a#msg#0000000012', 'user', 'message 12: user'],
  ['agent#a#msg#0000000012', undefined, 'message 12'],
  ['agent#a#msg#head', undefined, 'the window: what the model sees'],
  ['agent#a#msg#state', undefined, 'the rest of the agent: state, system prompt'],
  ['agent#a#snapshot#s-1', undefined, 'snapshot s-1'],
  ['agent#a#msg#0000000012#part#1', undefined, 'a piece of a value that is too large for one item'],
  ['anything else', undefined, 'anything else'],
])('%s with %s is %s', (sortKey, content, what) => {
  expect(describeItem(sortKey, content)).toBe(what)
})

test('sizes follow the published rules of DynamoDB', () => {
  expect([
    sizeOf({ S: 'né' }),
    sizeOf({ B: new Uint8Array(5) }),
    sizeOf({ N: '12345' }),
    sizeOf({ BOOL: true }),
    sizeOf({ L: [{ S: 'ab' }] }),
    sizeOf({ M: { key: { S: 'ab' } } }),
    sizeOf({ SS: ['a', 'bc'] }),
  ]).toEqual([3, 5, 4, 1, 6, 9, 3])
})
