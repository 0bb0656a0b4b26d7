/** Agents that are behind load what others have added before their turn starts. */

import { SessionConflictError } from 'strands-session-dynamodb'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ScriptedModel } from './support/scripted-model.ts'
import { createTestTable, type TestTable } from './support/table.ts'
import { always, messagesOf, testSession } from './support/test-session.ts'

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
