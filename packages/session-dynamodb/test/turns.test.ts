/** One turn at a time: who meets another one's turn waits, or is refused before it costs anything. */

import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { type CapacityUsage, SessionBusyError, SessionConflictError } from 'strands-session-dynamodb'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { atWork, requestsOf, turnOfLook } from './support/active-turn.ts'
import { rejectionOf } from './support/mocked-client.ts'
import { type Script, ScriptedModel } from './support/scripted-model.ts'
import { messagesIn } from './support/stored-items.ts'
import { createTestTable, type TestTable, testClientConfig } from './support/table.ts'
import { always, answers, messagesOf, testSession, toolNamed } from './support/test-session.ts'

let table: TestTable

beforeAll(async () => {
  table = await createTestTable()
})

afterAll(() => table.drop())

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

test('a request ends before its process does', async () => {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => void sockets.add(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = new DynamoDBClient({ ...testClientConfig(), endpoint: `http://127.0.0.1:${port}` })
  const session = testSession(table, { client, getRemainingTimeInMillis: () => 700 })
  const begun = performance.now()
  const error = await rejectionOf(session.agent(answers('never said')).invoke('Anyone?'))
  expect(error).toMatchObject({ name: 'TableRequestError', operation: 'Query' })
  expect(performance.now() - begun).toBeLessThan(5000)
  client.destroy()
  for (const socket of sockets) socket.destroy()
  server.close()
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

test('costs no capacity and no request where no other writer is met', async () => {
  const costOf = async (turnExclusion: boolean): Promise<CapacityUsage[]> => {
    const session = testSession(table)
    const usage: CapacityUsage[] = []
    const manager = { turnExclusion, onCapacity: (each: CapacityUsage) => void usage.push(each) }
    const tools = [toolNamed('look', () => 'a thing')]
    const script: Script = (call) =>
      call % 2 === 0 ? { toolUses: [{ name: 'look', input: {} }] } : { text: 'I saw it.' }
    const warm = session.agent(script, { manager, tools })
    for (let turn = 0; turn < 3; turn++) await warm.invoke('Look!')
    for (let turn = 0; turn < 3; turn++) await session.agent(script, { manager, tools }).invoke('Look!')
    return usage
  }
  const [withExclusion, without] = [await costOf(true), await costOf(false)]
  expect(withExclusion).toEqual(without)
  expect(withExclusion.length).toBeGreaterThan(24)
})
