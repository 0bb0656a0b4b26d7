/** A guardrail redacts a message: its text is then nowhere in the table, before the agent goes on. */

import {
  AfterModelCallEvent,
  type Agent,
  BeforeModelCallEvent,
  HookOrder,
  Message,
  SlidingWindowConversationManager,
  TextBlock,
} from '@strands-agents/sdk'
import type { DynamoDBSessionManager } from 'strands-session-dynamodb'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { faultyClient, INJECTED_ERROR, onlyOnce, type PendingRequest } from './support/faults.ts'
import type { Script } from './support/scripted-model.ts'
import { itemsOfTable, textOf } from './support/stored-items.ts'
import { createTestTable, type TestTable } from './support/table.ts'
import { answers, messagesOf, testSession, toolNamed } from './support/test-session.ts'

let table: TestTable

beforeAll(async () => {
  table = await createTestTable()
})

afterAll(() => table.drop())

/** What nobody may find. Random text that the rest of the table cannot hold by chance. */
const secretText = (): string => `secret ${crypto.randomUUID()}`

const refuses: Script = [{ redact: { input: '[redacted]' }, text: 'I cannot answer that.' }]
const refusesAtLast: Script = [...(answers('Hello.') as []), ...refuses]

async function isInTable(text: string): Promise<boolean> {
  return textOf(await itemsOfTable(table)).includes(text)
}

describe('the redacted text is nowhere in the table', () => {
  test('before invoke() goes on', async () => {
    const secret = secretText()
    const session = testSession(table)
    const agent = session.agent(refuses)
    const seen: boolean[] = []
    agent.addHook(BeforeModelCallEvent, async () => void seen.push(await isInTable(secret)))
    agent.addHook(AfterModelCallEvent, async () => void seen.push(await isInTable(secret)), {
      order: HookOrder.SDK_LAST,
    })

    await agent.invoke(secret)

    expect(seen).toEqual([true, false])
    expect(await isInTable(secret)).toBe(false)
    expect(messagesOf(await session.restored())).toEqual(['user: [redacted]', 'assistant: I cannot answer that.'])
  })

  test('after the text was edited in place', async () => {
    const [secret, edited] = [secretText(), secretText()]
    const session = testSession(table)
    const manager = session.manager()
    const agent = session.agent(refuses, { manager })
    agent.addHook(BeforeModelCallEvent, async () => {
      replaceText(agent, edited)
      await manager.saveSnapshot({ target: agent, isLatest: true })
    })
    await agent.invoke(secret)
    expect([await isInTable(secret), await isInTable(edited)]).toEqual([false, false])
  })

  test('after it filled several items', async () => {
    const secret = secretText()
    const session = testSession(table)
    await session.agent(refuses).invoke(`${secret} ${'x'.repeat(800_000)} ${secret}`)
    expect(await isInTable(secret)).toBe(false)
    expect((await session.items()).filter(({ sk }) => sk.includes('#part#'))).toEqual([])
  })

  test('when it was the result of a tool', async () => {
    const secret = secretText()
    const session = testSession(table)
    const tools = [toolNamed('look', () => secret)]
    const agent = session.agent([{ toolUses: [{ name: 'look', input: {} }] }, ...(refuses as [])], { tools })
    await agent.invoke('Look!')
    expect(await isInTable(secret)).toBe(false)
    expect((await session.restored()).messages).toEqual(agent.messages)
  })

  test('when a context manager has a copy of it in its stash', async () => {
    const secret = secretText()
    const session = testSession(table)
    await session.agent(refusesAtLast, { contextManager: 'auto' }).invoke('Hi.')
    await session.agent(refuses, { contextManager: 'auto' }).invoke(secret)
    expect(await isInTable(secret)).toBe(false)
  })

  test('when a new process redacts what an earlier one had edited', async () => {
    const [secret, edited] = [secretText(), secretText()]
    const session = testSession(table)
    const first = session.agent([{ text: 'Hello.' }, { error: new Error('gone') }])
    await first.invoke('Hi.')
    await expect(first.invoke(secret)).rejects.toThrow('gone')
    replaceText(first, edited)
    await expect(first.invoke([])).rejects.toThrow()

    await session.agent(refuses).invoke([])

    expect([await isInTable(secret), await isInTable(edited)]).toEqual([false, false])
  })
})

describe('immutable snapshots that saw the text hold the redacted message', () => {
  const cases = ['message', 'invocation', 'trigger'] as const
  test.each(cases)("with saveLatestOn: '%s'", async (saveLatestOn) => {
    const secret = secretText()
    const session = testSession(table)
    const manager = session.manager({ saveLatestOn, snapshotTrigger: () => true })
    const agent = session.agent(refuses, { manager })
    snapshotBeforeModel(agent, manager)

    await agent.invoke(secret)

    expect(await isInTable(secret)).toBe(false)
    const [snapshotId = ''] = await manager.listSnapshotIds({ target: agent })
    const resumed = await session.restored({ manager: session.manager() })
    await session.manager().restoreSnapshot({ target: resumed, snapshotId })
    expect(messagesOf(resumed)).toEqual(['user: [redacted]'])
  })

  test('when they saw a version that the latest snapshot never had', async () => {
    const [secret, edited] = [secretText(), secretText()]
    const session = testSession(table)
    const manager = session.manager()
    const agent = session.agent(refuses, { manager })
    agent.addHook(BeforeModelCallEvent, async () => {
      replaceText(agent, edited)
      await manager.saveSnapshot({ target: agent, isLatest: false })
    })
    await agent.invoke(secret)
    expect([await isInTable(secret), await isInTable(edited)]).toEqual([false, false])
  })

  test('when the message was restored from one of them', async () => {
    const secret = secretText()
    const session = testSession(table)
    const manager = session.manager()
    const agent = session.agent([{ error: new Error('gone') }], { manager })
    snapshotBeforeModel(agent, manager)
    await expect(agent.invoke(secret)).rejects.toThrow('gone')
    agent.messages.length = 0
    await manager.saveSnapshot({ target: agent, isLatest: true })

    const second = session.manager({ saveLatestOn: 'invocation' })
    const resumed = session.agent(refuses, { manager: second })
    await resumed.initialize()
    const [snapshotId = ''] = await second.listSnapshotIds({ target: resumed })
    await second.restoreSnapshot({ target: resumed, snapshotId })
    await resumed.invoke([])

    expect(await isInTable(secret)).toBe(false)
  })

  test('when the message was stored a second time, far behind them', async () => {
    const secret = secretText()
    const session = testSession(table)
    const manager = session.manager()
    const agent = session.agent([{ error: new Error('gone') }], { manager })
    snapshotBeforeModel(agent, manager)
    await expect(agent.invoke(secret)).rejects.toThrow('gone')
    const copy = agent.takeSnapshot({ preset: 'session' })
    for (let turn = 0; turn < 20; turn++)
      agent.messages.push(new Message({ role: 'user', content: [new TextBlock('More.')] }))
    agent.messages.splice(0, 1)
    await manager.saveSnapshot({ target: agent, isLatest: true })

    const second = session.manager({ windowSize: 1 })
    const another = session.agent(refuses, { manager: second })
    await another.initialize()
    another.loadSnapshot(copy)
    await second.saveSnapshot({ target: another, isLatest: true })
    await another.invoke([])

    expect(await isInTable(secret)).toBe(false)
  })

  test("with saveLatestOn: 'trigger', also when the trigger fires after the message has left the window", async () => {
    const secret = secretText()
    const session = testSession(table)
    const snapshotTrigger = ({ agentData }: { agentData: { messages: Message[] } }): boolean =>
      !JSON.stringify(agentData.messages).includes('[redacted]')
    const manager = session.manager({ saveLatestOn: 'trigger', snapshotTrigger })
    const conversationManager = new SlidingWindowConversationManager({ windowSize: 2 })
    const agent = session.agent([...(refuses as []), ...(answers('2.', '3.') as [])], { manager, conversationManager })
    agent.addHook(BeforeModelCallEvent, async () => {
      if (agent.messages.length === 1) await manager.saveSnapshot({ target: agent, isLatest: false })
    })
    for (const question of [secret, '2?', '3?']) await agent.invoke(question)
    expect(messagesOf(await session.restored())).toContain('user: 3?')
    expect(await isInTable(secret)).toBe(false)
  })
})

describe('a redaction that fails', () => {
  const isOverwriting = ({ operation, text }: PendingRequest): boolean =>
    operation === 'PutItem' && text.includes('[redacted]')
  const cases = [
    ['at the first row', () => onlyOnce('fails', isOverwriting)],
    ['at the second row', () => onlyOnce('fails', isOverwriting, 2)],
    ['at the parts of a large value', () => onlyOnce('fails', ({ operation }) => operation === 'BatchWriteItem')],
    ['because its answer was lost', () => onlyOnce('loses its answer', isOverwriting)],
  ] as const

  test.each(cases)('%s is completed by the next save', async (_where, failure) => {
    const [secret, edited] = [secretText(), secretText()]
    const faulty = faultyClient()
    const session = testSession(table, { client: faulty.client })
    const manager = session.manager()
    const agent = session.agent([...(refuses as []), { text: 'Hello.' }], { manager })
    agent.addHook(BeforeModelCallEvent, async () => {
      if (agent.messages.length > 1) return
      replaceText(agent, `${edited}${'x'.repeat(400_000)}`)
      await manager.saveSnapshot({ target: agent, isLatest: true })
      faulty.decide(failure())
    })
    await expect(agent.invoke(secret)).rejects.toMatchObject({ cause: { name: INJECTED_ERROR } })

    faulty.heal()
    await manager.saveSnapshot({ target: agent, isLatest: true })

    expect([await isInTable(secret), await isInTable(edited)]).toEqual([false, false])
    faulty.close()
  })

  test('to find rows that a failed save left behind removes them nevertheless', async () => {
    const secret = secretText()
    const faulty = faultyClient()
    const session = testSession(table, { client: faulty.client })
    const manager = session.manager()
    const agent = session.agent([{ text: 'Hello.' }, ...(refuses as [])], { manager })
    await agent.invoke('Hi.')
    // A trim and a new message in one save: the row is written, the head that would show it is not.
    faulty.decide(onlyOnce('fails', ({ text }) => text.includes('#msg#head')))
    agent.messages.splice(0, 1)
    const question = new Message({ role: 'user', content: [new TextBlock(secret)] })
    await expect(agent.invoke([question])).rejects.toMatchObject({ cause: { name: INJECTED_ERROR } })
    expect(await isInTable(secret)).toBe(true)

    faulty.heal()
    // The turn has never begun: the agent does not hold its message.
    expect(messagesOf(agent)).toEqual(['assistant: Hello.'])
    await agent.invoke([question])

    expect(await isInTable(secret)).toBe(false)
    faulty.close()
  })
})

test('a redaction leaves other messages alone, also those with the same tracking id or the same text', async () => {
  const [secret, other] = [secretText(), secretText()]
  const session = testSession(table)
  const neighbour = testSession(table)
  await neighbour.agent(answers('Hello.')).invoke(other)
  const agent = session.agent([{ text: 'Hello.' }, ...(refuses as [])])
  await agent.invoke([{ role: 'user', content: [{ text: other }], trackingId: 'same' }])
  await agent.invoke([{ role: 'user', content: [{ text: secret }], trackingId: 'same' }])

  const expected = [`user: ${other}`, 'assistant: Hello.', 'user: [redacted]', 'assistant: I cannot answer that.']
  expect(messagesOf(await session.restored())).toEqual(expected)
  expect(await isInTable(secret)).toBe(false)
  expect(messagesOf(await neighbour.restored())).toEqual([`user: ${other}`, 'assistant: Hello.'])
})

/** Changes the last message in place, as context managers do. */
function replaceText(agent: Agent, text: string): void {
  agent.messages.at(-1)?.content.splice(0, 1, new TextBlock(text))
}

function snapshotBeforeModel(agent: Agent, manager: DynamoDBSessionManager): void {
  agent.addHook(BeforeModelCallEvent, () => manager.saveSnapshot({ target: agent, isLatest: false }))
}
