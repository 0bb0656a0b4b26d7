/** Turns that crash or lose their session: others go on, and a late writer overwrites nothing. */

import { AnswerNotSavedError, SessionBusyError, SessionConflictError } from 'strands-session-dynamodb'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { answering, atWork, lookUp, requestsOf, turnOfLook } from './support/active-turn.ts'
import { GatedModel, gate } from './support/gate.ts'
import { rejectionOf } from './support/mocked-client.ts'
import { createTestTable, type TestTable } from './support/table.ts'
import { always, answers, messagesOf, testSession, toolNamed } from './support/test-session.ts'

let table: TestTable

beforeAll(async () => {
  table = await createTestTable()
})

afterAll(() => table.drop())

afterEach(() => vi.useRealTimers())

const LEASE = 1000

describe('a turn that has crashed', () => {
  test('is taken over when its time is up, and its writer overwrites nothing', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const session = testSession(table, { turnLeaseMs: LEASE, turnWaitMs: 0 })
    const stalled = await atWork(session)
    vi.setSystemTime(Date.now() + LEASE - 1)
    await expect(session.agent(answers('never said')).invoke('Too early?')).rejects.toThrow(SessionBusyError)
    vi.setSystemTime(Date.now() + 1)

    const next = session.agent(always('Yes.'))
    await next.invoke('Anyone?')
    const taken = messagesOf(next)
    expect(taken[0]).toBe('user: Look!')
    expect(taken.slice(2)).toEqual(['user: Anyone?', 'assistant: Yes.'])
    expect(taken[1]).toMatch(/^assistant: .*interrupted/)

    stalled.at.open()
    expect(await rejectionOf(stalled.ended)).toBeInstanceOf(SessionConflictError)
    expect(messagesOf(await session.restored())).toEqual(taken)
    await next.invoke('Still there?')
    expect(messagesOf(await session.restored())).toEqual([...taken, 'user: Still there?', 'assistant: Yes.'])
    expect(JSON.stringify(await session.items())).not.toContain('I saw it.')
  })

  test('is taken over by a warm agent that was behind, and its writer gets to keep its answer', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const session = testSession(table, { turnLeaseMs: LEASE, turnWaitMs: 0 })
    const next = session.agent(always('Yes.'))
    await next.invoke('1?')
    const stalled = await answering(session)
    vi.setSystemTime(Date.now() + LEASE)
    await next.invoke('2?')
    expect(messagesOf(next).slice(-2)).toEqual(['user: 2?', 'assistant: Yes.'])

    stalled.at.open()
    const error = await rejectionOf(stalled.ended)
    expect(error).toBeInstanceOf(AnswerNotSavedError)
    expect(error).toMatchObject({ cause: expect.any(SessionConflictError) })
    expect((error as AnswerNotSavedError).answer.content).toMatchObject([{ text: 'I think so.' }])
    expect(messagesOf(await session.restored())).toEqual(messagesOf(next))
  })

  test('has not crashed as long as it goes on: each message prolongs it', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const session = testSession(table, { turnLeaseMs: LEASE, turnWaitMs: 0 })
    const [looking, thinking] = [gate(), gate()]
    const agent = session.agent(new GatedModel(lookUp, thinking, 1), {
      tools: [toolNamed('look', () => looking.pass('a thing'))],
    })
    const ended = agent.invoke('Look!')
    await looking.reached
    vi.setSystemTime(Date.now() + LEASE - 100)
    looking.open()
    await thinking.reached
    vi.setSystemTime(Date.now() + LEASE - 100)
    await expect(session.agent(answers('never said')).invoke('May I?')).rejects.toThrow(SessionBusyError)
    thinking.open()
    await ended
    expect(messagesOf(await session.restored())).toEqual(turnOfLook)
  })

  test('that went on after all is no obstacle', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const session = testSession(table, { turnLeaseMs: LEASE, turnWaitMs: 0 })
    const stalled = await atWork(session)
    const other = session.agent(answers('Yes.'))
    await expect(other.invoke('May I?')).rejects.toThrow('busy')
    vi.setSystemTime(Date.now() + LEASE)
    stalled.at.open()
    await stalled.ended
    await other.invoke('And now?')
    const transcript = [...turnOfLook, 'user: And now?', 'assistant: Yes.']
    expect(messagesOf(other)).toEqual(transcript)
    expect(messagesOf(await session.restored())).toEqual(transcript)
  })

  test('is not met by its own agent, which goes on', async () => {
    const session = testSession(table, { turnWaitMs: 0 })
    const agent = session.agent((call) => (call === 0 ? { error: new Error('overloaded') } : { text: 'Yes.' }))
    await expect(agent.invoke('1?')).rejects.toThrow('overloaded')
    await agent.invoke('2?')
    expect(messagesOf(await session.restored()).slice(-2)).toEqual(['user: 2?', 'assistant: Yes.'])
  })

  test('is over no later than its process', async () => {
    const session = testSession(table, { getRemainingTimeInMillis: () => 5000 })
    const before = Date.now()
    const { at, ended } = await atWork(session)
    const [row] = (await session.items()).filter(({ sk }) => sk.endsWith('#msg#0000000001'))
    expect(row?.['until']).toBeGreaterThan(before)
    expect(row?.['until']).toBeLessThanOrEqual(Date.now() + 5000)
    at.open()
    await ended
  })
})

describe('a session that is deleted while a turn is under way', () => {
  test.each([
    ['a tool is at work', atWork],
    ['the model thinks', answering],
  ] as const)('does not come back: %s', async (_when, begin) => {
    const session = testSession(table)
    await session.agent(answers('Hello.')).invoke('Hi.')
    const late = await begin(session)
    await session.manager().deleteSession()
    expect(messagesOf(await session.restored())).toEqual([])

    late.at.open()
    const error = await rejectionOf(late.ended)

    expect(error).toBeInstanceOf(AnswerNotSavedError)
    expect(error).toMatchObject({ cause: expect.any(SessionConflictError) })
    expect(await session.items()).toEqual([])
    expect(messagesOf(await session.restored())).toEqual([])
    expect(await session.manager().findSession()).toBeUndefined()
  })

  test('and started again is not disturbed', async () => {
    const session = testSession(table)
    const late = await atWork(session)
    await session.manager().deleteSession()
    const next = session.agent(always('New.'))
    await next.invoke('New?')
    late.at.open()
    await rejectionOf(late.ended)
    expect(messagesOf(await session.restored())).toEqual(['user: New?', 'assistant: New.'])
    await next.invoke('More?')
    expect(messagesOf(await session.restored())).toHaveLength(4)
  })

  test.each(['refused', 'waiting'])('does not come back through an agent that was %s', async (kind) => {
    const session = testSession(table, { turnWaitMs: kind === 'refused' ? 0 : 30_000 })
    const { at, ended } = await atWork(session)
    const polls = requestsOf('Query', 3)
    const other = session.agent(always('Yes.'), { manager: { onCapacity: polls.onCapacity } })
    const refused = other.invoke('May I?')
    refused.catch(() => undefined)
    if (kind === 'refused') await rejectionOf(refused)
    else await polls.seen
    await session.manager().deleteSession()
    // It may begin the session anew or fail; what was deleted stays deleted.
    await (kind === 'refused' ? other.invoke('And now?') : refused).catch(() => undefined)
    expect(messagesOf(await session.restored())).not.toContain('user: Look!')
    expect(JSON.stringify(await session.items())).not.toContain('Look!')
    at.open()
    await rejectionOf(ended)
    expect(JSON.stringify(await session.items())).not.toContain('Look!')
  })

  test('by its own manager lets the next turn of the same agent start afresh', async () => {
    const session = testSession(table)
    const manager = session.manager()
    const agent = session.agent(always('Yes.'), { manager })
    await agent.invoke('Old?')
    await manager.deleteSession()
    await agent.invoke('New?')
    expect((await session.restored()).messages).toEqual(agent.messages)
  })
})
