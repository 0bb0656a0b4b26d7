/** Sessions as such: creating and finding them, tenants, owners, lists, and how they are read. */

import { Graph } from '@strands-agents/sdk'
import { type CapacityUsage, listSessions, SessionNotFoundError, type SessionPage } from 'strands-session-dynamodb'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { faultyClient } from './support/faults.ts'
import { countRequests, createTestTable, type TestTable } from './support/table.ts'
import { always, answers, messagesOf, testSession } from './support/test-session.ts'

let table: TestTable

beforeAll(async () => {
  table = await createTestTable()
})

afterAll(() => table.drop())

beforeEach(() => {
  // Only the clock: timers and requests go on as ever.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 0, 1) })
})

afterEach(() => {
  vi.useRealTimers()
})

const at = (seconds: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds)).toISOString()
const clockTo = (seconds: number): void => void vi.setSystemTime(Date.UTC(2026, 0, 1, 0, 0, seconds))

describe('autoCreate: false', () => {
  test('makes an unknown session a SessionNotFoundError, and nothing is written', async () => {
    const session = testSession(table, { autoCreate: false })
    const agent = session.agent(answers('never said'))
    const error = await agent.invoke('Hi.').catch((thrown: unknown) => thrown)
    expect(agent.messages).toEqual([])
    expect(error).toBeInstanceOf(SessionNotFoundError)
    expect(error).toMatchObject({ sessionId: session.sessionId, message: expect.stringContaining('createSession()') })
    const nodes = [testSession(table).agent(answers('never said'))]
    const graph = new Graph({ nodes, edges: [], maxSteps: 1, sessionManager: session.manager() })
    await expect(graph.invoke('Hi.')).rejects.toThrow(SessionNotFoundError)
    expect(await session.items()).toEqual([])
  })

  test('works once the session was created, for each of its agents', async () => {
    const session = testSession(table, { autoCreate: false })
    await session.manager().createSession()
    for (const id of ['a', 'b']) await session.agent(answers('Hello.'), { id }).invoke('Hi.')
    for (const id of ['a', 'b']) expect(messagesOf(await session.restored({ id }))).toHaveLength(2)
  })

  test('does not bring back a session that was deleted', async () => {
    const session = testSession(table, { autoCreate: false })
    await session.manager().createSession()
    await session.manager().deleteSession()
    await expect(session.agent(answers('never said')).invoke('Hi.')).rejects.toThrow(SessionNotFoundError)
  })
})

describe('tenants', () => {
  test('keep apart what has the same session id', async () => {
    const { sessionId } = testSession(table)
    const tenants = [undefined, 'a', 'b', 'a#b', 'фирма']
    const sessions = tenants.map((tenantId) => testSession(table, { sessionId, tenantId, owner: 'ada' }))
    for (const [index, session] of sessions.entries()) await session.agent(answers(`Tenant ${index}.`)).invoke('Hi.')
    for (const [index, session] of sessions.entries()) {
      expect(messagesOf(await session.restored())).toEqual(['user: Hi.', `assistant: Tenant ${index}.`])
      const page = await list({ owner: 'ada', tenantId: tenants[index] })
      expect(page.sessions.map((each) => each.sessionId)).toEqual([sessionId])
    }
  })
})

describe('listSessions()', () => {
  test("lists an owner's sessions, the most recent first, page by page", async () => {
    const owner = crypto.randomUUID()
    for (const [index, sessionId] of ['s-1', 's-2', 's-3', 's-4', 's-5'].entries()) {
      clockTo(index)
      const session = testSession(table, { sessionId: `${owner}-${sessionId}`, owner, title: `Title ${sessionId}` })
      await session.agent(answers('Hello.')).invoke('Hi.')
    }
    clockTo(5)
    await testSession(table, { sessionId: `${owner}-s-2`, owner })
      .manager()
      .createSession()
    await testSession(table, { owner: 'someone else' }).manager().createSession()
    await testSession(table).manager().createSession()

    const pages: SessionPage[] = [await list({ owner, limit: 2 })]
    while (pages.at(-1)?.cursor !== undefined) pages.push(await list({ owner, limit: 2, cursor: pages.at(-1)?.cursor }))

    const listed = pages.map(({ sessions }) => sessions.map(({ title }) => title))
    expect(listed.flat()).toEqual(['Title s-2', 'Title s-5', 'Title s-4', 'Title s-3', 'Title s-1'])
    expect(listed.every((page) => page.length <= 2)).toBe(true)
    const [newest] = pages[0]?.sessions ?? []
    expect(newest).toEqual({ sessionId: `${owner}-s-2`, owner, title: 'Title s-2', createdAt: at(1), updatedAt: at(5) })
  })

  test('lists nothing for an owner without sessions, and nothing that was deleted', async () => {
    const owner = crypto.randomUUID()
    expect(await list({ owner })).toEqual({ sessions: [] })
    const session = testSession(table, { owner })
    await session.agent(answers('Hello.')).invoke('Hi.')
    await session.manager().deleteSession()
    expect(await list({ owner })).toEqual({ sessions: [] })
  })
})

describe("the session item's updatedAt", () => {
  test('follows an active session, at most once in touchIntervalSeconds, and not on reads', async () => {
    const session = testSession(table, { touchIntervalSeconds: 60 })
    const agent = session.agent(always('Yes.'))
    const updates: (string | undefined)[] = []
    for (const seconds of [0, 30, 59, 60, 61, 119, 121]) {
      clockTo(seconds)
      await agent.invoke('Well?')
      updates.push((await session.manager().findSession())?.updatedAt)
    }
    clockTo(500)
    await session.restored()
    updates.push((await session.manager().findSession())?.updatedAt)
    const [start, first, second] = [at(0), at(60), at(121)]
    expect(updates).toEqual([start, start, start, first, first, first, second, second])
    expect(await session.manager().findSession()).toMatchObject({ createdAt: at(0) })
  })

  test('costs no request between refreshes, also in processes that live for one turn', async () => {
    const session = testSession(table)
    await session.agent(always('Yes.')).invoke('1?')
    const counter = countRequests(table.client)
    for (const seconds of [1, 100, 299]) {
      clockTo(seconds)
      await session.agent(always('Yes.')).invoke('2?')
    }
    expect(counter.reset().filter(({ operation }) => operation === 'UpdateItem')).toEqual([])
    table.client.middlewareStack.remove('countRequests')
  })
})

describe('findSession()', () => {
  test('tells owner, title and times, or that there is none', async () => {
    const session = testSession(table, { owner: 'ada', title: 'On engines' })
    expect(await session.manager().findSession()).toBeUndefined()
    await session.agent(answers('Hello.')).invoke('Hi.')
    const { sessionId } = session
    const found = { sessionId, owner: 'ada', title: 'On engines', createdAt: at(0), updatedAt: at(0) }
    expect(await session.manager().findSession()).toEqual(found)
  })

  test('keeps owner and title when a manager does not name them, and takes those that it names', async () => {
    const session = testSession(table)
    await session.manager({ owner: 'ada', title: 'Old' }).createSession()
    await session.manager({ title: 'New' }).createSession()
    expect(await session.manager().findSession()).toMatchObject({ owner: 'ada', title: 'New' })
  })
})

describe('reads', () => {
  test.each([true, false])('are strongly consistent by consistentRead: %s', async (consistentRead) => {
    const faulty = faultyClient()
    const session = testSession(table, { client: faulty.client })
    await session.agent(answers('Hello.')).invoke('Hi.')
    const reads: unknown[] = []
    faulty.decide(({ input }) => void ('ConsistentRead' in input && reads.push(input['ConsistentRead'])))
    await session.restored({ manager: { consistentRead } })
    expect(reads).toEqual([consistentRead])
    faulty.close()
  })

  test('are strongly consistent by default, and report what they used', async () => {
    const used: CapacityUsage[] = []
    const session = testSession(table)
    await session.agent(answers('Hello.')).invoke('Hi.')
    await session.restored({ manager: { onCapacity: (usage) => used.push(usage) } })
    await session.restored({ manager: { onCapacity: (usage) => used.push(usage), consistentRead: false } })
    expect(used).toEqual([
      { operation: 'Query', readUnits: 1, writeUnits: 0, attempts: 1 },
      { operation: 'Query', readUnits: 0.5, writeUnits: 0, attempts: 1 },
    ])
  })
})

test('the table is named by the environment when no option does', async () => {
  vi.stubEnv('STRANDS_SESSION_TABLE', table.tableName)
  const session = testSession(table, { tableName: undefined })
  await session.agent(answers('Hello.')).invoke('Hi.')
  vi.unstubAllEnvs()
  expect(messagesOf(await testSession(table, { sessionId: session.sessionId }).restored())).toHaveLength(2)
})

function list(options: Omit<Parameters<typeof listSessions>[0], 'tableName' | 'client'>): Promise<SessionPage> {
  return listSessions({ tableName: table.tableName, client: table.client, ...options })
}
