/** Two writers on one session: the slower one learns it before the model is called, and overwrites nothing. */

import { type Agent, SlidingWindowConversationManager } from '@strands-agents/sdk'
import { AnswerNotSavedError, listSessions, SessionConflictError } from 'strands-session-dynamodb'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { faultyClient, INJECTED_ERROR, onlyOnce } from './support/faults.ts'
import { ScriptedModel } from './support/scripted-model.ts'
import { messagesIn } from './support/stored-items.ts'
import { createTestTable, type TestTable } from './support/table.ts'
import { always, answers, messagesOf, testSession } from './support/test-session.ts'

let table: TestTable

beforeAll(async () => {
  table = await createTestTable()
})

afterAll(() => table.drop())

/** Without turn exclusion a conflict is an error; with it the slower one catches up, which turns.test.ts shows. */
const optimistic = { turnExclusion: false }

describe('the slower of two writers', () => {
  test('fails at its user message, before the model is called', async () => {
    const session = testSession(table, optimistic)
    await session.agent(answers('Hello.')).invoke('Hi.')
    const model = new ScriptedModel(answers('never said'))
    const [faster, slower] = [session.agent(answers('Yes.')), session.agent(model)]
    await Promise.all([faster.initialize(), slower.initialize()])
    await faster.invoke('Faster?')

    const error = await slower.invoke('Slower?').catch((thrown: unknown) => thrown)

    expect(error).toBeInstanceOf(SessionConflictError)
    expect(error).toMatchObject({
      sessionId: session.sessionId,
      scopeId: 'agent',
      key: 'agent#agent#msg#0000000003',
      expected: 'a free sequence number',
      actual: expect.stringMatching(/^written by /),
      message: expect.stringContaining('Restore the session'),
    })
    expect(model.calls).toEqual([])
    expect(messagesOf(await session.restored())).toEqual(messagesOf(faster))
  })

  test('fails when both start the session', async () => {
    const session = testSession(table, optimistic)
    const [faster, slower] = [session.agent(answers('Yes.')), session.agent(answers('never said'))]
    await Promise.all([faster.initialize(), slower.initialize()])
    await faster.invoke('Faster?')
    await expect(slower.invoke('Slower?')).rejects.toThrow(SessionConflictError)
    expect(messagesOf(await session.restored())).toEqual(['user: Faster?', 'assistant: Yes.'])
  })

  test('fails when it only changed state', async () => {
    const session = testSession(table)
    await session.agent(answers('Hello.')).invoke('Hi.')
    const [fasterManager, slowerManager] = [session.manager(), session.manager()]
    const faster = await session.restored({ manager: fasterManager })
    const slower = await session.restored({ manager: slowerManager })
    faster.appState.set('by', 'faster')
    await fasterManager.saveSnapshot({ target: faster, isLatest: true })
    slower.appState.set('by', 'slower')
    await expect(slowerManager.saveSnapshot({ target: slower, isLatest: true })).rejects.toThrow(SessionConflictError)
    expect((await session.restored()).appState.get('by')).toBe('faster')
  })

  test('fails when it trims, also in an invocation that adds nothing', async () => {
    const session = testSession(table)
    await session.agent(always('Yes.')).invoke('1?')
    const small = { conversationManager: new SlidingWindowConversationManager({ windowSize: 2 }) }
    const [fasterManager, slowerManager] = [session.manager(), session.manager()]
    const faster = session.agent(always('Yes.'), { manager: fasterManager, ...small })
    const slower = await session.restored({ manager: slowerManager })
    await faster.invoke('2?')
    slower.messages.splice(0, 1)
    await expect(slowerManager.saveSnapshot({ target: slower, isLatest: true })).rejects.toThrow(SessionConflictError)
    expect(messagesOf(await session.restored())).toEqual(['user: 2?', 'assistant: Yes.'])
  })

  test('saves nothing more until it has restored the session, and then goes on', async () => {
    const session = testSession(table, optimistic)
    await session.agent(answers('Hello.')).invoke('Hi.')
    const manager = session.manager()
    const slower = session.agent(answers('never said', 'Second time.'), { manager })
    await slower.initialize()
    await session.agent(answers('Yes.')).invoke('Faster?')
    await expect(slower.invoke('Slower?')).rejects.toThrow(SessionConflictError)
    await expect(slower.invoke('Slower still?')).rejects.toThrow(SessionConflictError)

    await manager.restoreSnapshot({ target: slower })
    await slower.invoke('Slower again?')

    const transcript = ['user: Hi.', 'assistant: Hello.', 'user: Faster?', 'assistant: Yes.', 'user: Slower again?']
    expect(messagesOf(await session.restored()).slice(0, -1)).toEqual(transcript)
    expect(messagesIn(await session.items())).toHaveLength(6)
  })
})

test('of many writers at once, each turn that was acknowledged is in the session, once and in one piece', async () => {
  const session = testSession(table, optimistic)
  await session.agent(answers('Hello.')).invoke('Hi.')
  const acknowledged: string[] = []
  const write = async (writer: number): Promise<void> => {
    for (let turn = 0; turn < 4; turn++) {
      const question = `${writer}/${turn}?`
      while (!acknowledged.includes(question)) {
        try {
          await session.agent(answers(`answer to ${question}`)).invoke(question)
          acknowledged.push(question)
        } catch (error) {
          // A writer that was overtaken in the middle of its turn still has its answer.
          expect(error instanceof AnswerNotSavedError ? error.cause : error).toBeInstanceOf(SessionConflictError)
        }
      }
    }
  }
  await Promise.all([0, 1, 2, 3].map(write))

  const messages = messagesOf(
    await session.restored({ conversationManager: new SlidingWindowConversationManager() }),
  ).slice(2)
  const turns = messages
    .filter((message) => message.startsWith('assistant: '))
    .map((each) => each.replace('assistant: answer to ', ''))
  expect(turns.toSorted()).toEqual(acknowledged.toSorted())
  for (const turn of turns) {
    expect(messages[messages.indexOf(`assistant: answer to ${turn}`) - 1]).toBe(`user: ${turn}`)
  }
})

describe('a writer from before a deletion', () => {
  const writes = [
    ['a message', (agent: Agent) => void agent.messages.push(agent.messages[0] ?? expect.fail())],
    ['the state', (agent: Agent) => agent.appState.set('by', 'the late writer')],
    ['the window', (agent: Agent) => void agent.messages.splice(0, 1)],
  ] as const

  test.each(writes)('cannot write %s into the session that was started since', async (what, change) => {
    const session = testSession(table)
    const lateManager = session.manager()
    const late = session.agent(answers('Old.'), { manager: lateManager })
    await late.invoke('Old?')
    await session.manager().deleteSession()
    const next = session.agent(answers('New.'))
    await next.invoke('New?')

    change(late)
    const saving = lateManager.saveSnapshot({ target: late, isLatest: true })
    // A message goes to a row that nobody has; no reader takes it for one of the new session.
    if (what === 'a message') await saving
    else await expect(saving).rejects.toThrow(SessionConflictError)

    const restored = await session.restored()
    expect(messagesOf(restored)).toEqual(['user: New?', 'assistant: New.'])
    expect(restored.appState.getAll()).toEqual({})
  })

  test.each(writes)('does not bring the deleted session back with %s', async (_what, change) => {
    const session = testSession(table)
    const lateManager = session.manager()
    const late = session.agent(answers('Old.'), { manager: lateManager })
    await late.invoke('Old?')
    await session.manager().deleteSession()

    change(late)
    await lateManager.saveSnapshot({ target: late, isLatest: true }).catch((error: unknown) => {
      expect(error).toBeInstanceOf(SessionConflictError)
    })

    expect(messagesOf(await session.restored())).toEqual([])
    await session.agent(answers('New.')).invoke('New?')
    expect(messagesOf(await session.restored())).toEqual(['user: New?', 'assistant: New.'])
  })
})

test('a late writer does not bring a deleted session back into the list, however late it is', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  const owner = crypto.randomUUID()
  const session = testSession(table, { owner })
  const lateManager = session.manager()
  const late = session.agent(always('Yes.'), { manager: lateManager })
  await late.invoke('Old?')
  await session.manager().deleteSession()

  vi.setSystemTime(Date.now() + 3_600_000)
  await late.invoke('Still there?').catch((error: unknown) => expect(error).toBeInstanceOf(SessionConflictError))
  vi.useRealTimers()

  expect(await session.manager().findSession()).toBeUndefined()
  const { tableName, client } = table
  expect(await listSessions({ tableName, client, owner })).toEqual({ sessions: [] })
})

describe('two agents of one id that share a manager', () => {
  test('do not overwrite each other: the slower one fails', async () => {
    const session = testSession(table, optimistic)
    const manager = session.manager()
    const [faster, slower] = [session.agent(answers('Yes.'), { manager }), session.agent(answers('No.'), { manager })]
    await Promise.all([faster.initialize(), slower.initialize()])
    await faster.invoke('Faster?')
    await expect(slower.invoke('Slower?')).rejects.toThrow(SessionConflictError)
    expect(messagesOf(await session.restored())).toEqual(['user: Faster?', 'assistant: Yes.'])
  })

  test('may follow each other, as in a process that makes an agent for each request', async () => {
    const session = testSession(table)
    const manager = session.manager()
    for (const question of ['1?', '2?', '3?']) await session.agent(always('Yes.'), { manager }).invoke(question)
    expect(messagesOf(await session.restored())).toHaveLength(6)
  })
})

describe('a writer whose request was carried out although its answer was lost', () => {
  const requests = [
    ['the first save', 'TransactWriteItems', ''],
    ['a message', 'PutItem', '#msg#0000000003'],
    ['the state', 'PutItem', '#msg#state'],
    ['the head', 'PutItem', '#msg#head'],
  ] as const

  test.each(requests)('does not notice when the AWS SDK sends it again: %s', async (_what, operation, key) => {
    const faulty = faultyClient()
    const session = testSession(table, { client: faulty.client })
    const conversationManager = new SlidingWindowConversationManager({ windowSize: 2 })
    const agent = session.agent(always('Yes.'), { conversationManager })
    let sent = 0
    faulty.decide((request) => {
      if (request.operation !== operation || !request.text.includes(key)) return undefined
      sent += 1
      return 'is sent twice'
    })
    for (const turn of [1, 2, 3]) {
      agent.appState.set('turn', turn)
      await agent.invoke(`${turn}?`)
    }
    expect(sent).toBeGreaterThan(0)
    const restored = await session.restored()
    expect(restored.messages).toEqual(agent.messages)
    expect(restored.appState.getAll()).toEqual({ turn: 3 })
    faulty.close()
  })

  test.each(requests)('meets its own write and goes on: %s', async (_what, operation, key) => {
    const faulty = faultyClient()
    const session = testSession(table, { client: faulty.client })
    const conversationManager = new SlidingWindowConversationManager({ windowSize: 2 })
    const agent = session.agent(always('Yes.'), { conversationManager })
    agent.appState.set('turn', 0)
    faulty.decide(
      onlyOnce('loses its answer', (request) => request.operation === operation && request.text.includes(key)),
    )

    const outcomes: unknown[] = []
    for (const turn of [1, 2, 3]) {
      agent.appState.set('turn', turn)
      outcomes.push(
        await agent.invoke(`${turn}?`).then(
          () => 'done',
          (error: unknown) => error,
        ),
      )
    }

    const failed = outcomes.filter((outcome) => outcome !== 'done')
    // The head is written at the end of a turn, when the model has answered.
    const failure = { cause: { name: INJECTED_ERROR } }
    expect(failed).toMatchObject([key === '#msg#head' ? { name: 'AnswerNotSavedError', cause: failure } : failure])
    const restored = await session.restored()
    expect(restored.messages).toEqual(agent.messages)
    expect(restored.appState.getAll()).toEqual({ turn: 3 })
    faulty.close()
  })
})
