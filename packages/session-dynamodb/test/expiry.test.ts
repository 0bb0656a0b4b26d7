/** Sessions with a time to live: when they expire, that they are gone then, and that nothing of a live one ever is. */

import {
  DynamoDBSnapshotStorage,
  InvalidOptionError,
  listSessions,
  SessionConflictError,
  SessionNotFoundError,
  verifySession,
} from 'strands-session-dynamodb'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { expiredItems, passSeconds, removeExpired, stopClock } from './support/clock.ts'
import { faultyClient } from './support/faults.ts'
import { countRequests, createTestTable, type RequestCounter, type TestTable } from './support/table.ts'
import { always, answers, messagesOf, type TestSession, testSession } from './support/test-session.ts'

const HOUR = 3600
const DAY = 24 * HOUR
/** A session expires when it has been idle for its time to live, and up to an eighth of it or an hour later. */
const UNTIL_EXPIRED = DAY + HOUR

let table: TestTable
let counter: RequestCounter

beforeAll(async () => {
  table = await createTestTable()
  counter = countRequests(table.client)
})

afterAll(() => table.drop())

beforeEach(stopClock)

afterEach(() => {
  vi.useRealTimers()
})

const sessionFor = (ttlSeconds: number | undefined = DAY, owner?: string): TestSession =>
  testSession(table, { ttlSeconds, owner })

/** A session of two agents, one of them with a snapshot, a turn with an id and a value in parts. */
async function fill(session: TestSession): Promise<void> {
  const manager = session.manager({ snapshotTrigger: () => true })
  const agent = session.agent(always('Yes.'), { manager, appState: { big: 'x'.repeat(500_000) } })
  await agent.invoke('One?')
  await agent.invoke('Two?', { invocationState: { turnId: 'event' } })
  await session.agent(always('No.'), { id: 'other' }).invoke('Three?')
}

async function expectAbsent(session: TestSession): Promise<void> {
  const { sessionId } = session
  const { tableName, client } = table
  const manager = session.manager()
  const agent = await session.restored({ manager })
  expect(messagesOf(agent)).toEqual([])
  expect(agent.appState.getAll()).toEqual({})
  expect(messagesOf(await session.restored({ id: 'other' }))).toEqual([])
  expect(await manager.findSession()).toBeUndefined()
  expect(await manager.listSnapshotIds({ target: agent })).toEqual([])
  expect(await verifySession({ sessionId, tableName, client })).toMatchObject({ messages: 0, problems: [] })
  await expect(session.restored({ manager: { autoCreate: false } })).rejects.toThrow(SessionNotFoundError)
}

describe('an idle session', () => {
  test('is there for its whole time to live, and gone after an eighth of it or an hour more', async () => {
    for (const [ttl, slack] of [
      [DAY, HOUR],
      [80, 10],
      [1, 1],
    ] as const) {
      const session = sessionFor(ttl)
      await session.agent(answers('Hello.')).invoke('Hi.')
      expect(await session.manager().findSession()).toMatchObject({
        expiresAt: new Date(Date.now() + (ttl + slack) * 1000).toISOString(),
      })
      passSeconds(ttl + slack - 0.001)
      expect(messagesOf(await session.restored())).toEqual(['user: Hi.', 'assistant: Hello.'])
      passSeconds(0.001)
      await expectAbsent(session)
    }
  })

  test('reads as absent in every way while all of its items are still there', async () => {
    const owner = crypto.randomUUID()
    const session = sessionFor(DAY, owner)
    await fill(session)
    const { tableName, client } = table
    const storage = new DynamoDBSnapshotStorage({ tableName, client, ttlSeconds: DAY })
    const location = { sessionId: session.sessionId, scope: 'agent', scopeId: 'agent' } as const
    const [snapshotId = ''] = await storage.listSnapshotIds({ location })
    await storage.saveManifest({ location, manifest: { schemaVersion: '9', updatedAt: 'then' } })
    const before = await session.items()

    passSeconds(UNTIL_EXPIRED)
    await expectAbsent(session)
    expect(await listSessions({ tableName, client, owner })).toEqual({ sessions: [] })
    expect(await storage.loadSnapshot({ location, snapshotId })).toBeNull()
    expect(await storage.loadManifest({ location })).not.toMatchObject({ schemaVersion: '9' })
    expect(await session.items()).toEqual(before)
  })

  test('reads as absent whatever DynamoDB has removed of it', async () => {
    for (let seed = 0; seed < 3; seed++) {
      const session = sessionFor(80)
      await fill(session)
      passSeconds(3 * HOUR)
      const count = (await session.items()).length
      await removeExpired(table, session.sessionId, (_item, index) => (index * 7 + seed) % 3 === 0)
      expect((await session.items()).length).toBeLessThan(count)
      await expectAbsent(session)
      await session.agent(answers('Hello.')).invoke('Hi.')
      expect(messagesOf(await session.restored())).toEqual(['user: Hi.', 'assistant: Hello.'])
    }
  })

  test('is removed by DynamoDB without a rest, its own item last', async () => {
    const session = sessionFor()
    await fill(session)
    const items = await session.items()
    const expiries = items.map(({ sk, expiresAt }) => ({ sk, expiresAt: Number(expiresAt) }))
    const last = expiries.toSorted((a, b) => b.expiresAt - a.expiresAt)[0]
    expect(last?.sk).toBe('session')
    expect(expiries.filter(({ expiresAt }) => expiresAt === last?.expiresAt)).toHaveLength(1)
    for (const { expiresAt } of expiries) expect(expiresAt).toBeGreaterThan(Date.now() / 1000 + UNTIL_EXPIRED)
    passSeconds(3 * DAY)
    await removeExpired(table, session.sessionId)
    expect(await session.items()).toEqual([])
  })
})

describe('a session in use', () => {
  test('never has an item that may be removed, however long it lives', async () => {
    const session = sessionFor()
    await fill(session)
    for (let step = 0; step < 8; step++) {
      passSeconds(0.6 * DAY)
      await session.agent(always('Yes.')).invoke(`Step ${step}?`)
      expect(await expiredItems(table, session.sessionId)).toEqual([])
    }
    expect((await session.restored()).messages).toHaveLength(20)
    expect(messagesOf(await session.restored({ id: 'other' }))).toEqual(['user: Three?', 'assistant: No.'])
    const { tableName, client } = table
    const { sessionId } = session
    expect(await verifySession({ sessionId, tableName, client })).toMatchObject({ messages: 22, problems: [] })
  })

  test('is resumed in one request', async () => {
    const session = sessionFor()
    await session.agent(answers('Hello.')).invoke('Hi.')
    passSeconds(DAY)
    counter.reset()
    await session.restored()
    expect(counter.reset().map(({ operation }) => operation)).toEqual(['Query'])
  })

  test("is kept alive by one agent for another that has long been idle, with its manager's own time to live or none", async () => {
    const session = sessionFor()
    await fill(session)
    for (const ttlSeconds of [undefined, DAY, 60, 10 * DAY]) {
      passSeconds(0.9 * DAY)
      const agent = session.agent(answers('Still.'), { id: 'other', manager: { ttlSeconds } })
      await agent.invoke('There?')
      await removeExpired(table, session.sessionId)
    }
    expect(messagesOf(await session.restored())).toEqual([
      'user: One?',
      'assistant: Yes.',
      'user: Two?',
      'assistant: Yes.',
    ])
    passSeconds(UNTIL_EXPIRED)
    await expectAbsent(session)
  })

  test('that was begun without a time to live is given one, with all that it holds', async () => {
    const session = testSession(table)
    await fill(session)
    const warm = session.agent(always('Warm.'), { id: 'warm' })
    await warm.invoke('Are you there?')
    passSeconds(30 * DAY)
    expect(messagesOf(await session.restored())).toHaveLength(4)
    await session.agent(answers('Yes.'), { manager: { ttlSeconds: DAY } }).invoke('Now?')
    expect((await session.items()).every(({ expiresAt }) => typeof expiresAt === 'number')).toBe(true)
    // An agent that does not know of it yet learns it, and keeps it.
    await warm.invoke('And now?')
    passSeconds(HOUR)
    await warm.invoke('And now?')
    expect((await session.items()).every(({ expiresAt }) => typeof expiresAt === 'number')).toBe(true)
    passSeconds(UNTIL_EXPIRED)
    await expectAbsent(session)
  })

  test('is given a time to live wholly or not at all, whenever the process that gives it dies', async () => {
    const faulty = faultyClient()
    const expected = ['user: Hi.', 'assistant: Yes.']
    const outcomes = { given: 0, not: 0 }
    for (let sent = 0, hasDied = true; hasDied; sent++) {
      const session = testSession(table)
      await session.agent(always('Yes.')).invoke('Hi.')
      let count = 0
      faulty.decide(() => (count++ < sent ? undefined : 'fails'))
      const manager = { ttlSeconds: DAY, client: faulty.client }
      const agent = session.agent(always('Yes.'), { id: 'other', manager })
      hasDied = (await Promise.allSettled([agent.invoke('Hello?')]))[0]?.status === 'rejected'
      const isGiven = (await session.manager().findSession())?.expiresAt !== undefined
      outcomes[isGiven ? 'given' : 'not'] += 1
      for (const seconds of [UNTIL_EXPIRED, 10 * DAY]) {
        passSeconds(seconds)
        await removeExpired(table, session.sessionId)
        if (isGiven) await expectAbsent(session)
        else expect(messagesOf(await session.restored())).toEqual(expected)
      }
      await session.agent(always('Yes.')).invoke('Hi.')
      expect(messagesOf(await session.restored())).toEqual(isGiven ? expected : [...expected, ...expected])
    }
    faulty.close()
    expect(outcomes.not).toBeGreaterThan(1)
    expect(outcomes.given).toBeGreaterThan(4)
  })

  test('costs nothing more than a session without a time to live while it is younger than that', async () => {
    const costs = []
    for (const ttlSeconds of [undefined, DAY]) {
      const session = sessionFor(ttlSeconds)
      counter.reset()
      for (let turn = 0; turn < 5; turn++) {
        await session.agent(always('Yes.'), { manager: { ttlSeconds } }).invoke(`Turn ${turn}?`)
        passSeconds(4 * HOUR)
      }
      costs.push(counter.reset().map(({ operation }) => operation))
    }
    expect(costs[1]).toEqual(costs[0])
  })
})

describe('a turn on an expired session', () => {
  test('begins a new life, in which nothing of the old one is seen again', async () => {
    const session = sessionFor()
    await fill(session)
    passSeconds(UNTIL_EXPIRED)
    const manager = session.manager()
    const agent = session.agent(answers('New.'), { manager })
    await agent.invoke('New?', { invocationState: { turnId: 'event' } })
    expect(messagesOf(agent)).toEqual(['user: New?', 'assistant: New.'])
    expect(messagesOf(await session.restored())).toEqual(messagesOf(agent))
    expect(messagesOf(await session.restored({ id: 'other' }))).toEqual([])
    expect(await manager.listSnapshotIds({ target: agent })).toEqual([])
    const info = await manager.findSession()
    expect(info?.createdAt).toBe(new Date().toISOString())
    expect(JSON.stringify(await session.items())).not.toMatch(/One\?|Two\?|Three\?|xxx/)
    await session.agent(answers('Other.'), { id: 'other' }).invoke('Again?')
    expect(messagesOf(await session.restored({ id: 'other' }))).toEqual(['user: Again?', 'assistant: Other.'])
  })

  test.each([['createSession()'], ['an immutable snapshot']])('may be %s as well', async (what) => {
    const session = sessionFor()
    await fill(session)
    passSeconds(UNTIL_EXPIRED)
    const manager = session.manager()
    const agent = await session.restored({ manager })
    if (what === 'createSession()') await manager.createSession()
    else await manager.saveSnapshot({ target: agent, isLatest: false })
    expect(await manager.findSession()).toMatchObject({ createdAt: new Date().toISOString() })
    expect(await manager.listSnapshotIds({ target: agent })).toHaveLength(what === 'createSession()' ? 0 : 1)
    expect(messagesOf(await session.restored())).toEqual([])
  })

  test('by an agent that remembers it is a conflict, and nothing comes back', async () => {
    const session = sessionFor()
    const agent = session.agent(always('Yes.'))
    await agent.invoke('Old?')
    passSeconds(UNTIL_EXPIRED)
    await expect(agent.invoke('Still there?')).rejects.toThrow(SessionConflictError)
    await expectAbsent(session)
  })

  test('by several processes at once is one new life, and every turn is in it', async () => {
    const session = sessionFor()
    await fill(session)
    passSeconds(UNTIL_EXPIRED)
    const agents = ['a', 'b', 'c', 'd'].map((text) => session.agent(always(text)))
    const outcomes = await Promise.allSettled(agents.map((agent, index) => agent.invoke(`${index}?`)))
    const asked = outcomes.flatMap(({ status }, index) => (status === 'fulfilled' ? [`user: ${index}?`] : []))
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(SessionConflictError)
    }
    expect(asked.length).toBeGreaterThan(0)
    const stored = messagesOf(await session.restored())
    expect(stored.filter((line) => line.startsWith('user')).toSorted()).toEqual(asked.toSorted())
    expect(stored).toHaveLength(2 * asked.length)
  })
})

test('a list has full pages of live sessions, whatever has expired between them', async () => {
  const owner = crypto.randomUUID()
  const { tableName, client } = table
  for (let index = 0; index < 12; index++) {
    const session = testSession(table, { owner, ttlSeconds: index % 3 === 0 ? 10 * DAY : DAY, title: `${index}` })
    await session.manager().createSession()
    passSeconds(1)
  }
  passSeconds(UNTIL_EXPIRED)
  const titles: (string | undefined)[][] = []
  for (let cursor: string | undefined, isFirst = true; isFirst || cursor !== undefined; isFirst = false) {
    const page = await listSessions({ tableName, client, owner, limit: 2, cursor })
    titles.push(page.sessions.map(({ title }) => title))
    cursor = page.cursor
  }
  expect(titles.flat()).toEqual(['9', '6', '3', '0'])
  expect(titles[0]).toHaveLength(2)
})

test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 315_360_001, '60', null])(
  'ttlSeconds: %j is refused before any request',
  (ttlSeconds) => {
    counter.reset()
    const make = (): unknown => sessionFor(ttlSeconds as number).manager({ ttlSeconds: ttlSeconds as number })
    expect(make).toThrow(InvalidOptionError)
    expect(make).toThrow(/ttlSeconds/)
    expect(counter.requests).toEqual([])
  },
)
