/** What fails, and how it says so: typed errors with their cause, nothing lost, and the next save heals. */

import { CreateTableCommand, DeleteTableCommand } from '@aws-sdk/client-dynamodb'
import { type Graph, type LocalAgent, SlidingWindowConversationManager } from '@strands-agents/sdk'
import {
  AnswerNotSavedError,
  createSessionTable,
  DynamoDBSessionError,
  type DynamoDBSessionManager,
  listSessions,
  SdkMismatchError,
  TableNotFoundError,
  TableRequestError,
  TableSchemaError,
} from 'strands-session-dynamodb'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { faultyClient, INJECTED_ERROR, onlyOnce, type PendingRequest } from './support/faults.ts'
import { noise } from './support/noise.ts'
import { messagesIn } from './support/stored-items.ts'
import { createTestTable, type TestTable } from './support/table.ts'
import { always, answers, messagesOf, testSession } from './support/test-session.ts'

let table: TestTable

beforeAll(async () => {
  table = await createTestTable()
})

afterAll(() => table.drop())

describe('after a save that failed', () => {
  const putTo = (key: string) => (request: PendingRequest) =>
    request.operation === 'PutItem' && request.text.includes(key)
  const requests = [
    ['the first save', ({ operation }: PendingRequest) => operation === 'TransactWriteItems', TableRequestError],
    ['the first user message', putTo('#msg#0000000001'), TableRequestError],
    ['a later user message', putTo('#msg#0000000005'), TableRequestError],
    ['the state', putTo('#msg#state'), TableRequestError],
    ['the head', putTo('#msg#head'), AnswerNotSavedError],
    ['a part of a large message', putTo('#part#'), TableRequestError],
  ] as const

  test.each(requests)('the next one heals: %s', async (_what, matches, failsWith) => {
    const faulty = faultyClient()
    const session = testSession(table, { client: faulty.client })
    const conversationManager = new SlidingWindowConversationManager({ windowSize: 4 })
    const agent = session.agent(always('Yes.'), { conversationManager })
    faulty.decide(onlyOnce('fails', matches))

    const failures: unknown[] = []
    for (const turn of [1, 2, 3, 4]) {
      agent.appState.set('turn', turn)
      const question = turn === 3 ? `3? ${noise(400_000)}` : `${turn}?`
      await agent.invoke(question).catch((error: unknown) => failures.push(error))
    }

    expect(failures).toHaveLength(1)
    expect(failures[0]).toBeInstanceOf(failsWith)
    const [failure] = failures.map((error) => (error instanceof AnswerNotSavedError ? error.cause : error))
    expect(failure).toBeInstanceOf(TableRequestError)
    expect(failure).toMatchObject({ retryable: true, cause: { name: INJECTED_ERROR } })
    const restored = await session.restored()
    expect(restored.messages).toEqual(agent.messages)
    expect(restored.appState.getAll()).toEqual({ turn: 4 })
    faulty.close()
  })

  test('of an answer that failed once, it is saved at the end of the turn, and nobody notices', async () => {
    const faulty = faultyClient()
    const session = testSession(table, { client: faulty.client })
    const agent = session.agent(answers('The answer.'))
    let failed = 0
    faulty.decide(
      onlyOnce('fails', (request) => {
        const matches = request.text.includes('The answer.')
        failed += matches ? 1 : 0
        return matches
      }),
    )
    await agent.invoke('1?')
    expect(failed).toBe(2)
    expect(messagesIn(await session.items())).toEqual(['user: 1?', 'assistant: The answer.'])
    faulty.close()
  })

  test('of an answer, the answer is still in the agent, and is saved with the next message', async () => {
    const faulty = faultyClient()
    const session = testSession(table, { client: faulty.client })
    const agent = session.agent(answers('The answer.', 'Another.'))
    faulty.decide((request) => (request.text.includes('The answer.') ? 'fails' : undefined))
    const error = await agent.invoke('1?').catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(AnswerNotSavedError)
    expect(error).toMatchObject({
      sessionId: session.sessionId,
      answer: agent.messages[1],
      cause: expect.any(TableRequestError),
    })
    expect(messagesOf(agent)).toEqual(['user: 1?', 'assistant: The answer.'])
    faulty.heal()
    await agent.invoke('2?')
    expect(messagesIn(await session.items())).toEqual([
      'user: 1?',
      'assistant: The answer.',
      'user: 2?',
      'assistant: Another.',
    ])
    faulty.close()
  })
})

describe('a restore that failed', () => {
  test('rejects the invocation before anything is added, and is done by the next', async () => {
    const faulty = faultyClient()
    const session = testSession(table, { client: faulty.client })
    await session.agent(answers('Hello.')).invoke('Hi.')
    const agent = session.agent(answers('Yes.'))
    faulty.decide(onlyOnce('fails', ({ operation }) => operation === 'Query'))
    await expect(agent.invoke('Still there?')).rejects.toThrow(TableRequestError)
    expect(agent.messages).toEqual([])
    await agent.invoke('Still there?')
    expect(messagesOf(await session.restored())).toEqual([
      'user: Hi.',
      'assistant: Hello.',
      'user: Still there?',
      'assistant: Yes.',
    ])
    faulty.close()
  })
})

describe('a table', () => {
  test('that does not exist is a TableNotFoundError that says how to create it', async () => {
    const session = testSession(table, { tableName: 'no-such-table' })
    const expected = {
      name: 'TableNotFoundError',
      tableName: 'no-such-table',
      message: expect.stringMatching(/SessionTable.*createSessionTable\(\)/),
      cause: { name: 'ResourceNotFoundException' },
    }
    const attempts = [
      () => session.agent(answers('Hello.')).invoke('Hi.'),
      () => session.manager().createSession(),
      () => session.manager().deleteSession(),
      () => session.manager({ autoCreate: false }).createSession(),
      () => listSessions({ tableName: 'no-such-table', client: table.client, owner: 'ada' }),
    ]
    for (const attempt of attempts) {
      const error = await attempt().catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(TableNotFoundError)
      expect(error).toMatchObject(expected)
    }
  })

  const schemas = [
    ['other names', { names: ['id', 'range'] }],
    ['no sort key', { names: ['pk'] }],
    ['keys of another type', { names: ['pk', 'sk'], type: 'N' }],
  ] as const
  test.each(schemas)('that has %s is a TableSchemaError', async (_what, { names, ...rest }) => {
    const TableName = await createTableWith(names, 'type' in rest ? rest.type : 'S')
    const session = testSession(table, { tableName: TableName })
    const attempts = [
      () => session.agent(answers('Hello.')).invoke('Hi.'),
      () => session.manager().createSession(),
      () => session.manager().deleteSession(),
      () => createSessionTable({ tableName: TableName, client: table.client }),
    ]
    for (const attempt of attempts) {
      const error = await attempt().catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(TableSchemaError)
      expect(error).toMatchObject({ tableName: TableName, message: expect.stringContaining('createSessionTable()') })
    }
    await table.client.send(new DeleteTableCommand({ TableName }))
  })

  test('without the owner index is a TableSchemaError when sessions are listed', async () => {
    const TableName = await createTableWith(['pk', 'sk'], 'S')
    const list = listSessions({ tableName: TableName, client: table.client, owner: 'ada' })
    await expect(list).rejects.toThrow(TableSchemaError)
    await table.client.send(new DeleteTableCommand({ TableName }))
  })
})

describe('an agent or orchestrator of another copy of the SDK', () => {
  test('is an SdkMismatchError that says how to find the copies', () => {
    const manager = testSession(table).manager()
    const alien = { id: 'alien', messages: [], addHook: () => () => {} } as unknown as LocalAgent
    expect(() => manager.initAgent(alien)).toThrow(SdkMismatchError)
    expect(() => manager.initAgent(alien)).toThrow(/alien.*npm ls @strands-agents\/sdk/)
    const alienGraph = { id: 'alien-graph', nodes: new Map(), addHook: () => () => {} } as unknown as Graph
    expect(() => manager.initMultiAgent(alienGraph)).toThrow(SdkMismatchError)
  })
})

test('every error of the package has one base and a cause when AWS was at fault', async () => {
  const faulty = faultyClient()
  faulty.decide(() => 'fails')
  const manager: DynamoDBSessionManager = testSession(table, { client: faulty.client }).manager()
  const error = await manager.createSession().catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(DynamoDBSessionError)
  expect(error).toMatchObject({ operation: 'UpdateItem', cause: { name: INJECTED_ERROR } })
  faulty.close()
})

async function createTableWith(names: readonly string[], AttributeType: 'S' | 'N'): Promise<string> {
  const TableName = `other-${crypto.randomUUID()}`
  const KeySchema = names.map(
    (AttributeName, index) => ({ AttributeName, KeyType: index === 0 ? 'HASH' : 'RANGE' }) as const,
  )
  const AttributeDefinitions = names.map((AttributeName) => ({ AttributeName, AttributeType }))
  await table.client.send(
    new CreateTableCommand({ TableName, KeySchema, AttributeDefinitions, BillingMode: 'PAY_PER_REQUEST' }),
  )
  return TableName
}
