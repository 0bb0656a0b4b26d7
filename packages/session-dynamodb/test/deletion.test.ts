/** Deleting a session: every item goes, in pages and batches, and a deletion that failed is completed by the next. */

import { DynamoDBSnapshotStorage, type SessionConflictError } from 'strands-session-dynamodb'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { faultyClient, INJECTED_ERROR, onlyOnce } from './support/faults.ts'
import { noise } from './support/noise.ts'
import { itemsOfTable } from './support/stored-items.ts'
import { createTestTable, type TestTable } from './support/table.ts'
import { always, answers, messagesOf, type TestSession, testSession } from './support/test-session.ts'

let table: TestTable

beforeAll(async () => {
  table = await createTestTable()
})

afterAll(() => table.drop())

/** A session of two agents with snapshots, and of more than 25 items and 1 MB. */
async function fill(session: TestSession): Promise<void> {
  const manager = session.manager({ snapshotTrigger: () => true })
  const agent = session.agent(always('Yes.'), { manager })
  for (let turn = 0; turn < 6; turn++) await agent.invoke(`Turn ${turn}?`)
  await agent.invoke(`A large question: ${noise(900_000)}`)
  await session.agent(always('Yes.'), { id: 'other', appState: { large: noise(800_000) } }).invoke('Hi.')
}

describe('deleteSession()', () => {
  test('removes every item of the session, more than a batch and a page hold, and says how far it is', async () => {
    const session = testSession(table)
    const neighbour = testSession(table)
    await neighbour.agent(answers('Hello.')).invoke('Hi.')
    await fill(session)
    const count = (await session.items()).length
    expect(count).toBeGreaterThan(25)

    const progress: number[] = []
    await session.manager().deleteSession({ onProgress: ({ deleted }) => progress.push(deleted) })

    expect(await session.items()).toEqual([])
    expect(progress.length).toBeGreaterThan(1)
    expect(progress).toEqual(progress.toSorted((a, b) => a - b))
    expect(progress.at(-1)).toBe(count)
    expect(messagesOf(await neighbour.restored())).toEqual(['user: Hi.', 'assistant: Hello.'])
  })

  test('keeps to its tenant', async () => {
    const session = testSession(table, { tenantId: 'a' })
    const others = ['b', 'a#session', undefined].map((tenantId) =>
      testSession(table, { sessionId: session.sessionId, tenantId }),
    )
    for (const each of [session, ...others]) await each.agent(answers('Hello.')).invoke('Hi.')
    await session.manager().deleteSession()
    expect(messagesOf(await session.restored())).toEqual([])
    for (const other of others) expect(messagesOf(await other.restored())).toHaveLength(2)
  })

  test('of a session that does not exist does nothing', async () => {
    const before = await itemsOfTable(table)
    await testSession(table).manager().deleteSession()
    expect(await itemsOfTable(table)).toEqual(before)
  })

  test('sends again what DynamoDB left unprocessed', async () => {
    const faulty = faultyClient()
    const session = testSession(table, { client: faulty.client })
    await fill(session)
    let left = 3
    faulty.client.middlewareStack.add(
      (next, context) => async (call) => {
        if (context['commandName'] !== 'BatchWriteItemCommand' || left-- <= 0) return next(call)
        const output = { UnprocessedItems: Reflect.get(call.input, 'RequestItems'), $metadata: {} }
        return { output: output as never, response: {} }
      },
      { step: 'initialize', priority: 'low' },
    )
    await session.manager().deleteSession()
    expect(left).toBeLessThan(0)
    expect(await session.items()).toEqual([])
    faulty.close()
  })
})

describe('a deletion that failed', () => {
  const isBatch = ({ operation }: { operation: string }): boolean => operation === 'BatchWriteItem'
  const failures = [
    ['at the first batch', () => onlyOnce('fails', isBatch)],
    ['at the second batch', () => onlyOnce('fails', isBatch, 2)],
    ['at its last item', () => onlyOnce('fails', (request) => isBatch(request) && request.text.includes('"session"}'))],
    ['because an answer was lost', () => onlyOnce('loses its answer', isBatch)],
  ] as const

  test.each(failures)('%s is completed by the next call', async (_where, failure) => {
    const { session, faulty } = await halfDeleted(failure())
    await session.manager().deleteSession()
    expect(await session.items()).toEqual([])
    faulty.close()
  })

  test.each(failures)('%s leaves a session that reads as absent', async (_where, failure) => {
    const { session, faulty } = await halfDeleted(failure())
    const manager = session.manager()
    expect(await manager.findSession()).toBeUndefined()
    const agent = await session.restored({ manager })
    expect(messagesOf(agent)).toEqual([])
    expect(await manager.listSnapshotIds({ target: agent })).toEqual([])
    await expect(session.restored({ manager: { autoCreate: false } })).rejects.toMatchObject({
      name: 'SessionNotFoundError',
    })
    faulty.close()
  })

  test.each(failures)('%s lets nobody start a session on top of what is left', async (_where, failure) => {
    const { session, faulty } = await halfDeleted(failure())
    const agent = session.agent(answers('Hello.'))
    const conflict: Partial<SessionConflictError> = { name: 'SessionConflictError', sessionId: session.sessionId }
    await expect(agent.invoke('Hi.')).rejects.toMatchObject(conflict)
    await expect(session.manager().createSession()).rejects.toThrow(/deleteSession/)

    await session.manager().deleteSession()
    const again = session.agent(answers('Hello.'))
    await again.invoke('Hi.')
    expect(messagesOf(await session.restored())).toEqual(['user: Hi.', 'assistant: Hello.'])
    faulty.close()
  })

  async function halfDeleted(fateOf: ReturnType<typeof onlyOnce>) {
    const faulty = faultyClient()
    const session = testSession(table, { client: faulty.client })
    await fill(session)
    faulty.decide(fateOf)
    await expect(session.manager().deleteSession()).rejects.toMatchObject({ cause: { name: INJECTED_ERROR } })
    faulty.heal()
    return { session, faulty }
  }
})

describe('after a deletion', () => {
  test('the same id starts afresh', async () => {
    const session = testSession(table)
    await fill(session)
    await session.manager().deleteSession()
    expect(messagesOf(await session.restored())).toEqual([])
    await session.agent(answers('Hello.')).invoke('Hi.')
    expect(messagesOf(await session.restored())).toEqual(['user: Hi.', 'assistant: Hello.'])
  })

  test('the agent whose manager deleted it goes on with what it remembers, as a new session', async () => {
    const session = testSession(table)
    const manager = session.manager()
    const agent = session.agent(answers('Hello.', 'Still here.'), { manager })
    await agent.invoke('Hi.')
    await manager.deleteSession()
    await agent.invoke('Are you there?')
    expect(messagesOf(await session.restored())).toEqual(messagesOf(agent))
    expect(agent.messages).toHaveLength(4)
  })

  test("the agent's context manager has nothing left of it in its stash", async () => {
    const session = testSession(table)
    const manager = session.manager()
    const agent = session.agent(answers('Hello.'), { manager, contextManager: 'auto' })
    await agent.invoke('Hi.')
    expect(await agent.contextManager?.stash?.list()).not.toEqual([])
    await manager.deleteSession()
    expect(await agent.contextManager?.stash?.list()).toEqual([])
  })

  test('a storage of the stock manager has forgotten it too', async () => {
    const session = testSession(table)
    await session.agent(answers('Hello.')).invoke('Hi.')
    const { tableName, client } = table
    const storage = new DynamoDBSnapshotStorage({ tableName, client })
    const location = { sessionId: session.sessionId, scope: 'agent', scopeId: 'agent' } as const
    expect(await storage.loadSnapshot({ location })).not.toBeNull()
    await storage.deleteSession({ sessionId: session.sessionId })
    expect(await storage.loadSnapshot({ location })).toBeNull()
    expect(await storage.listSnapshotIds({ location })).toEqual([])
  })
})
