/** What a new process finds when it resumes a session. */

import { randomUUID } from 'node:crypto'
import { Agent, Message, SessionManager, TextBlock } from '@strands-agents/sdk'
import { DynamoDBSnapshotStorage } from 'strands-session-dynamodb'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ScriptedModel } from './support/scripted-model.ts'
import { createTestTable, type TestTable } from './support/table.ts'
import { answers, messagesOf, testSession, toolNamed } from './support/test-session.ts'

let table: TestTable

beforeAll(async () => {
  table = await createTestTable()
})

afterAll(() => table.drop())

describe('a new agent restores', () => {
  test('messages, and the model sees them', async () => {
    const session = testSession(table)
    const first = session.agent(answers('Hello Ada.'))
    await first.invoke('I am Ada.')

    const model = new ScriptedModel(answers('You are Ada.'))
    const second = session.agent(model)
    await second.invoke('Who am I?')

    expect(JSON.parse(model.calls[0] ?? '')).toMatchObject([
      { role: 'user', content: [{ text: 'I am Ada.' }] },
      { role: 'assistant', content: [{ text: 'Hello Ada.' }] },
      { role: 'user', content: [{ text: 'Who am I?' }] },
    ])
    expect(second.messages.slice(0, 2)).toEqual(first.messages)
  })

  test('all of its state: appState, modelState, system prompt, tool calls and their results', async () => {
    const session = testSession(table)
    const tools = [toolNamed('clock', () => ({ hour: 12 }))]
    const first = session.agent(
      [{ text: 'Let me look.', toolUses: [{ name: 'clock', input: {} }] }, { text: 'Noon.' }],
      {
        tools,
        systemPrompt: 'Tell the time.',
        appState: { unit: 'hours' },
        modelState: { responseId: 'r-1' },
      },
    )
    await first.invoke('What time is it?')

    const second = await session.restored()

    const { createdAt: _, ...restored } = second.takeSnapshot({ preset: 'session' })
    const { createdAt: __, ...original } = first.takeSnapshot({ preset: 'session' })
    expect(restored).toEqual(original)
    expect(restored.data).toMatchObject({
      state: { unit: 'hours' },
      modelState: { responseId: 'r-1' },
      systemPrompt: 'Tell the time.',
      messages: [
        {},
        { content: [{ text: 'Let me look.' }, { toolUse: { name: 'clock' } }] },
        { content: [{ toolResult: {} }] },
        {},
      ],
    })
  })

  test('the session over the messages that it was constructed with', async () => {
    const session = testSession(table)
    await session.agent(answers('Hello.')).invoke('Hi.')
    const messages = [new Message({ role: 'user', content: [new TextBlock('from the constructor')] })]
    const second = await session.restored({ messages })
    expect(messagesOf(second)).toEqual(['user: Hi.', 'assistant: Hello.'])
  })

  test('nothing of other agents and sessions', async () => {
    const session = testSession(table)
    await session.agent(answers('Hello.')).invoke('Hi.')
    expect(messagesOf(await session.restored({ id: 'other' }))).toEqual([])
    expect(messagesOf(await testSession(table).restored())).toEqual([])
  })
})

describe('the system prompt', () => {
  test('of the session wins', async () => {
    const session = testSession(table)
    await session.agent(answers('Hello.'), { systemPrompt: 'old' }).invoke('Hi.')
    expect((await session.restored({ systemPrompt: 'new' })).systemPrompt).toBe('old')
  })

  test('of the constructor wins with restoreSystemPrompt: false, and is the one that is stored next', async () => {
    const session = testSession(table)
    await session.agent(answers('Hello.'), { systemPrompt: 'old', appState: { kept: true } }).invoke('Hi.')

    const second = session.agent(answers('Hello again.'), {
      systemPrompt: 'new',
      manager: { restoreSystemPrompt: false },
    })
    await second.invoke('Hi again.')

    const third = await session.restored()
    expect(third.systemPrompt).toBe('new')
    expect(third.appState.getAll()).toEqual({ kept: true })
    expect(messagesOf(third)).toHaveLength(4)
  })
})

describe('several agents in one session', () => {
  test('keep apart, whatever their ids look like', async () => {
    const session = testSession(table)
    const ids = ['agent', 'a', 'a#msg#head', 'a#msg#0000000001', 'агент 🤖', '%23', '../other', 'A'.repeat(256)]
    for (const id of ids) await session.agent(answers(`I am ${id}.`), { id }).invoke('Who are you?')
    for (const id of ids) {
      expect(messagesOf(await session.restored({ id }))).toEqual(['user: Who are you?', `assistant: I am ${id}.`])
    }
  })
})

describe('a stateful model', () => {
  class StatefulModel extends ScriptedModel {
    override get stateful(): boolean {
      return true
    }
  }

  test('restores its state and no messages, which it holds itself; the log keeps them', async () => {
    const session = testSession(table)
    const first = session.agent(new StatefulModel(answers('Hello.')), { modelState: { responseId: 'r-1' } })
    await first.invoke('Hi.')

    const model = new StatefulModel(answers('Hello again.'))
    const second = session.agent(model)
    await second.invoke('Hi again.')

    expect(model.calls.map((call) => JSON.parse(call))).toMatchObject([
      [{ role: 'user', content: [{ text: 'Hi again.' }] }],
    ])
    expect(second.modelState.getAll()).toEqual({ responseId: 'r-1' })
    const rows = (await session.items()).filter(({ sk }) => /#msg#\d+$/.test(sk))
    expect(rows).toHaveLength(4)
  })
})

test("the SDK's own SessionManager resumes on a DynamoDBSnapshotStorage", async () => {
  const { tableName, client } = table
  const sessionId = randomUUID()
  const agentOf = (model: ScriptedModel): Agent => {
    const storage = { snapshot: new DynamoDBSnapshotStorage({ tableName, client }) }
    return new Agent({ model, printer: false, sessionManager: new SessionManager({ sessionId, storage }) })
  }
  await agentOf(new ScriptedModel(answers('Hello.'))).invoke('Hi.')
  const second = agentOf(new ScriptedModel([]))
  await second.initialize()
  expect(messagesOf(second)).toEqual(['user: Hi.', 'assistant: Hello.'])
})
