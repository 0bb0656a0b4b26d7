import { ConditionalCheckFailedException, ThrottlingException } from '@aws-sdk/client-dynamodb'
import { GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb'
import {
  AfterInvocationEvent,
  Agent,
  Graph,
  HookOrder,
  type LocalAgent,
  type Message,
  SessionManager,
  SlidingWindowConversationManager,
  Swarm,
} from '@strands-agents/sdk'
import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest'
import { head, headLook, pk, row, START, sessionUpdate, state, TableName } from '../test/support/log-items.ts'
import { errorOf, mockedClient, rejectionOf, type SentCommand } from '../test/support/mocked-client.ts'
import { type Script, ScriptedModel, type ScriptedTurn } from '../test/support/scripted-model.ts'
import type { DynamoDBSessionManagerOptions } from './options.ts'
import { DynamoDBSessionManager } from './session-manager.ts'
import { freeze } from './snapshot.ts'

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

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** The state of a fresh agent, as it is stored. */
function stateOf(agent: Agent): string {
  return freeze(agent.takeSnapshot({ preset: 'session' })).state
}

function play(script: Script, call: number, messages: readonly Message[]): ScriptedTurn {
  const turn = typeof script === 'function' ? script(call, messages) : script[call]
  if (turn === undefined) throw new Error('The script has ended')
  return turn
}

/** The items that were written whole, by sort key: the last version of each. */
function itemsOf(sent: readonly SentCommand[]): Map<string, Record<string, unknown> & { readonly sk: string }> {
  const items = sent.flatMap(([, input]) => {
    const { Item, TransactItems = [] } = Object(input)
    return [Item, ...TransactItems.map(({ Put }: { Put?: { Item: object } }) => Put?.Item)]
  })
  return new Map(items.flatMap((item) => (item === undefined ? [] : [[item.sk, item]])))
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
      // The log, the message's row and the head, and the chunks, of which there are none.
      ...['QueryCommand', 'PutCommand', 'PutCommand', 'QueryCommand'],
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

describe('a turn among others', () => {
  const OTHER = '0mjuohs00-another'
  const until = START + 120_000
  const theirs = (seq: number, text: string, more: object = {}) => row(seq, text, { writer: OTHER, ...more })
  const windowed = head({ window: '1-2', last: 2, writer: OTHER })
  const stored = [theirs(2, 'B1'), theirs(1, 'a1')]
  const [settled, open] = [theirs(4, 'D1'), theirs(3, 'c1', { until })]
  const refused = new ConditionalCheckFailedException({ message: 'no', $metadata: {}, Item: { writer: { S: OTHER } } })
  const stateOfAgent = () =>
    state({ writer: OTHER, data: stateOf(new Agent({ id: 'a', printer: false, model: quiet })) })
  const quiet = new ScriptedModel([])

  /** An agent that loads some items, in a table whose head is the one among them. */
  function agentOver(items: readonly object[], options: Partial<DynamoDBSessionManagerOptions> = {}, script?: Script) {
    const made = agentFor({ logger: silent, ...options }, 40, script)
    made.answers.on(QueryCommand).resolves({ Items: [stateOfAgent(), ...items] })
    made.answers.on(GetCommand).callsFake(async ({ Key }) => {
      return Key.sk === windowed.sk ? { Item: windowed } : {}
    })
    return made
  }
  const textsOf = (agent: Agent): string[] =>
    agent.messages.map(({ content: [block] }) => (block?.type === 'textBlock' ? block.text : String(block?.type)))

  it('waits for one that is under way, and goes on behind its answer', async () => {
    const { agent, answers, takeSent } = agentOver([])
    answers
      .on(QueryCommand)
      // The restore; a look at their turn; the restore of what it has added.
      .resolvesOnce({ Items: [stateOfAgent(), windowed, open, ...stored] })
      .resolvesOnce({ Items: [open, settled, windowed] })
      .resolves({ Items: [stateOfAgent(), windowed, settled, open, ...stored] })
    await agent.invoke('Mine')
    expect(textsOf(agent)).toEqual(['a1', 'B1', 'c1', 'D1', 'Mine', 'Answer 0'])
    const sent = takeSent()
    expect(sent.map(([name]) => name)).toEqual([
      ...Array(3).fill('QueryCommand'),
      'PutCommand',
      'PutCommand',
      'GetCommand',
    ])
    expect(writtenKeys(sent)).toEqual(['PutCommand agent#a#msg#0000000005', 'PutCommand agent#a#msg#0000000006'])
  })

  it('is refused before anything is written when it is not to wait', async () => {
    const { agent, takeSent } = agentOver([windowed, open, ...stored], { turnWaitMs: 0 })
    expect(await rejectionOf(agent.invoke('Mine'))).toMatchObject({
      ...{ name: 'SessionBusyError', sessionId: 's', scopeId: 'a', writer: OTHER, retryAfterMs: 120_000 },
    })
    expect([writtenKeys(takeSent()), textsOf(agent)]).toEqual([[], ['a1', 'B1', 'c1']])
    expect((agent.model as ScriptedModel).calls).toEqual([])
  })

  it('waits no longer than its own process lives', async () => {
    const { agent, takeSent } = agentOver([windowed, open, ...stored], { getRemainingTimeInMillis: () => 0 })
    expect(await rejectionOf(agent.invoke('Mine'))).toMatchObject({ name: 'SessionBusyError' })
    expect(writtenKeys(takeSent())).toEqual([])
  })

  it('that was faster is waited for, and its messages come first', async () => {
    const { agent, answers, takeSent } = agentOver([windowed, ...stored])
    answers.on(PutCommand).rejectsOnce(refused).resolves({})
    answers
      .on(QueryCommand)
      .resolvesOnce({ Items: [stateOfAgent(), windowed, ...stored] })
      .resolves({ Items: [stateOfAgent(), windowed, settled, open, ...stored] })
    await agent.invoke('Mine')
    expect(textsOf(agent)).toEqual(['a1', 'B1', 'c1', 'D1', 'Mine', 'Answer 0'])
    expect((agent.model as ScriptedModel).calls).toEqual([expect.stringContaining('"D1"')])
    expect(writtenKeys(takeSent())).toEqual([
      'PutCommand agent#a#msg#0000000003',
      'PutCommand agent#a#msg#0000000005',
      'PutCommand agent#a#msg#0000000006',
    ])
  })

  it('is fenced off once it has begun: a conflict, and nothing is overwritten', async () => {
    const script = () => {
      answers.on(PutCommand).rejects(refused)
      return { text: 'Late' }
    }
    const { agent, answers } = agentOver([windowed, ...stored], {}, script)
    const error = await rejectionOf(agent.invoke('Mine'))
    expect(error).toMatchObject({
      ...{ name: 'AnswerNotSavedError', sessionId: 's' },
      answer: { role: 'assistant', content: [{ text: 'Late' }] },
      cause: { name: 'SessionConflictError', key: 'agent#a#msg#0000000004', actual: `written by ${OTHER}` },
    })
  })

  it('goes on from where another one has crashed, and says once that it was repaired', async () => {
    const warn = vi.fn()
    const crashed = theirs(3, 'c1', { until: START })
    const { agent, takeSent } = agentOver([windowed, crashed, ...stored], { logger: { ...silent, warn } })
    await agent.invoke('Mine')
    expect(textsOf(agent)).toEqual([
      ...['a1', 'B1', 'c1', 'The turn was interrupted before it was answered.', 'Mine', 'Answer 0'],
    ])
    expect(warn.mock.calls).toEqual([
      [
        'session_id=<s>, agent_id=<a>, repair=<complete>, messages=<3>, repaired_messages=<4> | ' +
          'an earlier turn was cut short, the conversation was repaired',
      ],
    ])
    expect(writtenKeys(takeSent()).filter((key) => /msg#\d+$/.test(key))).toEqual(
      [4, 5, 6].map((seq) => `PutCommand agent#a#msg#000000000${seq}`),
    )
  })

  it('marks its rows with its lease, of which no more is left than its process lives', async () => {
    const leases = async (options: Partial<DynamoDBSessionManagerOptions>) => {
      const { agent, takeSent } = agentOver([windowed, ...stored], options)
      await agent.invoke('Mine')
      return takeSent().flatMap(([, input]) => {
        const { Item } = Object(input)
        return Item === undefined ? [] : [Item.until]
      })
    }
    expect(await leases({})).toEqual([until, undefined])
    expect(await leases({ turnLeaseMs: 5000 })).toEqual([START + 5000, undefined])
    expect(await leases({ turnLeaseMs: 5000, getRemainingTimeInMillis: () => 3000 })).toEqual([START + 3000, undefined])
    expect(await leases({ turnExclusion: false })).toEqual([START, undefined])
  })

  it('of another agent with the same id in the same process is another writer', async () => {
    const { manager, takeSent } = managerFor()
    for (const text of ['One', 'Two']) {
      const model = new ScriptedModel(() => ({ text }))
      await new Agent({ id: 'a', printer: false, sessionManager: manager, model }).invoke(text)
    }
    const writers = takeSent().flatMap(([, input]) => Object(input).Item?.writer ?? [])
    expect(writers).toHaveLength(4)
    expect(new Set(writers).size).toBe(2)
  })

  it('in a session that was deleted meanwhile is taken back, and its answer is in the error', async () => {
    const { agent, answers, takeSent } = agentOver([windowed, ...stored], {}, () => {
      answers.on(GetCommand).resolves({}).on(QueryCommand).resolves({})
      return { text: 'Late' }
    })
    expect(await rejectionOf(agent.invoke('Mine'))).toMatchObject({
      ...{ name: 'AnswerNotSavedError', answer: { content: [{ text: 'Late' }] } },
      cause: { name: 'SessionConflictError', actual: 'nothing: it was deleted' },
    })
    expect(writtenKeys(takeSent()).slice(-2)).toEqual([
      'DeleteCommand agent#a#msg#0000000003',
      'DeleteCommand agent#a#msg#0000000004',
    ])
  })
})

describe('an answer that cannot be stored', () => {
  const cause = new ThrottlingException({ message: 'slow down', $metadata: {} })

  /** An agent that has had one turn, and whose second answer meets a table that throttles. */
  async function throttledAgent(options: Partial<DynamoDBSessionManagerOptions> = {}, script?: Script) {
    const made = agentFor({ logger: silent, ...options }, 40, (call, messages) => {
      if (call === 1) made.answers.on(PutCommand).rejects(cause)
      return script === undefined || call === 0 ? { text: `Answer ${call}` } : play(script, call, messages)
    })
    await made.agent.invoke('One')
    const items = [...itemsOf(made.takeSent()).values()].sort((a, b) => (a.sk < b.sk ? 1 : -1))
    made.answers.on(QueryCommand).resolves({ Items: items })
    return { ...made, storedItems: items }
  }

  it('is in the error', async () => {
    const { agent } = await throttledAgent()
    expect(await rejectionOf(agent.invoke('Two'))).toMatchObject({
      ...{ name: 'AnswerNotSavedError', sessionId: 's' },
      answer: { role: 'assistant', content: [{ text: 'Answer 1' }] },
      cause: { name: 'TableRequestError', operation: 'PutItem', retryable: true, cause },
    })
  })

  it('is handed over when the failure is reported elsewhere', async () => {
    const reported: unknown[] = []
    const { agent } = await throttledAgent({ onAnswerNotSaved: (error) => reported.push(error) })
    const result = await agent.invoke('Two')
    expect(result.lastMessage.content).toMatchObject([{ text: 'Answer 1' }])
    expect(reported).toMatchObject([{ name: 'AnswerNotSavedError', answer: { content: [{ text: 'Answer 1' }] } }])
  })

  it('is stored by the next save', async () => {
    const { agent, answers, takeSent, storedItems } = await throttledAgent({ onAnswerNotSaved: () => {} })
    await agent.invoke('Two')
    // The user's message was stored, the answer was not.
    const asked = itemsOf(takeSent()).get('agent#a#msg#0000000003')
    expect(asked).toMatchObject({ data: expect.stringContaining('Two') })
    answers.on(QueryCommand).resolves({ Items: [...(asked === undefined ? [] : [asked]), ...storedItems] })
    await agent.invoke('Three')
    expect(writtenKeys(takeSent())).toEqual([4, 5, 6].map((seq) => `PutCommand agent#a#msg#000000000${seq}`))
  })

  it("does not hide the model's own error", async () => {
    const error = vi.fn()
    const failure = new Error('the model is down')
    const { agent, answers } = await throttledAgent({ logger: { ...silent, error } }, () => ({ error: failure }))
    expect(await rejectionOf(agent.invoke('Two'))).toMatchObject({ name: 'ModelError', message: failure.message })
    expect(answers.commandCalls(PutCommand).length).toBeGreaterThan(0)
    expect(error.mock.calls).toEqual([
      ['session_id=<s>, agent_id=<a>, error=<TableRequestError> | save failed after an error'],
    ])
  })
})

describe('a turn with an id', () => {
  const event = (turnId: unknown) => ({ invocationState: { turnId } })

  it('marks its rows, and says at its end that it has ended', async () => {
    const { agent, takeSent } = agentFor()
    await agent.invoke('Hello', event('event#1'))
    const sent = takeSent()
    expect(writtenKeys(sent).slice(3)).toEqual([
      'PutCommand agent#a#msg#0000000001',
      'PutCommand agent#a#msg#0000000002',
      'PutCommand agent#a#turn#event%231',
    ])
    const items = sent.flatMap(([, input]) => Object(input).Item ?? [])
    expect(items).toMatchObject([
      { turn: 'event#1' },
      { turn: 'event#1' },
      { data: '{"answer":2,"incarnation":"0mjuohs00"}' },
    ])
  })

  it('that has ended gives its answer again, without a model call or a write', async () => {
    const { agent, answers, takeSent } = agentFor()
    await agent.invoke('Hello', event('event-1'))
    const written = itemsOf(takeSent())
    answers.on(GetCommand).callsFake(async ({ Key }) => ({ Item: written.get(Key.sk) }))
    const before = agent.messages.length
    const result = await agent.invoke('Hello', event('event-1'))
    expect(result.lastMessage.content).toMatchObject([{ text: 'Answer 0' }])
    expect(result.stopReason).toBe('endTurn')
    expect((agent.model as ScriptedModel).calls).toHaveLength(1)
    expect([writtenKeys(takeSent()), agent.messages.length]).toEqual([[], before])
  })

  test.each([[null], [''], [7], ['a\u0000'], ['x'.repeat(257)], [{}]])('is refused with the id %j', async (turnId) => {
    const { agent, takeSent } = agentFor()
    expect(await rejectionOf(agent.invoke('Hello', event(turnId)))).toMatchObject({
      ...{ name: 'InvalidOptionError', field: 'invocationState.turnId', value: turnId },
    })
    expect([writtenKeys(takeSent()), (agent.model as ScriptedModel).calls, agent.messages]).toEqual([[], [], []])
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

describe('retries', () => {
  it('of a manager and its agents are reported and counted together', async () => {
    const operations: string[] = []
    const { manager, agent, answers } = agentFor({ onRetry: ({ operation }) => operations.push(operation) })
    answers.on(QueryCommand).resolves({ $metadata: { attempts: 3 } })
    await agent.invoke('Hi.')
    answers.on(GetCommand).resolves({ $metadata: { attempts: 2 } })
    await manager.findSession()
    expect(operations).toEqual(['Query', 'GetItem'])
    expect(manager.retryCount).toBe(3)
  })

  it('are counted when nobody listens', async () => {
    const { manager, answers } = managerFor()
    answers.on(GetCommand).resolves({ $metadata: { attempts: 2 } })
    await manager.findSession()
    expect(manager.retryCount).toBe(1)
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
