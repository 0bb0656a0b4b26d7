/** A redaction reaches immutable snapshots too: those that saw the text hold the redacted message. */

import { BeforeModelCallEvent, Message, SlidingWindowConversationManager, TextBlock } from '@strands-agents/sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isInTable, refuses, replaceText, secretText, snapshotBeforeModel } from './support/redaction.ts'
import { createTestTable, type TestTable } from './support/table.ts'
import { answers, messagesOf, testSession } from './support/test-session.ts'

let table: TestTable

beforeAll(async () => {
  table = await createTestTable()
})

afterAll(() => table.drop())

describe('immutable snapshots that saw the text hold the redacted message', () => {
  const cases = ['message', 'invocation', 'trigger'] as const
  test.each(cases)("with saveLatestOn: '%s'", async (saveLatestOn) => {
    const secret = secretText()
    const session = testSession(table)
    const manager = session.manager({ saveLatestOn, snapshotTrigger: () => true })
    const agent = session.agent(refuses, { manager })
    snapshotBeforeModel(agent, manager)

    await agent.invoke(secret)

    expect(await isInTable(table, secret)).toBe(false)
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
    expect([await isInTable(table, secret), await isInTable(table, edited)]).toEqual([false, false])
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

    expect(await isInTable(table, secret)).toBe(false)
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

    expect(await isInTable(table, secret)).toBe(false)
  })

  test("with saveLatestOn: 'trigger', also when the trigger fires after the message has left the window", async () => {
    const secret = secretText()
    const session = testSession(table)
    const snapshotTrigger = ({ agentData }: { agentData: { messages: Message[] } }): boolean =>
      !JSON.stringify(agentData.messages).includes('[redacted]')
    const manager = session.manager({ saveLatestOn: 'trigger', snapshotTrigger })
    const conversationManager = new SlidingWindowConversationManager({ windowSize: 2 })
    const agent = session.agent([...refuses, ...answers('2.', '3.')], { manager, conversationManager })
    agent.addHook(BeforeModelCallEvent, async () => {
      if (agent.messages.length === 1) await manager.saveSnapshot({ target: agent, isLatest: false })
    })
    for (const question of [secret, '2?', '3?']) await agent.invoke(question)
    expect(messagesOf(await session.restored())).toContain('user: 3?')
    expect(await isInTable(table, secret)).toBe(false)
  })
})
