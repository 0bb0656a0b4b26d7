/** What is logged: what happened to which session, and never what was said in it. */

import { BeforeModelCallEvent, type Logger } from '@strands-agents/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { faultyClient, onlyOnce } from './support/faults.ts'
import { refuses, secretText } from './support/redaction.ts'
import { createTestTable, type TestTable } from './support/table.ts'
import { answers, testSession } from './support/test-session.ts'

let table: TestTable

beforeAll(async () => {
  table = await createTestTable()
})

afterAll(() => table.drop())

/** A logger that writes down all that it is told. */
function notedIn(lines: string[]): Logger {
  const note = (...args: unknown[]): void => void lines.push(args.map(String).join(' '))
  return { debug: note, info: note, warn: note, error: note }
}

test('a deletion is logged with its session', async () => {
  const lines: string[] = []
  const session = testSession(table, { logger: notedIn(lines) })
  await session.agent(answers('Hello.')).invoke('Hi.')
  await session.manager().deleteSession()
  expect(lines).toContainEqual(expect.stringContaining(`session_id=<${session.sessionId}>`))
})

test('neither logs nor errors hold what was said, whatever goes wrong', async () => {
  const lines: string[] = []
  const secret = secretText()
  const faulty = faultyClient()
  const session = testSession(table, { client: faulty.client, logger: notedIn(lines) })
  const manager = session.manager({ snapshotTrigger: () => true })
  const agent = session.agent([...answers(secret, secret), ...refuses], {
    manager,
    systemPrompt: secret,
    appState: { secret },
  })
  agent.addHook(BeforeModelCallEvent, () => manager.saveSnapshot({ target: agent, isLatest: false }))
  const errors: unknown[] = []
  const noted = (error: unknown): void => void errors.push(error)

  await agent.invoke(secret)
  faulty.decide(onlyOnce('fails', ({ operation }) => operation === 'PutItem'))
  await agent.invoke(`${secret} again`).catch(noted)
  await agent.invoke(`${secret} at last`).catch(noted)
  const slower = await session.restored()
  await session.agent(answers('Yes.')).invoke(`${secret} faster`)
  await slower.invoke(`${secret} slower`).catch(noted)
  faulty.decide(onlyOnce('fails', ({ operation }) => operation === 'BatchWriteItem'))
  await session.manager().deleteSession().catch(noted)
  await session.agent(answers('never said')).invoke(secret).catch(noted)

  expect(errors.length).toBeGreaterThanOrEqual(4)
  expect(lines.filter((line) => line.includes(secret))).toEqual([])
  expect(errors.map(messageOf).filter((text) => text.includes(secret))).toEqual([])
  faulty.close()
})

/** All that an error says, with what caused it. */
function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.stack} ${JSON.stringify(error)} ${messageOf(error.cause)}` : String(error)
}
