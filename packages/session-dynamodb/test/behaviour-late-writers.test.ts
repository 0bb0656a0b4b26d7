/** Writers that come late, or twice: from before a deletion, or with a request whose answer was lost. */

import { type Agent, SlidingWindowConversationManager } from '@strands-agents/sdk'
import { listSessions, SessionConflictError } from 'strands-session-dynamodb'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { faultyClient, INJECTED_ERROR, onlyOnce } from './support/faults.ts'
import { createTestTable, type TestTable } from './support/table.ts'
import { always, answers, messagesOf, testSession } from './support/test-session.ts'

let table: TestTable

beforeAll(async () => {
  table = await createTestTable()
})

afterAll(() => table.drop())

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
