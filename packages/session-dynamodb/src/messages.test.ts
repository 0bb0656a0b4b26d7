import { describe, expect, test } from 'vitest'
import { isAnswer, roleOf, trackingIdOf } from './messages.ts'

describe('a message', () => {
  const toolUse = { toolUse: { name: 'look', toolUseId: 'u', input: {} } }
  test.each([
    ['a text of the assistant', { role: 'assistant', content: [{ text: 'Hello' }] }, true],
    ['several blocks of the assistant', { role: 'assistant', content: [{ text: 'a' }, { reasoning: {} }] }, true],
    ['no block at all', { role: 'assistant', content: [] }, true],
    ['no content', { role: 'assistant' }, true],
    ['content that is no list', { role: 'assistant', content: { toolUse: {} } }, true],
    ['blocks that are none', { role: 'assistant', content: [null, 'toolUse', 7] }, true],
    ['a tool use', { role: 'assistant', content: [toolUse] }, false],
    ['a tool use behind a text', { role: 'assistant', content: [{ text: 'Let me see' }, toolUse] }, false],
    ["a user's message", { role: 'user', content: [{ text: 'Hello' }] }, false],
    ["a tool's result", { role: 'user', content: [{ toolResult: { toolUseId: 'u' } }] }, false],
    ['another role', { role: 'Assistant', content: [] }, false],
    ['no role', { content: [{ text: 'Hello' }] }, false],
    ['null', null, false],
    ['a text', 'assistant', false],
    ['nothing', undefined, false],
  ])('with which a turn ends: %s', (_, message, expected) => {
    expect(isAnswer(message)).toBe(expected)
  })

  test.each([
    [{ trackingId: 'a#b', role: 'user' }, 'a#b', 'user'],
    [{ trackingId: '', role: '' }, undefined, undefined],
    [{ trackingId: 7, role: null }, undefined, undefined],
    [{}, undefined, undefined],
    [[], undefined, undefined],
    [null, undefined, undefined],
    [undefined, undefined, undefined],
    ['trackingId', undefined, undefined],
  ])('of %j is the tracking id %j and the role %j', (message, trackingId, role) => {
    expect([trackingIdOf(message), roleOf(message)]).toEqual([trackingId, role])
  })
})
