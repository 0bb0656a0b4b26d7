/** A process may die at any point: the next one has a conversation that model providers take. */

import { InterruptResponseContent } from '@strands-agents/sdk'
import { type DynamoDBSessionManagerOptions, verifySession } from 'strands-session-dynamodb'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { GatedModel, gate } from './support/gate.ts'
import { type Script, ScriptedModel } from './support/scripted-model.ts'
import { stallingClient } from './support/stalling-client.ts'
import { messagesIn } from './support/stored-items.ts'
import { createTestTable, type TestTable } from './support/table.ts'
import { always, answers, messagesOf, type TestSession, testSession, toolNamed } from './support/test-session.ts'
import { expectValid } from './support/valid-conversation.ts'

let table: TestTable

beforeAll(async () => {
  table = await createTestTable()
})

afterAll(() => table.drop())

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
})

afterEach(() => vi.useRealTimers())

const LEASE = 1000
const SECRET = 'the moon landing'
const tools = [toolNamed('look', () => 'a thing')]
const lookTwice: Script = [
  {
    toolUses: [
      { name: 'look', input: {}, toolUseId: 'a' },
      { name: 'look', input: {}, toolUseId: 'b' },
    ],
  },
  { text: 'Once more.', toolUses: [{ name: 'look', input: {}, toolUseId: 'c' }] },
  { text: 'I saw it.' },
]

/** Runs a turn of six messages; its process dies before it has stored more than some of them. */
async function dieAfter(session: TestSession, stored: number): Promise<void> {
  const before = messagesIn(await session.items()).length
  const stalling = stallingClient(`#msg#${String(before + stored + 1).padStart(10, '0')}"`)
  const agent = session.agent(lookTwice, { tools, manager: { client: stalling.client } })
  agent.invoke(`Look at ${SECRET}!`).catch(() => undefined)
  await stalling.stalled
  expect(messagesIn(await session.items())).toHaveLength(before + stored)
  vi.setSystemTime(Date.now() + LEASE)
}

function crashed(options: Partial<DynamoDBSessionManagerOptions> = {}): TestSession {
  return testSession(table, { turnLeaseMs: LEASE, turnWaitMs: 0, ...options })
}

describe.each([1, 2, 3, 4, 5])('after a crash with %d of 6 messages stored', (stored) => {
  test.each(['complete', 'drop'] as const)("the model gets a valid conversation: repair '%s'", async (repair) => {
    const session = crashed({ repair })
    await session.agent(answers('Hello.')).invoke('Hi.')
    await dieAfter(session, stored)
    const rows = messagesIn(await session.items())

    const model = new ScriptedModel(answers('Yes.', 'Still.'))
    const next = session.agent(model, { tools })
    await next.invoke('Anyone?')

    expectValid(next)
    expect(messagesOf(next).slice(0, 2)).toEqual(['user: Hi.', 'assistant: Hello.'])
    expect(messagesOf(next).slice(-2)).toEqual(['user: Anyone?', 'assistant: Yes.'])
    if (repair === 'drop') expect(messagesOf(next)).toHaveLength(4)
    else expect(messagesOf(next).slice(2, 2 + stored)).toEqual(rows.slice(2))
    // The log keeps what happened.
    expect(messagesIn(await session.items()).slice(0, 2 + stored)).toEqual(rows)
    // The repair is stored: nobody repairs again.
    expect((await session.restored()).messages).toEqual(next.messages)
    const warnings: unknown[] = []
    const logger = {
      debug: () => {},
      info: () => {},
      warn: (...args: unknown[]) => void warnings.push(args),
      error: () => {},
    }
    const third = session.agent(answers('Still.'), { tools, manager: { logger } })
    await third.invoke('And now?')
    expect(warnings).toEqual([])
    expectValid(third)
    const { tableName, client } = table
    expect(await verifySession({ sessionId: session.sessionId, tableName, client })).toMatchObject({ problems: [] })
  })
})

test("repair 'off' leaves the conversation as it was stored", async () => {
  const session = crashed({ repair: 'off' })
  await dieAfter(session, 2)
  const next = session.agent(answers('Yes.'), { tools })
  await next.invoke('Anyone?')
  expect(messagesOf(next)).toEqual([
    `user: Look at ${SECRET}!`,
    'assistant: toolUse + toolUse',
    'user: Anyone?',
    'assistant: Yes.',
  ])
})

test('is logged once, and without what was said', async () => {
  const session = crashed()
  await dieAfter(session, 2)
  const logged: unknown[][] = []
  const note = (...args: unknown[]): void => void logged.push(args)
  const logger = { debug: note, info: note, warn: note, error: note }
  const agent = session.agent(always('Yes.'), { tools, manager: { logger } })
  await agent.invoke('Anyone?')
  await agent.invoke('Again?')
  const lines = logged.map((line) => JSON.stringify(line)).filter((line) => line.includes('repaired'))
  expect(lines).toHaveLength(1)
  expect(lines[0]).toContain(session.sessionId)
  expect(JSON.stringify(logged)).not.toContain(SECRET)
})

test('a crash of a second turn in a row is repaired too', async () => {
  const session = crashed()
  await dieAfter(session, 2)
  await dieAfter(session, 1)
  await dieAfter(session, 0)
  const next = session.agent(answers('Yes.'), { tools })
  await next.invoke('Anyone?')
  expectValid(next)
  expect((await session.restored()).messages).toEqual(next.messages)
})

test('a crash while the repair was being stored is repaired', async () => {
  const session = crashed()
  await dieAfter(session, 2)
  // The repair adds a result and an answer: the process dies between them and its own message.
  const stalling = stallingClient('#msg#0000000004"')
  const dying = session.agent(answers('never said'), { tools, manager: { client: stalling.client } })
  dying.invoke('Anyone?').catch(() => undefined)
  await stalling.stalled
  vi.setSystemTime(Date.now() + LEASE)
  const next = session.agent(answers('Yes.'), { tools })
  await next.invoke('Anyone?')
  expectValid(next)
  expect(messagesOf(next).filter((message) => message === 'user: Anyone?')).toHaveLength(1)
  expect((await session.restored()).messages).toEqual(next.messages)
})

test('a process that died before its first message has left nothing to repair', async () => {
  const session = crashed()
  const stalling = stallingClient('#msg#0000000001"')
  session
    .agent(lookTwice, { tools, manager: { client: stalling.client } })
    .invoke('Look!')
    .catch(() => undefined)
  await stalling.stalled
  const next = session.agent(answers('Yes.'))
  await next.invoke('Anyone?')
  expect(messagesOf(await session.restored())).toEqual(['user: Anyone?', 'assistant: Yes.'])
})

describe.each(['complete', 'drop'] as const)("an agent that waits for a person is not repaired: '%s'", (repair) => {
  test('in a session that another process goes on with', async () => {
    const session = crashed({ repair })
    const asking = [toolNamed('delete_files', (context) => context.interrupt({ name: 'approval' }))]
    const script: Script = [{ text: 'I delete them.', toolUses: [{ name: 'delete_files', input: {} }] }]
    const result = await session.agent(script, { tools: asking }).invoke('Delete my files.')
    expect(result.stopReason).toBe('interrupt')
    vi.setSystemTime(Date.now() + 10 * LEASE)

    const agent = session.agent(answers('All gone.'), { tools: asking })
    const [interrupt] = result.interrupts ?? []
    await agent.invoke([new InterruptResponseContent({ interruptId: interrupt?.id ?? '', response: 'yes' })])

    const transcript = [
      'user: Delete my files.',
      'assistant: I delete them. + toolUse',
      'user: toolResult',
      'assistant: All gone.',
    ]
    expect(messagesOf(agent)).toEqual(transcript)
    expect(messagesOf(await session.restored())).toEqual(transcript)
  })

  test('and one whose process died while it asked can still be answered', async () => {
    const session = crashed({ repair })
    const at = gate()
    const asking = [toolNamed('delete_files', (context) => context.interrupt({ name: 'approval' }))]
    const script: Script = [{ toolUses: [{ name: 'delete_files', input: {} }] }]
    const result = await session.agent(script, { tools: asking }).invoke('Delete my files.')
    // Answers, and dies before the model has said anything.
    const [interrupt] = result.interrupts ?? []
    const response = () => [new InterruptResponseContent({ interruptId: interrupt?.id ?? '', response: 'yes' })]
    const dying = session.agent(new GatedModel([], at), { tools: asking })
    dying.invoke(response()).catch(() => undefined)
    await at.reached
    vi.setSystemTime(Date.now() + LEASE)
    const next = session.agent(answers('Yes.'), { tools: asking })
    await next.invoke('Anyone?')
    expectValid(next)
    expect(messagesOf(next).slice(-2)).toEqual(['user: Anyone?', 'assistant: Yes.'])
  })
})
