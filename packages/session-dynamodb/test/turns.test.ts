/** One turn at a time: who meets another one's turn waits, is refused, or takes over what has crashed. */

import type { Agent } from '@strands-agents/sdk'
import {
  AnswerNotSavedError,
  type CapacityUsage,
  type DynamoDBSessionManagerOptions,
  SessionBusyError,
  SessionConflictError,
} from 'strands-session-dynamodb'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Gate, GatedModel, gate } from './support/gate.ts'
import { rejectionOf } from './support/mocked-client.ts'
import { type Script, ScriptedModel } from './support/scripted-model.ts'
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
const lookUp: Script = [{ toolUses: [{ name: 'look', input: {} }] }, { text: 'I saw it.' }]

/** An agent in the middle of a turn. */
interface ActiveTurn {
  readonly agent: Agent
  readonly at: Gate
  /** What becomes of the turn. */
  readonly ended: Promise<unknown>
}

/** Runs a turn until a tool is at work: the user's message is stored, nothing else. */
async function atWork(session: TestSession, manager: Partial<DynamoDBSessionManagerOptions> = {}): Promise<ActiveTurn> {
  const at = gate()
  const agent = session.agent(lookUp, { tools: [toolNamed('look', () => at.pass('a thing'))], manager })
  return follow(agent, at, 'Look!')
}

/** Runs a turn until the model has been asked for the answer. */
async function answering(
  session: TestSession,
  manager: Partial<DynamoDBSessionManagerOptions> = {},
): Promise<ActiveTurn> {
  const at = gate()
  return follow(session.agent(new GatedModel(answers('I think so.'), at), { manager }), at, 'Do you think so?')
}

async function follow(agent: Agent, at: Gate, question: string): Promise<ActiveTurn> {
  const ended = agent.invoke(question)
  // Looked at by the test later, if at all.
  ended.catch(() => undefined)
  await Promise.race([at.reached, ended])
  return { agent, at, ended }
}

/** Counts requests, and tells when as many as a test waits for have been sent. */
function requestsOf(operation: string, count: number) {
  const seen = Promise.withResolvers<void>()
  let left = count
  const onCapacity = (usage: CapacityUsage): void => {
    if (usage.operation === operation && --left === 0) seen.resolve()
  }
  return { onCapacity, seen: seen.promise }
}

const turnOfLook = ['user: Look!', 'assistant: toolUse', 'user: toolResult', 'assistant: I saw it.']

describe('a turn that meets another one, and does not wait', () => {
  test.each(['cold', 'warm'])('is refused before the model is called: a %s agent', async (kind) => {
    const session = testSession(table, { turnWaitMs: 0 })
    await session.agent(answers('Hello.')).invoke('Hi.')
    const model = new ScriptedModel(always('Yes.'))
    const slower = session.agent(model)
    if (kind === 'warm') await slower.initialize()
    const { at, ended } = await atWork(session)

    const error = await rejectionOf(slower.invoke('May I?'))

    expect(error).toBeInstanceOf(SessionBusyError)
    const writer = (await session.items()).find(({ sk }) => sk.endsWith('#msg#0000000003'))?.['writer']
    expect(error).toMatchObject({
      sessionId: session.sessionId,
      scopeId: 'agent',
      writer,
      retryAfterMs: expect.toSatisfy((left: number) => left > 100_000 && left <= 120_000),
      message: expect.stringContaining('busy'),
    })
    expect(model.calls).toEqual([])
    expect(messagesOf(slower)).not.toContain('user: May I?')
    expect(messagesIn(await session.items())).toEqual(['user: Hi.', 'assistant: Hello.', 'user: Look!'])

    at.open()
    await ended
    await slower.invoke('And now?')
    const transcript = ['user: Hi.', 'assistant: Hello.', ...turnOfLook, 'user: And now?', 'assistant: Yes.']
    expect(messagesOf(await session.restored())).toEqual(transcript)
    expect(messagesOf(slower)).toEqual(transcript)
  })

  test('is refused in a session that somebody else is just starting', async () => {
    const session = testSession(table, { turnWaitMs: 0 })
    const slower = session.agent(answers('never said'))
    await slower.initialize()
    const { at, ended } = await atWork(session)
    await expect(slower.invoke('May I?')).rejects.toThrow(SessionBusyError)
    expect(messagesOf(slower)).not.toContain('user: May I?')
    at.open()
    await ended
    expect(messagesOf(await session.restored())).toEqual(turnOfLook)
  })

  test('goes on at once when the other one has ended', async () => {
    const session = testSession(table, { turnWaitMs: 0 })
    const warm = session.agent(always('Yes.'))
    await warm.invoke('1?')
    await session.agent(always('No.')).invoke('2?')
    await warm.invoke('3?')
    const transcript = ['user: 1?', 'assistant: Yes.', 'user: 2?', 'assistant: No.', 'user: 3?', 'assistant: Yes.']
    expect(messagesOf(warm)).toEqual(transcript)
    expect(messagesOf(await session.restored())).toEqual(transcript)
  })

  test('goes on at once when the other one has failed', async () => {
    const session = testSession(table, { turnWaitMs: 0 })
    await expect(session.agent([{ error: new Error('overloaded') }]).invoke('Hi?')).rejects.toThrow('overloaded')
    await session.agent(answers('Yes.')).invoke('Anyone?')
    expect(messagesOf(await session.restored()).slice(-2)).toEqual(['user: Anyone?', 'assistant: Yes.'])
  })

  test('goes on at once when the consumer of the other one has left its stream', async () => {
    const session = testSession(table, { turnWaitMs: 0 })
    for await (const event of session.agent(answers('Half.')).stream('Hi?')) {
      if (event.type === 'modelStreamUpdateEvent') break
    }
    await session.agent(answers('Yes.')).invoke('Anyone?')
    expect(messagesOf(await session.restored()).slice(-2)).toEqual(['user: Anyone?', 'assistant: Yes.'])
  })
})

describe('a turn that waits', () => {
  test.each(['cold', 'warm'])(
    'begins when the other one has ended, and knows what it added: a %s agent',
    async (kind) => {
      const session = testSession(table)
      await session.agent(answers('Hello.')).invoke('Hi.')
      const model = new ScriptedModel(answers('Yes.'))
      const polls = requestsOf('Query', kind === 'warm' ? 4 : 3)
      const slower = session.agent(model, { manager: { onCapacity: polls.onCapacity } })
      if (kind === 'warm') await slower.initialize()
      const { at, ended } = await atWork(session)

      const answered = slower.invoke('May I?')
      await polls.seen
      expect(model.calls).toEqual([])
      at.open()
      await Promise.all([ended, answered])

      const transcript = ['user: Hi.', 'assistant: Hello.', ...turnOfLook, 'user: May I?', 'assistant: Yes.']
      expect(messagesOf(slower)).toEqual(transcript)
      expect(messagesOf(await session.restored())).toEqual(transcript)
      expect(model.calls[0]).toContain('I saw it.')
    },
  )

  test('is refused when its time is up', async () => {
    const session = testSession(table)
    const { at, ended } = await atWork(session)
    let polls = 0
    const onCapacity = ({ operation }: CapacityUsage): void => {
      if (operation === 'Query') polls += 1
    }
    const begun = performance.now()
    const slower = session.agent(answers('never said'), { manager: { turnWaitMs: 300, onCapacity } })
    await expect(slower.invoke('May I?')).rejects.toThrow(SessionBusyError)
    expect(performance.now() - begun).toBeGreaterThanOrEqual(290)
    expect(polls).toBeGreaterThan(2)
    at.open()
    await ended
  })

  test('can be cancelled, and adds nothing', async () => {
    const session = testSession(table)
    const { at, ended } = await atWork(session)
    const model = new ScriptedModel(answers('never said'))
    const polls = requestsOf('Query', 2)
    const slower = session.agent(model, { manager: { onCapacity: polls.onCapacity } })
    const waiting = slower.invoke('May I?')
    await polls.seen
    slower.cancel()
    expect(await waiting).toMatchObject({ stopReason: 'cancelled' })
    expect(model.calls).toEqual([])
    expect(messagesIn(await session.items())).toEqual(['user: Look!'])
    at.open()
    await ended
    expect(messagesOf(await session.restored())).toEqual(turnOfLook)
  })

  test('waits no longer than its process has left', async () => {
    const session = testSession(table)
    const { at, ended } = await atWork(session)
    const begun = performance.now()
    const slower = session.agent(answers('never said'), { manager: { getRemainingTimeInMillis: () => 1200 } })
    await expect(slower.invoke('May I?')).rejects.toThrow(SessionBusyError)
    expect(performance.now() - begun).toBeLessThan(10_000)
    at.open()
    await ended
  })
})

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

describe('an agent that is behind', () => {
  test('has the newer messages and the newer state when its turn starts', async () => {
    const session = testSession(table)
    const behind = session.agent(always('Yes.'))
    await behind.invoke('1?')
    const other = session.agent(always('No.'))
    await other.initialize()
    other.appState.set('by', 'the other one')
    await other.invoke('2?')

    await behind.invoke('3?')

    expect(behind.appState.getAll()).toEqual({ by: 'the other one' })
    expect(messagesOf(behind)).toHaveLength(6)
    const restored = await session.restored()
    expect(restored.messages).toEqual(behind.messages)
    expect(restored.appState.getAll()).toEqual({ by: 'the other one' })
  })

  test('keeps what it has changed in its state when nobody else has changed any', async () => {
    const session = testSession(table)
    const behind = session.agent(always('Yes.'))
    await behind.invoke('1?')
    await session.agent(always('No.')).invoke('2?')
    behind.appState.set('mine', 3)
    await behind.invoke('3?')
    expect(behind.appState.getAll()).toEqual({ mine: 3 })
    expect((await session.restored()).appState.getAll()).toEqual({ mine: 3 })
    expect(messagesOf(behind)).toHaveLength(6)
  })

  test('is told when both have changed the state, before the model is called', async () => {
    const session = testSession(table)
    const model = new ScriptedModel(always('Yes.'))
    const behind = session.agent(model)
    await behind.invoke('1?')
    const other = session.agent(always('No.'))
    await other.initialize()
    other.appState.set('theirs', 2)
    await other.invoke('2?')
    behind.appState.set('mine', 3)
    await expect(behind.invoke('3?')).rejects.toThrow(SessionConflictError)
    expect(model.calls).toHaveLength(1)
    const restored = await session.restored()
    expect(restored.appState.getAll()).toEqual({ theirs: 2 })
    expect(messagesOf(restored)).toEqual(messagesOf(other))
  })

  test.each([1, 5, 60])('by %d turns loads them all', async (turns) => {
    const session = testSession(table)
    const behind = session.agent(always('Yes.'))
    await behind.invoke('first?')
    const other = session.agent(always('No.'))
    for (let turn = 0; turn < turns; turn++) await other.invoke(`${turn}?`)
    await behind.invoke('last?')
    expect((await session.restored()).messages).toEqual(behind.messages)
    expect(messagesOf(behind).slice(-4)).toEqual([
      `user: ${turns - 1}?`,
      'assistant: No.',
      'user: last?',
      'assistant: Yes.',
    ])
  })

  test('catches up with what was said while a session was new to both', async () => {
    const session = testSession(table)
    const [one, two] = [session.agent(always('Yes.')), session.agent(always('No.'))]
    await Promise.all([one.initialize(), two.initialize()])
    await one.invoke('1?')
    await two.invoke('2?')
    expect(messagesOf(two)).toEqual(['user: 1?', 'assistant: Yes.', 'user: 2?', 'assistant: No.'])
    expect((await session.restored()).messages).toEqual(two.messages)
  })
})

describe('agents at the same time in one process', () => {
  test.each(['a manager each', 'one manager'])('take turns: with %s', async (kind) => {
    const session = testSession(table)
    const shared = session.manager()
    const agents = [1, 2, 3].map((number) =>
      session.agent(always(`from ${number}`), { manager: kind === 'one manager' ? shared : session.manager() }),
    )
    await Promise.all(
      agents.map(async (agent, index) => {
        for (const turn of [1, 2, 3]) await agent.invoke(`${index + 1}.${turn}?`)
      }),
    )
    const messages = messagesOf(await session.restored())
    expect(messages).toHaveLength(18)
    for (let at = 0; at < messages.length; at += 2) {
      expect(messages[at + 1]).toBe(`assistant: from ${messages[at]?.charAt('user: '.length)}`)
    }
    const ofEach = (number: number): string[] => messages.filter((message) => message.startsWith(`user: ${number}.`))
    for (const number of [1, 2, 3]) {
      expect(ofEach(number)).toEqual([1, 2, 3].map((turn) => `user: ${number}.${turn}?`))
    }
  })

  test('of different ids do not wait for each other', async () => {
    const session = testSession(table, { turnWaitMs: 0 })
    const { at, ended } = await atWork(session)
    await session.agent(answers('Yes.'), { id: 'another' }).invoke('May I?')
    at.open()
    await ended
    expect(messagesOf(await session.restored({ id: 'another' }))).toEqual(['user: May I?', 'assistant: Yes.'])
    expect(messagesOf(await session.restored())).toEqual(turnOfLook)
  })
})

describe('without turn exclusion', () => {
  test('nobody waits: the slower writer has a conflict, and nothing is lost', async () => {
    const session = testSession(table, { turnExclusion: false })
    const { at, ended } = await atWork(session)
    expect((await session.items()).filter((item) => 'until' in item)).toEqual([])
    await session.agent(answers('Yes.')).invoke('Faster?')
    at.open()
    expect(await rejectionOf(ended)).toBeInstanceOf(SessionConflictError)
    expect(messagesOf(await session.restored()).slice(-2)).toEqual(['user: Faster?', 'assistant: Yes.'])
  })

  test('an agent that is behind has a conflict before the model is called', async () => {
    const session = testSession(table, { turnExclusion: false })
    const model = new ScriptedModel(always('Yes.'))
    const behind = session.agent(model)
    await behind.invoke('1?')
    await session.agent(always('No.')).invoke('2?')
    await expect(behind.invoke('3?')).rejects.toThrow(SessionConflictError)
    expect(model.calls).toHaveLength(1)
  })
})

test("with saveLatestOn: 'invocation' a turn shows from its first message on", async () => {
  const session = testSession(table, { saveLatestOn: 'invocation', turnWaitMs: 0 })
  const { at, ended } = await atWork(session)
  expect(messagesIn(await session.items())).toEqual(['user: Look!'])
  await expect(session.agent(answers('never said')).invoke('May I?')).rejects.toThrow(SessionBusyError)
  at.open()
  await ended
  expect(messagesOf(await session.restored())).toEqual(turnOfLook)
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

test('costs no capacity and no request where no other writer is met', async () => {
  const costOf = async (turnExclusion: boolean): Promise<CapacityUsage[]> => {
    const session = testSession(table)
    const usage: CapacityUsage[] = []
    const manager = { turnExclusion, onCapacity: (each: CapacityUsage) => void usage.push(each) }
    const tools = [toolNamed('look', () => 'a thing')]
    const script: Script = (call) => lookUp[call % 2] as { text: string }
    const warm = session.agent(script, { manager, tools })
    for (let turn = 0; turn < 3; turn++) await warm.invoke('Look!')
    for (let turn = 0; turn < 3; turn++) await session.agent(script, { manager, tools }).invoke('Look!')
    return usage
  }
  const [withExclusion, without] = [await costOf(true), await costOf(false)]
  expect(withExclusion).toEqual(without)
  expect(withExclusion.length).toBeGreaterThan(24)
})
