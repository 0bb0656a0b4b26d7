/** Retention by need: what neither the window nor a snapshot needs is deleted, and nothing else. */

import { SlidingWindowConversationManager } from '@strands-agents/sdk'
import { InvalidOptionError, SessionConflictError, verifySession } from 'strands-session-dynamodb'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { messagesIn } from './support/stored-items.ts'
import { countRequests, createTestTable, type RequestCounter, sumCapacity, type TestTable } from './support/table.ts'
import { always, messagesOf, type TestSession, testSession } from './support/test-session.ts'

let table: TestTable
let counter: RequestCounter

beforeAll(async () => {
  table = await createTestTable()
  counter = countRequests(table.client)
})

afterAll(() => table.drop())

/** An agent in a process of its own, whose window holds ten messages. */
function agentOf(session: TestSession, manager = session.manager()) {
  const conversationManager = new SlidingWindowConversationManager({ windowSize: 10 })
  return session.agent(always('Yes.'), { manager, conversationManager })
}

async function expectWhole({ sessionId }: TestSession): Promise<void> {
  const { tableName, client } = table
  expect((await verifySession({ sessionId, tableName, client })).problems).toEqual([])
}

const rowsOf = async (session: TestSession): Promise<string[]> => messagesIn(await session.items())

describe("retention: 'window'", () => {
  test('leaves the window and less than 50 rows more, however long the conversation is', async () => {
    const session = testSession(table, { retention: 'window' })
    const agent = agentOf(session)
    let most = 0
    for (let turn = 0; turn < 80; turn++) {
      await agent.invoke(`${turn}?${turn % 20 === 0 ? 'x'.repeat(400_000) : ''}`)
      most = Math.max(most, (await rowsOf(session)).length)
    }
    expect(most).toBeLessThan(10 + 50 + 2)
    expect(messagesOf(await session.restored())).toEqual(messagesOf(agent))
    expect(agent.messages).toHaveLength(10)
    const parts = (await session.items()).filter(({ sk }) => sk.includes('#part#'))
    expect(new Set(parts.map(({ sk }) => sk.split('#part#')[0])).size).toBeLessThan(2)
    await expectWhole(session)
  })

  test('keeps what an immutable snapshot needs, and the answers of turns with an id', async () => {
    const session = testSession(table, { retention: 'window' })
    const manager = session.manager()
    const agent = agentOf(session, manager)
    for (let turn = 0; turn < 6; turn++) await agent.invoke(`${turn}?`)
    await agent.invoke('event?', { invocationState: { turnId: 'event' } })
    await manager.saveSnapshot({ target: agent, isLatest: false })
    const saved = messagesOf(agent)
    for (let turn = 0; turn < 60; turn++) await agent.invoke(`later ${turn}?`)
    await agent.invoke('another event?', { invocationState: { turnId: 'another' } })
    for (let turn = 0; turn < 60; turn++) await agent.invoke(`at last ${turn}?`)

    expect((await rowsOf(session)).length).toBeLessThan(10 + 10 + 1 + 50 + 2)
    await expectWhole(session)
    const [snapshotId = ''] = await manager.listSnapshotIds({ target: agent })
    const reader = session.manager()
    const restored = await session.restored({ manager: reader })
    await reader.restoreSnapshot({ target: restored, snapshotId })
    expect(messagesOf(restored)).toEqual(saved)
    for (const turnId of ['event', 'another']) {
      const asked = session.agent([])
      expect((await asked.invoke('again?', { invocationState: { turnId } })).toString().trim()).toBe('Yes.')
    }
  })

  test('refuses a snapshot of an agent that is behind, whose rows are gone', async () => {
    const session = testSession(table, { retention: 'window' })
    const manager = session.manager()
    const behind = agentOf(session, manager)
    for (let turn = 0; turn < 5; turn++) await behind.invoke(`${turn}?`)
    const ahead = agentOf(session)
    for (let turn = 0; turn < 40; turn++) await ahead.invoke(`later ${turn}?`)

    await expect(manager.saveSnapshot({ target: behind, isLatest: false })).rejects.toThrow(SessionConflictError)
    expect(await manager.listSnapshotIds({ target: ahead })).toEqual([])
    const next = session.manager()
    await next.saveSnapshot({ target: await session.restored({ manager: next }), isLatest: false })
    expect(await next.listSnapshotIds({ target: ahead })).toHaveLength(1)
    await behind.invoke('Where were we?')
    expect(messagesOf(behind)).toEqual(messagesOf(await session.restored()))
    await expectWhole(session)
  })

  test('costs a write unit more for each row of up to 1 KB that it deletes', async () => {
    const units: number[] = []
    for (const retention of ['all', 'window'] as const) {
      const agent = agentOf(testSession(table, { retention }))
      counter.reset()
      for (let turn = 0; turn < 60; turn++) await agent.invoke(`${turn}?`)
      units.push(sumCapacity(counter.reset()).writeUnits)
    }
    const [all = 0, window = 0] = units
    expect(window - all).toBeGreaterThanOrEqual(100)
    expect(window - all).toBeLessThanOrEqual(120)
  })
})

test('all rows are kept unless told otherwise', async () => {
  const session = testSession(table)
  const agent = agentOf(session)
  for (let turn = 0; turn < 35; turn++) await agent.invoke(`${turn}?`)
  expect(await rowsOf(session)).toHaveLength(70)
})

test('an unknown retention is refused before any request', () => {
  const make = (): unknown => testSession(table).manager({ retention: 'none' as never })
  expect(make).toThrow(InvalidOptionError)
})
