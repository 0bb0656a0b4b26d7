/** A redaction that fails half-way is completed by the next save. */

import { BeforeModelCallEvent, Message, TextBlock } from '@strands-agents/sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { faultyClient, INJECTED_ERROR, onlyOnce, type PendingRequest } from './support/faults.ts'
import { noise } from './support/noise.ts'
import { isInTable, refuses, replaceText, secretText } from './support/redaction.ts'
import { createTestTable, type TestTable } from './support/table.ts'
import { messagesOf, testSession } from './support/test-session.ts'

let table: TestTable

beforeAll(async () => {
  table = await createTestTable()
})

afterAll(() => table.drop())

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
    const agent = session.agent([...refuses, { text: 'Hello.' }], { manager })
    agent.addHook(BeforeModelCallEvent, async () => {
      if (agent.messages.length > 1) return
      replaceText(agent, `${edited}${noise(400_000)}`)
      await manager.saveSnapshot({ target: agent, isLatest: true })
      faulty.decide(failure())
    })
    await expect(agent.invoke(secret)).rejects.toMatchObject({ cause: { name: INJECTED_ERROR } })

    faulty.heal()
    await manager.saveSnapshot({ target: agent, isLatest: true })

    expect([await isInTable(table, secret), await isInTable(table, edited)]).toEqual([false, false])
    faulty.close()
  })

  test('to find rows that a failed save left behind removes them nevertheless', async () => {
    const secret = secretText()
    const faulty = faultyClient()
    const session = testSession(table, { client: faulty.client })
    const manager = session.manager()
    const agent = session.agent([{ text: 'Hello.' }, ...refuses], { manager })
    await agent.invoke('Hi.')
    // A trim and a new message in one save: the row is written, the head that would show it is not.
    faulty.decide(onlyOnce('fails', ({ text }) => text.includes('#msg#head')))
    agent.messages.splice(0, 1)
    const question = new Message({ role: 'user', content: [new TextBlock(secret)] })
    await expect(agent.invoke([question])).rejects.toMatchObject({ cause: { name: INJECTED_ERROR } })
    expect(await isInTable(table, secret)).toBe(true)

    faulty.heal()
    // The turn has never begun: the agent does not hold its message.
    expect(messagesOf(agent)).toEqual(['assistant: Hello.'])
    await agent.invoke([question])

    expect(await isInTable(table, secret)).toBe(false)
    faulty.close()
  })
})
