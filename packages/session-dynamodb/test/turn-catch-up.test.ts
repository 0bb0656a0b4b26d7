/** Agents that are behind load what others have added before their turn starts. */

import { AfterInvocationEvent, type AgentResult, SlidingWindowConversationManager } from '@strands-agents/sdk'
import { SessionConflictError } from 'strands-session-dynamodb'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { GatedModel, gate } from './support/gate.ts'
import { ScriptedModel } from './support/scripted-model.ts'
import { messagesIn } from './support/stored-items.ts'
import { createTestTable, type TestTable } from './support/table.ts'
import { always, answers, messagesOf, testSession } from './support/test-session.ts'

let table: TestTable

beforeAll(async () => {
  table = await createTestTable()
})

afterAll(() => table.drop())

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

describe('two writers that trim the window, one after the other', () => {
  const small = () => ({ conversationManager: new SlidingWindowConversationManager({ windowSize: 2 }) })

  test('both have their answers: the second one is done before the first one has stored its window', async () => {
    const session = testSession(table)
    await session.agent(answers('Hello.')).invoke('Hi.')
    const first = session.agent(answers('One.'), small())
    first.addHook(AfterInvocationEvent, async () => {
      await session.agent(answers('Two.'), small()).invoke('2?')
    })
    expect((await first.invoke('1?')).stopReason).toBe('endTurn')
    expect(messagesIn(await session.items()).slice(2)).toEqual([
      'user: 1?',
      'assistant: One.',
      'user: 2?',
      'assistant: Two.',
    ])
    expect(messagesOf(await session.restored()).slice(-2)).toEqual(['user: 2?', 'assistant: Two.'])
    await session.agent(answers('Three.'), small()).invoke('3?')
    expect(messagesOf(await session.restored())).toEqual(['user: 3?', 'assistant: Three.'])
  })

  test('both have their answers: the first one stores its window while the second one is at work', async () => {
    const session = testSession(table)
    await session.agent(answers('Hello.')).invoke('Hi.')
    const at = gate()
    const second = session.agent(new GatedModel(answers('Two.'), at), small())
    let answered: Promise<AgentResult> | undefined
    const first = session.agent(answers('One.'), small())
    first.addHook(AfterInvocationEvent, async () => {
      answered = second.invoke('2?')
      answered.catch(() => undefined)
      await at.reached
    })
    await first.invoke('1?')
    at.open()
    expect((await answered)?.stopReason).toBe('endTurn')
    expect(messagesIn(await session.items()).slice(2)).toEqual([
      'user: 1?',
      'assistant: One.',
      'user: 2?',
      'assistant: Two.',
    ])
    expect(messagesOf(await session.restored()).slice(-2)).toEqual(['user: 2?', 'assistant: Two.'])
    await session.agent(answers('Three.'), small()).invoke('3?')
    expect(messagesOf(await session.restored())).toEqual(['user: 3?', 'assistant: Three.'])
  })
})
