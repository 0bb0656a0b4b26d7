/** Two writers on one session: the slower one learns it before the model is called, and overwrites nothing. */

import { SlidingWindowConversationManager } from '@strands-agents/sdk'
import { AnswerNotSavedError, SessionConflictError } from 'strands-session-dynamodb'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ScriptedModel } from './support/scripted-model.ts'
import { messagesIn } from './support/stored-items.ts'
import { createTestTable, type TestTable } from './support/table.ts'
import { always, answers, messagesOf, type TestAgentConfig, testSession } from './support/test-session.ts'

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
  // Without a repair, so that the log holds what the writers have said and nothing else.
  const session = testSession(table, { ...optimistic, repair: 'off' })
  const large = (): Pick<TestAgentConfig, 'conversationManager'> => ({
    conversationManager: new SlidingWindowConversationManager({ windowSize: 1000 }),
  })
  await session.agent(answers('Hello.')).invoke('Hi.')
  const acknowledged: string[] = []
  const write = async (writer: number): Promise<void> => {
    for (let turn = 0; turn < 4; turn++) {
      const question = `${writer}/${turn}?`
      while (!acknowledged.includes(question)) {
        try {
          await session.agent(answers(`answer to ${question}`), large()).invoke(question)
          acknowledged.push(question)
        } catch (error) {
          // A writer that was overtaken in the middle of its turn still has its answer.
          expect(error instanceof AnswerNotSavedError ? error.cause : error).toBeInstanceOf(SessionConflictError)
        }
      }
    }
  }
  await Promise.all([0, 1, 2, 3].map(write))

  const messages = messagesOf(await session.restored(large())).slice(2)
  const turns = messages
    .filter((message) => message.startsWith('assistant: '))
    .map((each) => each.replace('assistant: answer to ', ''))
  expect(turns.toSorted()).toEqual(acknowledged.toSorted())
  for (const turn of turns) {
    expect(messages[messages.indexOf(`assistant: answer to ${turn}`) - 1]).toBe(`user: ${turn}`)
  }
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
