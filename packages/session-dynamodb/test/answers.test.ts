/** An answer that the model gave is not thrown away when it cannot be stored. */

import { AfterInvocationEvent, AfterModelCallEvent } from '@strands-agents/sdk'
import { AnswerNotSavedError, SessionConflictError, TableRequestError } from 'strands-session-dynamodb'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FaultyClient, faultyClient, INJECTED_ERROR, type PendingRequest } from './support/faults.ts'
import { rejectionOf } from './support/mocked-client.ts'
import { ScriptedModel } from './support/scripted-model.ts'
import { messagesIn } from './support/stored-items.ts'
import { createTestTable, type TestTable } from './support/table.ts'
import { always, answers, messagesOf, testSession, toolNamed } from './support/test-session.ts'

let table: TestTable
let faulty: FaultyClient

beforeAll(async () => {
  table = await createTestTable()
  faulty = faultyClient()
})

afterAll(async () => {
  faulty.close()
  await table.drop()
})

/** Fails every attempt to store the answer, or whatever else the request's text holds. */
const failing = (text: string): void =>
  faulty.decide(({ operation, text: request }: PendingRequest) =>
    operation === 'PutItem' && request.includes(text) ? 'fails' : undefined,
  )

const secret = 'The answer is 42.'

describe('an answer that cannot be stored', () => {
  test('is in the error that the caller gets', async () => {
    const session = testSession(table, { client: faulty.client })
    const agent = session.agent(answers('Hello.', secret))
    await agent.invoke('Hi.')
    failing(secret)

    const error = await rejectionOf(agent.invoke('What is the answer?'))

    expect(error).toBeInstanceOf(AnswerNotSavedError)
    expect(error).toMatchObject({
      sessionId: session.sessionId,
      answer: { role: 'assistant', content: [{ text: secret }] },
      cause: { name: 'TableRequestError', cause: { name: INJECTED_ERROR } },
    })
    expect(String(error)).not.toContain(secret)
    expect((error as Error).cause).toBeInstanceOf(TableRequestError)
    expect(messagesOf(agent).at(-1)).toBe(`assistant: ${secret}`)
    faulty.heal()
  })

  test('is handed over when the caller would rather have it', async () => {
    const reported: AnswerNotSavedError[] = []
    const onAnswerNotSaved = (error: AnswerNotSavedError): void => void reported.push(error)
    const session = testSession(table, { client: faulty.client, onAnswerNotSaved })
    const agent = session.agent(answers(secret))
    failing(secret)

    const result = await agent.invoke('What is the answer?')

    expect(result.stopReason).toBe('endTurn')
    expect(result.lastMessage.content).toMatchObject([{ text: secret }])
    expect(reported).toEqual([expect.any(AnswerNotSavedError)])
    expect(reported[0]?.answer).toBe(agent.messages.at(-1))
    expect(messagesIn(await session.items())).toEqual(['user: What is the answer?'])
    faulty.heal()
  })

  test.each(['message', 'invocation'] as const)(
    'is stored by the next save, with saveLatestOn: %s',
    async (saveLatestOn) => {
      const session = testSession(table, { client: faulty.client, saveLatestOn, onAnswerNotSaved: () => undefined })
      const agent = session.agent(answers(secret, 'You are welcome.'))
      failing(secret)
      await agent.invoke('What is the answer?')
      faulty.heal()
      await agent.invoke('Thanks.')
      const transcript = [
        'user: What is the answer?',
        `assistant: ${secret}`,
        'user: Thanks.',
        'assistant: You are welcome.',
      ]
      expect(messagesIn(await session.items())).toEqual(transcript)
      expect((await session.restored()).messages).toEqual(agent.messages)
    },
  )

  test('is stored by a save of its caller', async () => {
    const session = testSession(table, { client: faulty.client })
    const manager = session.manager()
    const agent = session.agent(answers(secret), { manager })
    failing(secret)
    await rejectionOf(agent.invoke('What is the answer?'))
    faulty.heal()
    await manager.saveSnapshot({ target: agent, isLatest: true })
    expect((await session.restored()).messages).toEqual(agent.messages)
    await session.agent(answers('Yes.'), { manager: { turnWaitMs: 0 } }).invoke('Anyone?')
  })

  test('is stored at the end of the turn when only the first attempt failed', async () => {
    const session = testSession(table, { client: faulty.client })
    const agent = session.agent(answers(secret))
    let attempts = 0
    faulty.decide(({ operation, text }) =>
      operation === 'PutItem' && text.includes(secret) && ++attempts === 1 ? 'fails' : undefined,
    )
    expect((await agent.invoke('What is the answer?')).stopReason).toBe('endTurn')
    expect(attempts).toBe(2)
    faulty.heal()
    expect((await session.restored()).messages).toEqual(agent.messages)
  })

  test('after the use of a tool is in the error, and what was stored before stays', async () => {
    const session = testSession(table, { client: faulty.client })
    const agent = session.agent([{ toolUses: [{ name: 'look', input: {} }] }, { text: secret }], {
      tools: [toolNamed('look', () => 'a thing')],
    })
    failing(secret)
    expect(await rejectionOf(agent.invoke('Look!'))).toMatchObject({ answer: { content: [{ text: secret }] } })
    faulty.heal()
    expect(messagesIn(await session.items())).toEqual(['user: Look!', 'assistant: toolUse', 'user: toolResult'])
  })

  test('because the window of the turn could not be written is in the error too', async () => {
    const session = testSession(table, { client: faulty.client })
    const agent = session.agent(always(secret))
    await agent.invoke('Hi.')
    agent.addHook(AfterInvocationEvent, () => agent.appState.set('turn', 2))
    failing('#msg#state"')
    expect(await rejectionOf(agent.invoke('What is the answer?'))).toMatchObject({
      name: 'AnswerNotSavedError',
      answer: { content: [{ text: secret }] },
    })
    faulty.heal()
    await agent.invoke('Again?')
    const restored = await session.restored()
    expect(restored.messages).toEqual(agent.messages)
    expect(restored.appState.getAll()).toEqual({ turn: 2 })
  })

  test('because another writer has taken over is in the error, with the conflict', async () => {
    const session = testSession(table, { turnExclusion: false })
    await session.agent(answers('Hello.')).invoke('Hi.')
    const agent = session.agent(answers(secret))
    agent.addHook(AfterModelCallEvent, async () => {
      await session.agent(answers('Faster.')).invoke('Faster?')
    })
    expect(await rejectionOf(agent.invoke('What is the answer?'))).toMatchObject({
      answer: { content: [{ text: secret }] },
      cause: expect.any(SessionConflictError),
    })
    expect(messagesOf(await session.restored()).slice(-2)).toEqual(['user: Faster?', 'assistant: Faster.'])
  })
})

describe('a snapshot trigger whose snapshot cannot be stored', () => {
  const snapshots = (): void =>
    faulty.decide(({ operation, text }) => (operation !== 'Query' && /#snapshot#/.test(text) ? 'fails' : undefined))

  test('rejects with the answer', async () => {
    const session = testSession(table, { client: faulty.client, snapshotTrigger: () => true })
    const agent = session.agent(answers(secret))
    snapshots()
    expect(await rejectionOf(agent.invoke('What is the answer?'))).toMatchObject({
      name: 'AnswerNotSavedError',
      answer: { content: [{ text: secret }] },
      cause: { name: 'TableRequestError' },
    })
    faulty.heal()
    // The latest snapshot is another matter: it is stored.
    expect((await session.restored()).messages).toEqual(agent.messages)
  })

  test('hands the answer over, once, to those who want it', async () => {
    const reported: AnswerNotSavedError[] = []
    const session = testSession(table, {
      client: faulty.client,
      snapshotTrigger: () => true,
      onAnswerNotSaved: (error) => void reported.push(error),
    })
    const agent = session.agent(answers(secret))
    snapshots()
    expect((await agent.invoke('What is the answer?')).lastMessage.content).toMatchObject([{ text: secret }])
    expect(reported).toHaveLength(1)
    faulty.heal()
    expect((await session.restored()).messages).toEqual(agent.messages)
  })

  test('that throws itself is an error like any other, with the answer', async () => {
    const session = testSession(table, {
      snapshotTrigger: () => {
        throw new Error('not my day')
      },
    })
    const error = await rejectionOf(session.agent(answers(secret)).invoke('What is the answer?'))
    expect(error).toMatchObject({ answer: { content: [{ text: secret }] }, cause: { message: 'not my day' } })
    expect(messagesOf(await session.restored())).toHaveLength(2)
  })
})

describe('an error of the model', () => {
  test('is not hidden by a save that fails', async () => {
    const logged: unknown[] = []
    const logger = {
      debug: () => {},
      info: () => {},
      warn: () => {},
      error: (...args: unknown[]) => void logged.push(args),
    }
    const session = testSession(table, { client: faulty.client, logger })
    const agent = session.agent((call) => (call === 0 ? { text: 'Hello.' } : { error: new Error('overloaded') }))
    await agent.invoke('Hi.')
    agent.addHook(AfterModelCallEvent, () => {
      agent.appState.set('model', 'called')
      faulty.decide(({ operation }) => (operation === 'PutItem' ? 'fails' : undefined))
    })
    await expect(agent.invoke('What is the answer?')).rejects.toThrow('overloaded')
    expect(JSON.stringify(logged)).toContain('TableRequestError')
    expect(JSON.stringify(logged)).not.toContain('What is the answer?')
    faulty.heal()
  })

  test('is not hidden by a conflict', async () => {
    const session = testSession(table, { turnExclusion: false })
    const agent = session.agent([{ error: new Error('overloaded') }])
    agent.addHook(AfterModelCallEvent, async () => {
      await session.agent(answers('Faster.')).invoke('Faster?')
      agent.appState.set('model', 'called')
    })
    await expect(agent.invoke('What is the answer?')).rejects.toThrow('overloaded')
  })

  test('that was retried with success does not hide that the answer was not stored', async () => {
    const session = testSession(table, { client: faulty.client })
    const model = new ScriptedModel((call) => (call === 0 ? { error: new Error('overloaded') } : { text: secret }))
    const agent = session.agent(model)
    agent.addHook(AfterModelCallEvent, (event) => {
      if (event.error !== undefined) event.retry = true
    })
    failing(secret)
    expect(await rejectionOf(agent.invoke('What is the answer?'))).toBeInstanceOf(AnswerNotSavedError)
    expect(model.calls).toHaveLength(2)
    faulty.heal()
  })
})

describe('a save that fails before the model was called', () => {
  test('is an error of its own, and the message is not part of the conversation', async () => {
    const session = testSession(table, { client: faulty.client })
    const model = new ScriptedModel(answers('Hello.', 'Yes.'))
    const agent = session.agent(model)
    await agent.invoke('Hi.')
    failing('Lost?')
    const error = await rejectionOf(agent.invoke('Lost?'))
    expect(error).toBeInstanceOf(TableRequestError)
    expect(model.calls).toHaveLength(1)
    faulty.heal()
    await agent.invoke('Anyone?')
    expect(messagesOf(await session.restored())).toEqual([
      'user: Hi.',
      'assistant: Hello.',
      'user: Anyone?',
      'assistant: Yes.',
    ])
  })
})
