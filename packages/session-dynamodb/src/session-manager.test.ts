import { ConditionalCheckFailedException, ThrottlingException } from '@aws-sdk/client-dynamodb'
import { GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb'
import {
  AfterInvocationEvent,
  Agent,
  Graph,
  HookOrder,
  type LocalAgent,
  SessionManager,
  SlidingWindowConversationManager,
  Swarm,
} from '@strands-agents/sdk'
import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest'
import { headLook, pk, START, sessionUpdate, TableName } from '../test/support/log-items.ts'
import { errorOf, mockedClient, rejectionOf, type SentCommand } from '../test/support/mocked-client.ts'
import { type Script, ScriptedModel } from '../test/support/scripted-model.ts'
import type { DynamoDBSessionManagerOptions } from './options.ts'
import { DynamoDBSessionManager } from './session-manager.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: START })
})
afterEach(() => {
  vi.useRealTimers()
})

function managerFor(options: Partial<DynamoDBSessionManagerOptions> = {}) {
  const mocked = mockedClient({ keepsHeads: true })
  const manager = new DynamoDBSessionManager({
    sessionId: 's',
    tableName: TableName,
    client: mocked.client,
    ...options,
  })
  return { ...mocked, manager }
}

/** An agent whose model plays a script, by default one that answers every question. */
function agentFor(options: Partial<DynamoDBSessionManagerOptions> = {}, windowSize = 40, script?: Script) {
  const made = managerFor(options)
  const agent = new Agent({
    ...{ id: 'a', printer: false, sessionManager: made.manager },
    model: new ScriptedModel(script ?? ((call) => ({ text: `Answer ${call}` }))),
    conversationManager: new SlidingWindowConversationManager({ windowSize }),
  })
  return { ...made, agent }
}

/** What was written, as `PutCommand agent#a#msg#head` and the like. */
function writtenKeys(sent: readonly SentCommand[]): string[] {
  return sent.flatMap(([name, input]) => {
    if (name === 'GetCommand' || name === 'BatchGetCommand') return []
    const keys = JSON.stringify(input).match(/(?<="sk":")[^"]*/g) ?? []
    return keys.map((sk) => `${name} ${sk}`)
  })
}

describe('a session manager', () => {
  it("is one of the SDK's, and sends nothing when it is made", () => {
    const { manager, takeSent } = managerFor()
    expect(manager).toBeInstanceOf(SessionManager)
    expect([manager.sessionId, manager.name]).toEqual(['s', 'strands:session-manager'])
    expect(takeSent()).toEqual([])
  })

  it('sends nothing when an agent is made with it', () => {
    expect(agentFor().takeSent()).toEqual([])
  })

  const refused: readonly [string, unknown][] = [
    ...[undefined, '', 'A', 'a#AGENT#b', 'a#msg#head', '..', '%23', 'x'.repeat(257)].map((value): [string, unknown] => [
      'sessionId',
      value,
    ]),
    ['tableName', ''],
    ['tableName', null],
    ['tenantId', 'x'.repeat(257)],
    ['tenantId', '界'.repeat(256)],
    ['owner', ''],
    ['title', 7],
    ['saveLatestOn', 'turn'],
    ['multiAgentSaveLatestOn', 'message'],
    ['snapshotTrigger', true],
    ['autoCreate', 'yes'],
    ['restoreSystemPrompt', null],
    ['consistentRead', 1],
    ['windowSize', 0],
    ['touchIntervalSeconds', '300'],
    ['onCapacity', {}],
    ['logger', {}],
  ]
  test.each(refused.map(([field, value]) => ({ field, value })))('refuses $field: $value', ({ field, value }) => {
    const { client, takeSent } = mockedClient()
    const options = { sessionId: 's', tableName: TableName, client, [field]: value } as DynamoDBSessionManagerOptions
    expect(errorOf(() => new DynamoDBSessionManager(options))).toMatchObject({
      name: 'InvalidOptionError',
      field,
      value,
    })
    expect(takeSent()).toEqual([])
  })

  it('refuses an agent or an orchestrator of another copy of the SDK', () => {
    const { manager, takeSent } = managerFor()
    const hooks = vi.fn()
    const foreign = { id: 'a', addHook: hooks }
    expect(errorOf(() => manager.initAgent(foreign as unknown as LocalAgent))).toMatchObject({
      name: 'SdkMismatchError',
      message: expect.stringMatching(/^Agent 'a' comes from another copy .*npm ls @strands-agents\/sdk/),
    })
    expect(errorOf(() => manager.initMultiAgent(foreign as unknown as Graph))).toMatchObject({
      name: 'SdkMismatchError',
      message: expect.stringMatching(/^Orchestrator 'a' comes from another copy/),
    })
    expect(hooks).not.toHaveBeenCalled()
    expect(takeSent()).toEqual([])
  })
})

describe('a turn', () => {
  it('is one read, one transaction, one PutItem for each message, and a look whether the session is there still', async () => {
    const { agent, takeSent } = agentFor()
    await agent.invoke('Hello')
    const sent = takeSent()
    expect(sent.map(([name]) => name)).toEqual([
      // The restore, which found nothing; the first save need not read again.
      'QueryCommand',
      'TransactWriteCommand',
      'PutCommand',
      'PutCommand',
      'GetCommand',
    ])
    expect(sent.at(-1)).toEqual(headLook)
    expect(writtenKeys(sent)).toEqual([
      'TransactWriteCommand session',
      'TransactWriteCommand agent#a#msg#head',
      'TransactWriteCommand agent#a#msg#state',
      'PutCommand agent#a#msg#0000000001',
      'PutCommand agent#a#msg#0000000002',
    ])

    await agent.invoke('Go on')
    const again = takeSent()
    expect(again.map(([name]) => name)).toEqual(['PutCommand', 'PutCommand', 'GetCommand'])
    expect(writtenKeys(again)).toEqual(['PutCommand agent#a#msg#0000000003', 'PutCommand agent#a#msg#0000000004'])
  })

  it('stores the user message before the model is called', async () => {
    const made = agentFor({}, 40, () => {
      seen.push(...writtenKeys(made.takeSent()))
      return { text: 'Answer' }
    })
    const seen: string[] = []
    await made.agent.invoke('Hello')
    expect(seen).toContain('PutCommand agent#a#msg#0000000001')
  })

  it('after which the window was trimmed writes the head', async () => {
    const { agent, takeSent } = agentFor({}, 2)
    await agent.invoke('One')
    takeSent()
    await agent.invoke('Two')
    const sent = takeSent()
    expect(writtenKeys(sent)).toEqual([
      'PutCommand agent#a#msg#0000000003',
      'PutCommand agent#a#msg#0000000004',
      'PutCommand agent#a#msg#head',
    ])
    expect(sent.at(-1)).toMatchObject(['PutCommand', { Item: { sk: 'agent#a#msg#head', window: '3-4', last: 4 } }])
  })

  it('that changed the state at its very end stores it', async () => {
    const { agent, takeSent } = agentFor()
    agent.addHook(AfterInvocationEvent, ({ agent: each }) => each.appState.set('late', true), {
      order: HookOrder.SDK_LAST,
    })
    await agent.invoke('Hello')
    expect(takeSent().slice(-2)).toMatchObject([
      ['PutCommand', { Item: { sk: 'agent#a#msg#state', version: 2, data: expect.stringContaining('"late":true') } }],
      headLook,
    ])
  })

  it("is saved once, at its end, with saveLatestOn: 'invocation'", async () => {
    const { agent, takeSent } = agentFor({ saveLatestOn: 'invocation' }, 40, () => {
      duringTheTurn = takeSent().map(([name]) => name)
      return { text: 'Answer' }
    })
    let duringTheTurn: string[] = []
    await agent.invoke('Hello')
    expect(duringTheTurn).toEqual(['QueryCommand', 'TransactWriteCommand', 'PutCommand'])
    // The user message comes before the model, so that nobody else starts a turn; the answer comes at the end.
    expect(takeSent().map(([name]) => name)).toEqual(['PutCommand', 'GetCommand'])
  })

  it("is saved when the trigger says so, with saveLatestOn: 'trigger'", async () => {
    let triggered = false
    const { agent, takeSent } = agentFor({ saveLatestOn: 'trigger', snapshotTrigger: () => triggered })
    await agent.invoke('One')
    expect(writtenKeys(takeSent())).toEqual([])
    triggered = true
    await agent.invoke('Two')
    const rows = [1, 2, 3, 4].map((seq) => `PutCommand agent#a#msg#000000000${seq}`)
    expect(writtenKeys(takeSent())).toEqual(expect.arrayContaining([...rows, 'PutCommand agent#a#msg#head']))
  })

  it('whose user message a guardrail redacted overwrites the row before it goes on', async () => {
    const { agent, answers, takeSent } = agentFor({}, 40, [{ redact: { input: '[redacted]' }, text: 'Blocked' }])
    const stored: object[] = []
    answers.on(PutCommand).callsFake(async ({ Item }) => {
      stored.push(Item)
      return {}
    })
    answers.on(QueryCommand).callsFake(async () => ({ Items: stored.filter((item) => Reflect.has(item, 'role')) }))
    answers.on(QueryCommand, { ScanIndexForward: false }).resolves({})
    await agent.invoke('My number is 12345')
    const sent = takeSent()
    expect(sent.map(([name]) => name)).toEqual([
      ...['QueryCommand', 'TransactWriteCommand', 'PutCommand'],
      // The log, the message's row and the head.
      ...['QueryCommand', 'PutCommand', 'PutCommand'],
      // The answer, and the look at the head.
      ...['PutCommand', 'GetCommand'],
    ])
    const rowsWritten = sent.flatMap(([name, input]) => {
      const { Item, ConditionExpression } = Object(input)
      return name === 'PutCommand' && Item.sk === 'agent#a#msg#0000000001' ? [[ConditionExpression, Item.data]] : []
    })
    expect(rowsWritten).toEqual([
      [expect.stringMatching(/^attribute_not_exists/), expect.stringContaining('My number is 12345')],
      ['attribute_exists(pk)', expect.stringContaining('[redacted]')],
    ])
    expect(rowsWritten.at(-1)?.[1]).not.toContain('12345')
  })

  it('is refused before the model is called when another writer was there, without turn exclusion', async () => {
    const { agent, answers } = agentFor({ turnExclusion: false })
    await agent.invoke('Hello')
    const model = agent.model as ScriptedModel
    const Item = { writer: { S: '0mjuohs00-another' } }
    answers.on(PutCommand).rejects(new ConditionalCheckFailedException({ message: 'no', $metadata: {}, Item }))
    expect(await rejectionOf(agent.invoke('Again'))).toMatchObject({
      name: 'SessionConflictError',
      sessionId: 's',
      scopeId: 'a',
      key: 'agent#a#msg#0000000003',
    })
    expect(model.calls).toHaveLength(1)
  })

  it('fails with the cause when the table throttles', async () => {
    const { agent, answers } = agentFor()
    const cause = new ThrottlingException({ message: 'slow down', $metadata: {} })
    answers.on(QueryCommand).rejects(cause)
    expect(await rejectionOf(agent.invoke('Hello'))).toMatchObject({
      name: 'TableRequestError',
      operation: 'Query',
      retryable: true,
      cause,
    })
  })

  it('is refused for an agent whose id cannot be a key, before any request', async () => {
    const { manager, takeSent } = managerFor()
    const id = '界'.repeat(200)
    const agent = new Agent({ id, printer: false, sessionManager: manager, model: new ScriptedModel([]) })
    expect(await rejectionOf(agent.invoke('Hello'))).toMatchObject({
      name: 'InvalidOptionError',
      field: 'agentId',
      value: id,
    })
    expect(takeSent()).toEqual([])
  })

  it('of an unknown session is refused when autoCreate is off', async () => {
    const { agent, takeSent } = agentFor({ autoCreate: false })
    expect(await rejectionOf(agent.invoke('Hello'))).toMatchObject({ name: 'SessionNotFoundError', sessionId: 's' })
    expect(takeSent().map(([name]) => name)).toEqual(['QueryCommand', 'GetCommand'])
  })
})

describe('an orchestrator', () => {
  const node = (script: Script) => new Agent({ id: 'n', printer: false, model: new ScriptedModel(script) })
  const answer: Script = () => ({ text: 'Answer' })
  const limits = { maxSteps: 5, timeout: 60_000 }

  it('that is a graph is saved in a scope of its own, after each node', async () => {
    const { manager, takeSent } = managerFor()
    const graph = new Graph({ id: 'g', nodes: [node(answer)], edges: [], sessionManager: manager, ...limits })
    await graph.invoke('Hello')
    expect(writtenKeys(takeSent())).toEqual([
      'TransactWriteCommand session',
      'TransactWriteCommand multiagent#g#msg#head',
      'TransactWriteCommand multiagent#g#msg#state',
      'PutCommand multiagent#g#msg#state',
    ])
  })

  it('that is a graph may be saved once, at the end', async () => {
    const { manager, takeSent } = managerFor({ multiAgentSaveLatestOn: 'invocation' })
    const graph = new Graph({ id: 'g', nodes: [node(answer)], edges: [], sessionManager: manager, ...limits })
    await graph.invoke('Hello')
    expect(takeSent().map(([name]) => name)).toEqual(['QueryCommand', 'TransactWriteCommand'])
  })

  it('that is a swarm is saved too', async () => {
    const { manager, takeSent } = managerFor()
    const decision = { toolUses: [{ name: 'strands_structured_output', input: { message: 'Done' } }] }
    const decider = node((call) => (call === 0 ? decision : { text: 'Done' }))
    const swarm = new Swarm({ id: 'w', nodes: [decider], start: 'n', sessionManager: manager, ...limits })
    await swarm.invoke('Hello')
    expect(writtenKeys(takeSent())).toEqual([
      'TransactWriteCommand session',
      'TransactWriteCommand multiagent#w#msg#head',
      'TransactWriteCommand multiagent#w#msg#state',
      'PutCommand multiagent#w#msg#state',
    ])
  })
})

describe('the session itself', () => {
  it('can be created', async () => {
    const { manager, takeSent } = managerFor({ autoCreate: false })
    await manager.createSession()
    expect(takeSent()).toEqual([['UpdateCommand', sessionUpdate()]])
  })

  it('can be found', async () => {
    const { manager, answers, takeSent } = managerFor()
    expect(await manager.findSession()).toBeUndefined()
    const facts = { sessionId: 's', createdAt: 'a', updatedAt: 'b', title: 'Hello' }
    answers.on(GetCommand).resolves({ Item: { pk, sk: 'session', v: 1, ...facts } })
    expect(await manager.findSession()).toEqual(facts)
    expect(takeSent().at(0)).toEqual(['GetCommand', { TableName, Key: { pk, sk: 'session' }, ConsistentRead: true }])
  })

  it('can be deleted, with progress', async () => {
    const { manager, answers } = managerFor()
    const Items = [
      { pk, sk: 'agent#a#msg#head' },
      { pk, sk: 'session' },
    ]
    answers.on(QueryCommand).resolvesOnce({ Items }).resolves({})
    const progress: number[] = []
    await manager.deleteSession({ onProgress: ({ deleted }) => progress.push(deleted) })
    expect(progress.at(-1)).toBe(2)
  })

  test.each([[null], ['yes']])('is not deleted with %j for onProgress', async (onProgress) => {
    const { manager, takeSent } = managerFor()
    expect(await rejectionOf(manager.deleteSession({ onProgress: onProgress as never }))).toMatchObject({
      name: 'InvalidOptionError',
      field: 'onProgress',
      value: onProgress,
    })
    expect(takeSent()).toEqual([])
  })
})
