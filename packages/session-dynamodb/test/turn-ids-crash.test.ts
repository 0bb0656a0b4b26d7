/** A turn with an id that crashed goes on where it had ended when its event is retried. */

import { AnswerNotSavedError, SessionBusyError, verifySession } from 'strands-session-dynamodb'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { lookUp, textsOf, turnId } from './support/active-turn.ts'
import { GatedModel, gate } from './support/gate.ts'
import { ScriptedModel } from './support/scripted-model.ts'
import { stallingClient } from './support/stalling-client.ts'
import { messagesIn } from './support/stored-items.ts'
import { createTestTable, type TestTable } from './support/table.ts'
import { answers, messagesOf, type TestSession, testSession, toolNamed } from './support/test-session.ts'
import { expectValid } from './support/valid-conversation.ts'

let table: TestTable

beforeAll(async () => {
  table = await createTestTable()
})

afterAll(() => table.drop())

afterEach(() => vi.useRealTimers())

const LEASE = 1000
const tools = [toolNamed('look', () => 'a thing')]

/** Where a process died, and what it had stored by then. */
const crashes: readonly (readonly [string, (session: TestSession) => Promise<unknown>, number])[] = [
  ['after the user message', (session) => dieAsking(session, 0), 1],
  ['after the tool use', (session) => dieStoring(session), 2],
  ['after the tool result', (session) => dieAsking(session, 1), 3],
]

/** Runs a turn whose model never answers a call. */
async function dieAsking(session: TestSession, call: number): Promise<void> {
  const at = gate()
  const agent = session.agent(new GatedModel(lookUp, at, call), { tools })
  agent.invoke('Look!', turnId('event-1')).catch(() => undefined)
  await at.reached
}

/** Runs a turn whose process never sends the request that stores the tool's result. */
async function dieStoring(session: TestSession): Promise<void> {
  const stalling = stallingClient('toolResult')
  const agent = session.agent(lookUp, { tools, manager: { client: stalling.client } })
  agent.invoke('Look!', turnId('event-1')).catch(() => undefined)
  await stalling.stalled
}

describe('a turn that crashed', () => {
  test.each(crashes)('%s is run to its end without a second user message', async (_when, die, stored) => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const session = testSession(table, { turnLeaseMs: LEASE, turnWaitMs: 0 })
    await session.agent(answers('Hello.')).invoke('Hi.')
    await die(session)
    expect(messagesIn(await session.items())).toHaveLength(2 + stored)
    await expect(session.agent([], { tools }).invoke('Look!', turnId('event-1'))).rejects.toThrow(SessionBusyError)
    vi.setSystemTime(Date.now() + LEASE)

    const model = new ScriptedModel((_call, messages) => {
      const last = messages.at(-1)?.content[0]
      if (last?.type === 'toolResultBlock') return { text: 'I saw it.' }
      return { toolUses: [{ name: 'look', input: {}, toolUseId: 'second-look' }] }
    })
    const next = session.agent(model, { tools })
    const result = await next.invoke('Look!', turnId('event-1'))

    expect(textsOf(result)).toEqual(['I saw it.'])
    const messages = messagesOf(next)
    expect(messages.slice(0, 3)).toEqual(['user: Hi.', 'assistant: Hello.', 'user: Look!'])
    expect(messages.filter((message) => message === 'user: Look!')).toHaveLength(1)
    expect(messages.at(-1)).toBe('assistant: I saw it.')
    expectValid(next)
    expect((await session.restored()).messages).toEqual(next.messages)
    expect(textsOf(await session.agent([], { tools }).invoke('Look!', turnId('event-1')))).toEqual(['I saw it.'])
    const { tableName, client } = table
    expect(await verifySession({ sessionId: session.sessionId, tableName, client })).toMatchObject({ problems: [] })
  })

  test.each(crashes)('%s and goes on shows it, and refuses whoever had stalled in it', async (_when, die) => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const session = testSession(table, { turnLeaseMs: LEASE, turnWaitMs: 0 })
    await die(session)
    vi.setSystemTime(Date.now() + LEASE)
    const first = gate()
    const stalled = session.agent(new GatedModel(answers('From the first.'), first), { tools })
    const ended = stalled.invoke('Look!', turnId('event-1'))
    await first.reached
    await expect(session.agent([], { tools }).invoke('Look!', turnId('event-1'))).rejects.toThrow(SessionBusyError)
    await expect(session.agent([], { tools }).invoke('Anyone?')).rejects.toThrow(SessionBusyError)

    vi.setSystemTime(Date.now() + LEASE)
    const second = gate()
    const next = session.agent(new GatedModel(answers('From the second.'), second), { tools })
    const answered = next.invoke('Look!', turnId('event-1'))
    await second.reached
    first.open()
    await expect(ended).rejects.toThrow(AnswerNotSavedError)
    second.open()
    expect(textsOf(await answered)).toEqual(['From the second.'])
    expectValid(next)
    expect((await session.restored()).messages).toEqual(next.messages)
  })

  test.each(crashes)('%s does not stand in the way of another turn', async (_when, die) => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const session = testSession(table, { turnLeaseMs: LEASE, turnWaitMs: 0 })
    await die(session)
    vi.setSystemTime(Date.now() + LEASE)
    const next = session.agent(answers('Yes.'), { tools })
    await next.invoke('Anyone?', turnId('event-2'))
    expectValid(next)
    expect(messagesOf(next).slice(-2)).toEqual(['user: Anyone?', 'assistant: Yes.'])
  })

  test('with an error is run again without a second user message', async () => {
    const session = testSession(table, { turnWaitMs: 0 })
    const failing = session.agent([{ error: new Error('overloaded') }])
    await expect(failing.invoke('Hi.', turnId('event-1'))).rejects.toThrow('overloaded')
    const next = session.agent(answers('Hello.'))
    expect(textsOf(await next.invoke('Hi.', turnId('event-1')))).toEqual(['Hello.'])
    expect(messagesOf(next)).toEqual(['user: Hi.', 'assistant: Hello.'])
    expect(messagesOf(await session.restored())).toEqual(['user: Hi.', 'assistant: Hello.'])
  })

  test('with an error is run again by the same agent', async () => {
    const session = testSession(table, { turnWaitMs: 0 })
    const agent = session.agent((call) => (call === 0 ? { error: new Error('overloaded') } : { text: 'Hello.' }))
    await expect(agent.invoke('Hi.', turnId('event-1'))).rejects.toThrow('overloaded')
    expect(textsOf(await agent.invoke('Hi.', turnId('event-1')))).toEqual(['Hello.'])
    expect(messagesOf(agent)).toEqual(['user: Hi.', 'assistant: Hello.'])
    expect(messagesOf(await session.restored())).toEqual(['user: Hi.', 'assistant: Hello.'])
  })

  test('and was followed by another turn begins again, behind that one', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const session = testSession(table, { turnLeaseMs: LEASE, turnWaitMs: 0 })
    await dieAsking(session, 0)
    vi.setSystemTime(Date.now() + LEASE)
    await session.agent(answers('Yes.')).invoke('Anyone?', turnId('event-2'))
    const model = new ScriptedModel(answers('I saw it.'))
    const late = session.agent(model, { tools })
    expect(textsOf(await late.invoke('Look!', turnId('event-1')))).toEqual(['I saw it.'])
    expectValid(late)
    expect(messagesOf(late).slice(-4)).toEqual([
      'user: Anyone?',
      'assistant: Yes.',
      'user: Look!',
      'assistant: I saw it.',
    ])
    expect((await session.restored()).messages).toEqual(late.messages)
    expect(textsOf(await session.agent([], { tools }).invoke('Look!', turnId('event-1')))).toEqual(['I saw it.'])
    expect(textsOf(await session.agent([]).invoke('Anyone?', turnId('event-2')))).toEqual(['Yes.'])
  })

  test.each([0, 1])('after it had repaired another one is run to its end: at call %d', async (call) => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const session = testSession(table, { turnLeaseMs: LEASE, turnWaitMs: 0 })
    const at = gate()
    session
      .agent(new GatedModel(lookUp, at), { tools })
      .invoke('Hi?', turnId('event-0'))
      .catch(() => undefined)
    await at.reached
    vi.setSystemTime(Date.now() + LEASE)
    await dieAsking(session, call)
    vi.setSystemTime(Date.now() + LEASE)
    const next = session.agent(answers('I saw it.'), { tools })
    expect(textsOf(await next.invoke('Look!', turnId('event-1')))).toEqual(['I saw it.'])
    expectValid(next)
    expect(messagesOf(next).filter((message) => message === 'user: Look!')).toHaveLength(1)
    expect(messagesOf(next).filter((message) => message === 'user: Hi?')).toHaveLength(1)
    expect((await session.restored()).messages).toEqual(next.messages)
    expect(textsOf(await session.agent([], { tools }).invoke('Look!', turnId('event-1')))).toEqual(['I saw it.'])
  })

  test('between two of its input messages adds only the second', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const session = testSession(table, { turnLeaseMs: LEASE, turnWaitMs: 0 })
    const input = () => [
      { role: 'user' as const, content: [{ text: 'Look!' }] },
      { role: 'user' as const, content: [{ text: 'At that.' }] },
    ]
    const stalling = stallingClient('#msg#0000000002"')
    session
      .agent([], { manager: { client: stalling.client } })
      .invoke(input(), turnId('event-1'))
      .catch(() => undefined)
    await stalling.stalled
    vi.setSystemTime(Date.now() + LEASE)
    const next = session.agent(answers('I see.'))
    await next.invoke(input(), turnId('event-1'))
    expect(messagesOf(next)).toEqual(['user: Look!', 'user: At that.', 'assistant: I see.'])
    expect(messagesOf(await session.restored())).toEqual(messagesOf(next))
  })
})
