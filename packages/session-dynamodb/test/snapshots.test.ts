/** Immutable snapshots: taken by trigger or by hand, listed page by page, restored anywhere, and never changed. */

import { SlidingWindowConversationManager, type Snapshot, TextBlock } from '@strands-agents/sdk'
import { DynamoDBSnapshotStorage } from 'strands-session-dynamodb'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { noise } from './support/noise.ts'
import { countRequests, createTestTable, type TestTable } from './support/table.ts'
import { always, answers, messagesOf, testSession } from './support/test-session.ts'

let table: TestTable

beforeAll(async () => {
  table = await createTestTable()
})

afterAll(() => table.drop())

const everyTurn = { snapshotTrigger: () => true }

describe('snapshotTrigger', () => {
  test.each(['message', 'invocation', 'trigger'] as const)("works with saveLatestOn: '%s'", async (saveLatestOn) => {
    const session = testSession(table)
    const manager = session.manager({ saveLatestOn, ...everyTurn })
    const agent = session.agent(always('Yes.'), { manager })
    for (const question of ['1?', '2?', '3?']) await agent.invoke(question)

    const ids = await manager.listSnapshotIds({ target: agent })
    expect(ids).toHaveLength(3)
    expect(messagesOf(await session.restored())).toEqual(messagesOf(agent))
    const lengths: number[] = []
    for (const snapshotId of ids) {
      const restored = await session.restored()
      expect(await session.manager().restoreSnapshot({ target: restored, snapshotId })).toBe(true)
      lengths.push(restored.messages.length)
    }
    expect(lengths).toEqual([2, 4, 6])
  })
})

describe('listSnapshotIds()', () => {
  test('lists the oldest first, page by page, and reads no more than that', async () => {
    const session = testSession(table)
    const manager = session.manager(everyTurn)
    const agent = session.agent(always(noise(10_000)), { manager })
    for (let turn = 0; turn < 7; turn++) await agent.invoke(`${turn}?`)

    const all = await manager.listSnapshotIds({ target: agent })
    expect(all).toEqual(all.toSorted())
    const pages: string[][] = []
    const counter = countRequests(table.client)
    do {
      const startAfter = pages.at(-1)?.at(-1)
      pages.push(
        await manager.listSnapshotIds({ target: agent, limit: 3, ...(startAfter !== undefined && { startAfter }) }),
      )
    } while (pages.at(-1)?.length !== 0)
    expect(pages.map((page) => page.length)).toEqual([3, 3, 1, 0])
    expect(pages.flat()).toEqual(all)
    // A page costs what its marks do, a few hundred bytes each, and not what the snapshots hold.
    const used = counter.reset().map(({ operation, readUnits }) => [operation, readUnits])
    expect(used).toEqual(pages.map((page) => ['Query', page.length === 0 ? 0 : 1]))
    table.client.middlewareStack.remove('countRequests')
    expect(await manager.listSnapshotIds({ target: agent, limit: 0 })).toEqual([])
  })

  test('knows the snapshots of one agent only', async () => {
    const session = testSession(table)
    const manager = session.manager(everyTurn)
    await session.agent(answers('Yes.'), { manager, id: 'a' }).invoke('1?')
    const other = session.agent(answers('Yes.'), { id: 'a#snapshot#x' })
    await other.initialize()
    expect(await manager.listSnapshotIds({ target: other })).toEqual([])
  })
})

describe('restoreSnapshot()', () => {
  test('takes an agent back, all of it, and the session goes on from there', async () => {
    const session = testSession(table)
    const manager = session.manager(everyTurn)
    const agent = session.agent(always('Yes.'), { manager, systemPrompt: 'first' })
    agent.appState.set('turn', 1)
    await agent.invoke('1?')
    agent.appState.set('turn', 2)
    agent.systemPrompt = 'second'
    await agent.invoke('2?')

    const [snapshotId = ''] = await manager.listSnapshotIds({ target: agent })
    await manager.restoreSnapshot({ target: agent, snapshotId })
    expect([messagesOf(agent), agent.appState.get('turn'), agent.systemPrompt]).toEqual([
      ['user: 1?', 'assistant: Yes.'],
      1,
      'first',
    ])
    await agent.invoke('2 again?')

    const resumed = await session.restored()
    expect(messagesOf(resumed)).toEqual(['user: 1?', 'assistant: Yes.', 'user: 2 again?', 'assistant: Yes.'])
    expect(resumed.appState.get('turn')).toBe(1)
    expect(await manager.listSnapshotIds({ target: agent })).toHaveLength(3)
  })

  test('works in another process, also for messages that the window has long lost', async () => {
    const session = testSession(table)
    const conversationManager = (): SlidingWindowConversationManager =>
      new SlidingWindowConversationManager({ windowSize: 2 })
    const first = session.agent(always('Yes.'), { manager: everyTurn, conversationManager: conversationManager() })
    for (let turn = 0; turn < 12; turn++) await first.invoke(`${turn}?`)

    const manager = session.manager({ windowSize: 2 })
    const agent = session.agent(always('Again.'), { manager, conversationManager: conversationManager() })
    await agent.initialize()
    const [snapshotId = ''] = await manager.listSnapshotIds({ target: agent })
    await manager.restoreSnapshot({ target: agent, snapshotId })
    expect(messagesOf(agent)).toEqual(['user: 0?', 'assistant: Yes.'])
    await agent.invoke('Now?')
    expect(messagesOf(await session.restored({ manager: { windowSize: 2 } }))).toEqual([
      'user: Now?',
      'assistant: Again.',
    ])
  })

  test('says false for an id that is not there, and leaves the agent alone', async () => {
    const session = testSession(table)
    const manager = session.manager()
    const agent = session.agent(answers('Yes.'), { manager })
    await agent.invoke('1?')
    expect(await manager.restoreSnapshot({ target: agent, snapshotId: crypto.randomUUID() })).toBe(false)
    expect(messagesOf(agent)).toHaveLength(2)
  })
})

describe('an immutable snapshot', () => {
  test('does not change when its messages are edited, trimmed, pinned or replaced', async () => {
    const session = testSession(table)
    const manager = session.manager()
    const agent = session.agent(always('Yes.'), { manager })
    await agent.invoke('1?')
    await agent.invoke('2?')
    await manager.saveSnapshot({ target: agent, isLatest: false })
    const before = messagesOf(agent)

    const [first, , third] = agent.messages
    first?.content.splice(0, 1, new TextBlock('edited'))
    if (third !== undefined) third.metadata = { custom: { pinned: true } }
    await manager.saveSnapshot({ target: agent, isLatest: true })
    agent.messages.splice(0, 3)
    await agent.invoke('3?')

    const restored = await session.restored()
    const [snapshotId = ''] = await manager.listSnapshotIds({ target: agent })
    await session.manager().restoreSnapshot({ target: restored, snapshotId })
    expect(messagesOf(restored)).toEqual(before)
    expect(restored.messages[2]?.metadata).toBeUndefined()
  })

  test('can be the first thing that is saved, and is not the latest', async () => {
    const session = testSession(table)
    const manager = session.manager({ saveLatestOn: 'trigger' })
    const agent = session.agent(answers('Yes.'), { manager })
    await agent.invoke('1?')
    await manager.saveSnapshot({ target: agent, isLatest: false })
    const restored = await session.restored()
    expect(messagesOf(restored)).toEqual([])
    const [snapshotId = ''] = await manager.listSnapshotIds({ target: restored })
    expect(await manager.restoreSnapshot({ target: restored, snapshotId })).toBe(true)
    expect(messagesOf(restored)).toEqual(['user: 1?', 'assistant: Yes.'])
  })

  test('may have any id, and holds whatever the application put in', async () => {
    const { tableName, client } = table
    const location = { sessionId: crypto.randomUUID(), scope: 'multiAgent', scopeId: 'мой граф #1' } as const
    const storage = new DynamoDBSnapshotStorage({ tableName, client })
    const ids = ['latest', 'UPPER', 'a b', '#', 'a#part#b', '%', '日本語', '../..', 'x'.repeat(256)]
    const snapshotOf = (id: string): Snapshot => ({
      scope: 'multiAgent',
      schemaVersion: '1.0',
      createdAt: new Date(0).toISOString(),
      data: { orchestratorId: id, state: { nested: [{ deep: null }] } },
      appData: { [id]: { 'key of the application': [1, 'two', null] } },
    })
    for (const snapshotId of ids) {
      await storage.saveSnapshot({ location, snapshotId, isLatest: false, snapshot: snapshotOf(snapshotId) })
    }
    const reader = new DynamoDBSnapshotStorage({ tableName, client })
    expect((await reader.listSnapshotIds({ location })).toSorted()).toEqual(ids.toSorted())
    for (const snapshotId of ids) {
      expect(await reader.loadSnapshot({ location, snapshotId })).toEqual(snapshotOf(snapshotId))
    }
    expect(await reader.loadSnapshot({ location })).toBeNull()
  })
})
