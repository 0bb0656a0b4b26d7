/** A turn with an id runs once: a retried event gets the answer of the first run, or goes on where that has ended. */

import {
  AfterInvocationEvent,
  type Agent,
  type AgentResult,
  SlidingWindowConversationManager,
} from '@strands-agents/sdk'
import { InvalidOptionError, SessionBusyError, verifySession } from 'strands-session-dynamodb'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { GatedModel, gate } from './support/gate.ts'
import { type Script, ScriptedModel } from './support/scripted-model.ts'
import { stallingClient } from './support/stalling-client.ts'
import { messagesIn } from './support/stored-items.ts'
import { createTestTable, type TestTable } from './support/table.ts'
import { always, answers, messagesOf, type TestSession, testSession, toolNamed } from './support/test-session.ts'

let table: TestTable

beforeAll(async () => {
  table = await createTestTable()
})

afterAll(() => table.drop())

afterEach(() => vi.useRealTimers())

const LEASE = 1000
const event = (turnId: unknown) => ({ invocationState: { turnId } })
const tools = [toolNamed('look', () => 'a thing')]
const lookUp: Script = [{ toolUses: [{ name: 'look', input: {} }] }, { text: 'I saw it.' }]
const turnOfLook = ['user: Look!', 'assistant: toolUse', 'user: toolResult', 'assistant: I saw it.']

function textOf({ lastMessage }: AgentResult): unknown {
  return lastMessage.content.map((block) => (block.type === 'textBlock' ? block.text : block.type))
}

describe('a turn that was completed', () => {
  test.each(['same agent', 'another process'])('is not run again: the caller gets its answer: %s', async (where) => {
    const session = testSession(table)
    const first = session.agent(lookUp, { tools })
    const result = await first.invoke('Look!', event('event-1'))
    const before = await session.items()

    const model = new ScriptedModel([])
    const again = where === 'same agent' ? first : session.agent(model, { tools })
    const replayed = await again.invoke('Look!', event('event-1'))

    expect(textOf(replayed)).toEqual(['I saw it.'])
    expect(replayed.stopReason).toBe('endTurn')
    expect(replayed.lastMessage.toJSON()).toEqual(result.lastMessage.toJSON())
    expect(model.calls).toEqual([])
    expect(messagesOf(again)).toEqual(turnOfLook)
    expect(await session.items()).toEqual(before)
  })

  test('is found behind later turns, and leaves the agent as it is', async () => {
    const session = testSession(table)
    const agent = session.agent((call) => ({ text: `answer ${call}` }))
    await agent.invoke('1?', event('1'))
    await agent.invoke('2?', event('2'))
    await agent.invoke('3?')
    const before = messagesOf(agent)
    expect(textOf(await agent.invoke('1?', event('1')))).toEqual(['answer 0'])
    expect(textOf(await session.agent([]).invoke('2?', event('2')))).toEqual(['answer 1'])
    expect(messagesOf(agent)).toEqual(before)
    await agent.invoke('4?', event('4'))
    expect(messagesOf(await session.restored())).toEqual([...before, 'user: 4?', 'assistant: answer 3'])
  })

  test('is found when its rows have left the window', async () => {
    const session = testSession(table, { windowSize: 2 })
    const conversationManager = () => new SlidingWindowConversationManager({ windowSize: 2 })
    for (let turn = 1; turn <= 12; turn++) {
      const agent = session.agent(answers(`answer ${turn}`), { conversationManager: conversationManager() })
      await agent.invoke(`${turn}?`, turn === 1 ? event('first') : {})
    }
    const model = new ScriptedModel([])
    const again = session.agent(model, { conversationManager: conversationManager() })
    expect(textOf(await again.invoke('1?', event('first')))).toEqual(['answer 1'])
    expect(model.calls).toEqual([])
    expect(messagesOf(again)).toEqual(['user: 12?', 'assistant: answer 12'])
    expect(messagesOf(await session.restored())).toEqual(['user: 12?', 'assistant: answer 12'])
  })

  test('is known to an agent that was behind', async () => {
    const session = testSession(table)
    const model = new ScriptedModel(always('Yes.'))
    const behind = session.agent(model)
    await behind.invoke('1?')
    await session.agent(answers('No.')).invoke('2?', event('event-2'))
    expect(textOf(await behind.invoke('2?', event('event-2')))).toEqual(['No.'])
    expect(model.calls).toHaveLength(1)
    await behind.invoke('3?')
    const transcript = ['user: 1?', 'assistant: Yes.', 'user: 2?', 'assistant: No.', 'user: 3?', 'assistant: Yes.']
    expect(messagesOf(behind)).toEqual(transcript)
    expect(messagesOf(await session.restored())).toEqual(transcript)
  })

  test.each(['message', 'invocation'] as const)("is known with saveLatestOn: '%s'", async (saveLatestOn) => {
    const session = testSession(table, { saveLatestOn })
    await session.agent(lookUp, { tools }).invoke('Look!', event('event-1'))
    expect(textOf(await session.agent([], { tools }).invoke('Look!', event('event-1')))).toEqual(['I saw it.'])
    expect(messagesOf(await session.restored())).toEqual(turnOfLook)
  })

  test('is known to a retry with several messages too', async () => {
    const session = testSession(table)
    const input = () => [
      { role: 'user' as const, content: [{ text: 'Look!' }] },
      { role: 'assistant' as const, content: [{ text: 'At what?' }] },
      { role: 'user' as const, content: [{ text: 'At that.' }] },
    ]
    await session.agent(answers('I see.')).invoke(input(), event('event-1'))
    const before = await session.items()
    const again = session.agent([])
    expect(textOf(await again.invoke(input(), event('event-1')))).toEqual(['I see.'])
    expect(messagesOf(again)).toEqual(['user: Look!', 'assistant: At what?', 'user: At that.', 'assistant: I see.'])
    expect(await session.items()).toEqual(before)
  })

  test('is another one under another id, of another agent, or without an id', async () => {
    const session = testSession(table)
    await session.agent(answers('One.')).invoke('Hi.', event('event-1'))
    expect(textOf(await session.agent(answers('Two.')).invoke('Hi.', event('event-2')))).toEqual(['Two.'])
    expect(textOf(await session.agent(answers('Three.')).invoke('Hi.'))).toEqual(['Three.'])
    const other = session.agent(answers('Four.'), { id: 'another' })
    expect(textOf(await other.invoke('Hi.', event('event-1')))).toEqual(['Four.'])
    expect(messagesOf(await session.restored())).toHaveLength(6)
  })

  test('is begun anew in a session that was deleted since', async () => {
    const session = testSession(table)
    await session.agent(answers('Old.')).invoke('Hi.', event('event-1'))
    await session.manager().deleteSession()
    expect(textOf(await session.agent(answers('New.')).invoke('Hi.', event('event-1')))).toEqual(['New.'])
    expect(messagesOf(await session.restored())).toEqual(['user: Hi.', 'assistant: New.'])
  })
})

describe('a turn that is open elsewhere', () => {
  test('is busy for those that do not wait', async () => {
    const session = testSession(table, { turnWaitMs: 0 })
    const at = gate()
    const first = session.agent(new GatedModel(answers('Yes.'), at)).invoke('Hi.', event('event-1'))
    await at.reached
    const model = new ScriptedModel([])
    await expect(session.agent(model).invoke('Hi.', event('event-1'))).rejects.toThrow(SessionBusyError)
    expect(model.calls).toEqual([])
    at.open()
    await first
    expect(messagesOf(await session.restored())).toEqual(['user: Hi.', 'assistant: Yes.'])
  })

  test.each(['cold', 'warm'])('gives its answer to those that wait: a %s agent', async (kind) => {
    const session = testSession(table)
    const at = gate()
    const model = new ScriptedModel([])
    const polled = Promise.withResolvers<void>()
    let polls = 0
    const second = session.agent(model, {
      manager: {
        onCapacity: ({ operation }) => {
          if (operation === 'Query') polls += 1
          if (polls > 2) polled.resolve()
        },
      },
    })
    if (kind === 'warm') await second.initialize()
    const first = session.agent(new GatedModel(answers('Yes.'), at)).invoke('Hi.', event('event-1'))
    await at.reached
    const waiting = second.invoke('Hi.', event('event-1'))
    await polled.promise
    at.open()
    expect(textOf(await waiting)).toEqual(['Yes.'])
    await first
    expect(model.calls).toEqual([])
    expect(messagesOf(second)).toEqual(['user: Hi.', 'assistant: Yes.'])
    expect(messagesIn(await session.items())).toEqual(['user: Hi.', 'assistant: Yes.'])
  })

  test('and begun by both at the same time runs once', async () => {
    const session = testSession(table)
    const models = [1, 2, 3, 4].map((number) => new ScriptedModel(answers(`from ${number}`)))
    const results = await Promise.all(models.map((model) => session.agent(model).invoke('Hi.', event('event-1'))))
    expect(models.flatMap(({ calls }) => calls)).toHaveLength(1)
    expect(new Set(results.map((result) => String(textOf(result)))).size).toBe(1)
    expect(messagesIn(await session.items())).toHaveLength(2)
  })
})

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
  agent.invoke('Look!', event('event-1')).catch(() => undefined)
  await at.reached
}

/** Runs a turn whose process never sends the request that stores the tool's result. */
async function dieStoring(session: TestSession): Promise<void> {
  const stalling = stallingClient('toolResult')
  const agent = session.agent(lookUp, { tools, manager: { client: stalling.client } })
  agent.invoke('Look!', event('event-1')).catch(() => undefined)
  await stalling.stalled
}

describe('a turn that crashed', () => {
  /** Whether a model provider would take these messages: they alternate, and each tool use has its result. */
  function expectValid(agent: Agent): void {
    const messages = agent.messages.map((message) => message.toJSON())
    expect(messages.map(({ role }) => role)).toEqual(messages.map((_, at) => (at % 2 === 0 ? 'user' : 'assistant')))
    const uses = messages.flatMap(({ content }) =>
      content.flatMap((block) => ('toolUse' in block ? [block.toolUse.toolUseId] : [])),
    )
    const results = messages.flatMap(({ content }) =>
      content.flatMap((block) => ('toolResult' in block ? [block.toolResult.toolUseId] : [])),
    )
    expect(results).toEqual(uses)
  }

  test.each(crashes)('%s is run to its end without a second user message', async (_when, die, stored) => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const session = testSession(table, { turnLeaseMs: LEASE, turnWaitMs: 0 })
    await session.agent(answers('Hello.')).invoke('Hi.')
    await die(session)
    expect(messagesIn(await session.items())).toHaveLength(2 + stored)
    await expect(session.agent([], { tools }).invoke('Look!', event('event-1'))).rejects.toThrow(SessionBusyError)
    vi.setSystemTime(Date.now() + LEASE)

    const model = new ScriptedModel((_call, messages) => {
      const last = messages.at(-1)?.content[0]
      if (last?.type === 'toolResultBlock') return { text: 'I saw it.' }
      return { toolUses: [{ name: 'look', input: {}, toolUseId: 'second-look' }] }
    })
    const next = session.agent(model, { tools })
    const result = await next.invoke('Look!', event('event-1'))

    expect(textOf(result)).toEqual(['I saw it.'])
    const messages = messagesOf(next)
    expect(messages.slice(0, 3)).toEqual(['user: Hi.', 'assistant: Hello.', 'user: Look!'])
    expect(messages.filter((message) => message === 'user: Look!')).toHaveLength(1)
    expect(messages.at(-1)).toBe('assistant: I saw it.')
    expectValid(next)
    expect((await session.restored()).messages).toEqual(next.messages)
    expect(textOf(await session.agent([], { tools }).invoke('Look!', event('event-1')))).toEqual(['I saw it.'])
    const { tableName, client } = table
    expect(await verifySession({ sessionId: session.sessionId, tableName, client })).toMatchObject({ problems: [] })
  })

  test.each(crashes)('%s does not stand in the way of another turn', async (_when, die) => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const session = testSession(table, { turnLeaseMs: LEASE, turnWaitMs: 0 })
    await die(session)
    vi.setSystemTime(Date.now() + LEASE)
    const next = session.agent(answers('Yes.'), { tools })
    await next.invoke('Anyone?', event('event-2'))
    expectValid(next)
    expect(messagesOf(next).slice(-2)).toEqual(['user: Anyone?', 'assistant: Yes.'])
  })

  test('with an error is run again without a second user message', async () => {
    const session = testSession(table, { turnWaitMs: 0 })
    const failing = session.agent([{ error: new Error('overloaded') }])
    await expect(failing.invoke('Hi.', event('event-1'))).rejects.toThrow('overloaded')
    const next = session.agent(answers('Hello.'))
    expect(textOf(await next.invoke('Hi.', event('event-1')))).toEqual(['Hello.'])
    expect(messagesOf(next)).toEqual(['user: Hi.', 'assistant: Hello.'])
    expect(messagesOf(await session.restored())).toEqual(['user: Hi.', 'assistant: Hello.'])
  })

  test('with an error is run again by the same agent', async () => {
    const session = testSession(table, { turnWaitMs: 0 })
    const agent = session.agent((call) => (call === 0 ? { error: new Error('overloaded') } : { text: 'Hello.' }))
    await expect(agent.invoke('Hi.', event('event-1'))).rejects.toThrow('overloaded')
    expect(textOf(await agent.invoke('Hi.', event('event-1')))).toEqual(['Hello.'])
    expect(messagesOf(agent)).toEqual(['user: Hi.', 'assistant: Hello.'])
    expect(messagesOf(await session.restored())).toEqual(['user: Hi.', 'assistant: Hello.'])
  })

  test('and was followed by another turn begins again, behind that one', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const session = testSession(table, { turnLeaseMs: LEASE, turnWaitMs: 0 })
    await dieAsking(session, 0)
    vi.setSystemTime(Date.now() + LEASE)
    await session.agent(answers('Yes.')).invoke('Anyone?', event('event-2'))
    const model = new ScriptedModel(answers('I saw it.'))
    const late = session.agent(model, { tools })
    expect(textOf(await late.invoke('Look!', event('event-1')))).toEqual(['I saw it.'])
    expectValid(late)
    expect(messagesOf(late).slice(-4)).toEqual([
      'user: Anyone?',
      'assistant: Yes.',
      'user: Look!',
      'assistant: I saw it.',
    ])
    expect((await session.restored()).messages).toEqual(late.messages)
    expect(textOf(await session.agent([], { tools }).invoke('Look!', event('event-1')))).toEqual(['I saw it.'])
    expect(textOf(await session.agent([]).invoke('Anyone?', event('event-2')))).toEqual(['Yes.'])
  })

  test.each([0, 1])('after it had repaired another one is run to its end: at call %d', async (call) => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const session = testSession(table, { turnLeaseMs: LEASE, turnWaitMs: 0 })
    const at = gate()
    session
      .agent(new GatedModel(lookUp, at), { tools })
      .invoke('Hi?', event('event-0'))
      .catch(() => undefined)
    await at.reached
    vi.setSystemTime(Date.now() + LEASE)
    await dieAsking(session, call)
    vi.setSystemTime(Date.now() + LEASE)
    const next = session.agent(answers('I saw it.'), { tools })
    expect(textOf(await next.invoke('Look!', event('event-1')))).toEqual(['I saw it.'])
    expectValid(next)
    expect(messagesOf(next).filter((message) => message === 'user: Look!')).toHaveLength(1)
    expect(messagesOf(next).filter((message) => message === 'user: Hi?')).toHaveLength(1)
    expect((await session.restored()).messages).toEqual(next.messages)
    expect(textOf(await session.agent([], { tools }).invoke('Look!', event('event-1')))).toEqual(['I saw it.'])
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
      .invoke(input(), event('event-1'))
      .catch(() => undefined)
    await stalling.stalled
    vi.setSystemTime(Date.now() + LEASE)
    const next = session.agent(answers('I see.'))
    await next.invoke(input(), event('event-1'))
    expect(messagesOf(next)).toEqual(['user: Look!', 'user: At that.', 'assistant: I see.'])
    expect(messagesOf(await session.restored())).toEqual(messagesOf(next))
  })
})

describe('the id of a turn', () => {
  test.each([[7], [''], [null], [{}], ['\u0000'], ['x'.repeat(2000)]])(
    'that is none is refused before anything is sent: %j',
    async (turnId) => {
      const session = testSession(table)
      const model = new ScriptedModel([])
      const error = await session
        .agent(model)
        .invoke('Hi.', event(turnId))
        .catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(InvalidOptionError)
      expect(error).toMatchObject({ field: 'invocationState.turnId' })
      expect(model.calls).toEqual([])
      expect(await session.items()).toEqual([])
    },
  )

  test('does not answer the continuation of its own turn', async () => {
    const session = testSession(table)
    const model = new ScriptedModel((call) => ({ text: `answer ${call}` }))
    const agent = session.agent(model)
    let resumed = false
    agent.addHook(AfterInvocationEvent, (after) => {
      if (!resumed) after.resume = 'Go on!'
      resumed = true
    })
    const result = await agent.invoke('Hi.', event('event-1'))
    expect(textOf(result)).toEqual(['answer 1'])
    const transcript = ['user: Hi.', 'assistant: answer 0', 'user: Go on!', 'assistant: answer 1']
    expect(messagesOf(agent)).toEqual(transcript)
    expect(messagesOf(await session.restored())).toEqual(transcript)
    expect(textOf(await session.agent([]).invoke('Hi.', event('event-1')))).toEqual(['answer 1'])
  })

  test('is the same for the same object of a caller that invokes twice', async () => {
    const session = testSession(table)
    const state = event('event-1')
    const model = new ScriptedModel(answers('Yes.'))
    const agent = session.agent(model)
    await agent.invoke('Hi.', state)
    expect(textOf(await agent.invoke('Hi.', state))).toEqual(['Yes.'])
    expect(model.calls).toHaveLength(1)
  })

  test('costs one write at the end of the turn', async () => {
    const writes: number[] = []
    for (const options of [{}, event('event-1')]) {
      const session = testSession(table)
      let units = 0
      const onCapacity = ({ writeUnits }: { writeUnits: number }): void => {
        units += writeUnits
      }
      const manager = { onCapacity }
      const agent = session.agent(always('Yes.'), { manager })
      await agent.invoke('Hi.')
      units = 0
      await agent.invoke('Hi again.', options)
      writes.push(units)
    }
    expect(writes).toEqual([2, 3])
  })

  test('leaves nothing behind where there is none', async () => {
    const session = testSession(table)
    await session.agent(always('Yes.')).invoke('Hi.')
    expect((await session.items()).filter(({ sk }) => sk.includes('#turn#'))).toEqual([])
  })
})
