/** A guardrail redacts a message: its text is then nowhere in the table, before the agent goes on. */

import { AfterModelCallEvent, BeforeModelCallEvent, HookOrder } from '@strands-agents/sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { noise } from './support/noise.ts'
import { isInTable, refuses, replaceText, secretText } from './support/redaction.ts'
import { createTestTable, type TestTable } from './support/table.ts'
import { answers, messagesOf, testSession, toolNamed } from './support/test-session.ts'

let table: TestTable

beforeAll(async () => {
  table = await createTestTable()
})

afterAll(() => table.drop())

describe('the redacted text is nowhere in the table', () => {
  test('before invoke() goes on', async () => {
    const secret = secretText()
    const session = testSession(table)
    const agent = session.agent(refuses)
    const seen: boolean[] = []
    agent.addHook(BeforeModelCallEvent, async () => void seen.push(await isInTable(table, secret)))
    agent.addHook(AfterModelCallEvent, async () => void seen.push(await isInTable(table, secret)), {
      order: HookOrder.SDK_LAST,
    })

    await agent.invoke(secret)

    expect(seen).toEqual([true, false])
    expect(await isInTable(table, secret)).toBe(false)
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
    expect([await isInTable(table, secret), await isInTable(table, edited)]).toEqual([false, false])
  })

  test('after it filled several items', async () => {
    const secret = secretText()
    const session = testSession(table)
    await session.agent(refuses).invoke(`${secret} ${noise(800_000)} ${secret}`)
    expect(await isInTable(table, secret)).toBe(false)
    expect((await session.items()).filter(({ sk }) => sk.includes('#part#'))).toEqual([])
  })

  test('when it was the result of a tool', async () => {
    const secret = secretText()
    const session = testSession(table)
    const tools = [toolNamed('look', () => secret)]
    const agent = session.agent([{ toolUses: [{ name: 'look', input: {} }] }, ...refuses], { tools })
    await agent.invoke('Look!')
    expect(await isInTable(table, secret)).toBe(false)
    expect((await session.restored()).messages).toEqual(agent.messages)
  })

  test('when a context manager has a copy of it in its stash', async () => {
    const secret = secretText()
    const session = testSession(table)
    await session.agent([...answers('Hello.'), ...refuses], { contextManager: 'auto' }).invoke('Hi.')
    await session.agent(refuses, { contextManager: 'auto' }).invoke(secret)
    expect(await isInTable(table, secret)).toBe(false)
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

    expect([await isInTable(table, secret), await isInTable(table, edited)]).toEqual([false, false])
  })
})

test('a redaction leaves other messages alone, also those with the same tracking id or the same text', async () => {
  const [secret, other] = [secretText(), secretText()]
  const session = testSession(table)
  const neighbour = testSession(table)
  await neighbour.agent(answers('Hello.')).invoke(other)
  const agent = session.agent([{ text: 'Hello.' }, ...refuses])
  await agent.invoke([{ role: 'user', content: [{ text: other }], trackingId: 'same' }])
  await agent.invoke([{ role: 'user', content: [{ text: secret }], trackingId: 'same' }])

  const expected = [`user: ${other}`, 'assistant: Hello.', 'user: [redacted]', 'assistant: I cannot answer that.']
  expect(messagesOf(await session.restored())).toEqual(expected)
  expect(await isInTable(table, secret)).toBe(false)
  expect(messagesOf(await neighbour.restored())).toEqual([`user: ${other}`, 'assistant: Hello.'])
})
