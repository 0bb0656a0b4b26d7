/** What is in the table, and when: after each message, each invocation, or only when the caller says so. */

import {
  AfterInvocationEvent,
  BeforeModelCallEvent,
  HookOrder,
  Message,
  type Plugin,
  SlidingWindowConversationManager,
  TextBlock,
} from '@strands-agents/sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { messagesIn } from './support/stored-items.ts'
import { countRequests, createTestTable, type TestTable } from './support/table.ts'
import { always, answers, messagesOf, testSession, toolNamed } from './support/test-session.ts'

let table: TestTable

beforeAll(async () => {
  table = await createTestTable()
})

afterAll(() => table.drop())

/** One turn with a tool call: four messages. */
const toolTurn = [{ text: 'Looking.', toolUses: [{ name: 'look', input: {} }] }, { text: 'Done.' }]

describe("saveLatestOn: 'message', the default", () => {
  test('saves each message as it is added: a process that dies in mid-turn loses nothing', async () => {
    const session = testSession(table)
    const seen: string[][] = []
    const note = async (): Promise<void> => {
      seen.push(messagesOf(await session.restored()))
    }
    const look = toolNamed('look', async () => {
      await note()
      return 'seen'
    })
    const agent = session.agent(toolTurn, { tools: [look] })
    agent.addHook(BeforeModelCallEvent, note)

    await agent.invoke('Look!')

    const afterUser = ['user: Look!']
    const afterTool = [...afterUser, 'assistant: Looking. + toolUse', 'user: toolResult']
    expect(seen).toEqual([afterUser, afterUser, afterTool])
    expect(messagesIn(await session.items())).toEqual([...afterTool, 'assistant: Done.'])
  })

  test('saves state that a tool changed with the next message', async () => {
    const session = testSession(table)
    const look = toolNamed('look', ({ agent }) => {
      agent.appState.set('looked', true)
      return 'seen'
    })
    const agent = session.agent(toolTurn, { tools: [look] })
    const seen: unknown[] = []
    agent.addHook(BeforeModelCallEvent, async () => {
      seen.push((await session.restored()).appState.getAll())
    })
    await agent.invoke('Look!')
    expect(seen).toEqual([{}, { looked: true }])
  })

  test('writes each message once, and an unchanged state not at all', async () => {
    const session = testSession(table)
    const agent = session.agent(always('Yes.'))
    await agent.invoke('First?')
    const counter = countRequests(table.client)
    await agent.invoke('Second?')
    expect(counter.reset().map(({ operation }) => operation)).toEqual([
      'PutItem',
      'PutItem',
      // Whether the session has been deleted in the meantime.
      'GetItem',
    ])
    table.client.middlewareStack.remove('countRequests')
  })

  test('saves messages that were pushed past the hooks', async () => {
    const session = testSession(table)
    const agent = session.agent(answers('One.', 'Two.'))
    await agent.invoke('First.')
    agent.messages.push(new Message({ role: 'user', content: [new TextBlock('Pushed.')] }))
    agent.messages.push(new Message({ role: 'assistant', content: [new TextBlock('Pushed too.')] }))
    await agent.invoke('Second.')
    expect(messagesOf(await session.restored())).toEqual(messagesOf(agent))
  })
})

describe('after an invocation', () => {
  test('the trimmed window is what a new process resumes with; the log keeps the history', async () => {
    const session = testSession(table)
    const conversationManager = new SlidingWindowConversationManager({ windowSize: 4 })
    const agent = session.agent(always('Yes.'), { conversationManager })
    for (const question of ['1?', '2?', '3?', '4?']) await agent.invoke(question)

    const resumed = await session.restored()

    expect(messagesOf(resumed)).toEqual(['user: 3?', 'assistant: Yes.', 'user: 4?', 'assistant: Yes.'])
    expect(messagesIn(await session.items())).toHaveLength(8)
  })

  test('late changes of plugins to the state are saved', async () => {
    const session = testSession(table)
    const late: Plugin = {
      name: 'late',
      initAgent: (agent) => {
        agent.addHook(AfterInvocationEvent, () => agent.appState.set('late', 'written'), { order: HookOrder.SDK_LAST })
      },
    }
    await session.agent(answers('Yes.'), { plugins: [late] }).invoke('Well?')
    expect((await session.restored()).appState.get('late')).toBe('written')
  })

  test('the state is saved when the invocation failed', async () => {
    const session = testSession(table)
    const agent = session.agent([{ error: new Error('The model is down.') }])
    agent.addHook(BeforeModelCallEvent, () => agent.appState.set('asked', true))
    await expect(agent.invoke('Well?')).rejects.toThrow('The model is down.')
    const resumed = await session.restored()
    expect(messagesOf(resumed)).toEqual(['user: Well?'])
    expect(resumed.appState.get('asked')).toBe(true)
  })
})

describe("saveLatestOn: 'invocation'", () => {
  test('saves the first message at once, so that the turn shows, and the others when the invocation has ended', async () => {
    const session = testSession(table)
    const during: string[][] = []
    const look = toolNamed('look', async () => {
      during.push(messagesIn(await session.items()))
      return 'seen'
    })
    const agent = session.agent(toolTurn, { tools: [look], manager: { saveLatestOn: 'invocation' } })
    await agent.invoke('Look!')
    expect(during).toEqual([['user: Look!']])
    expect(messagesOf(await session.restored())).toEqual(messagesOf(agent))
  })

  test('saves the trimmed window too', async () => {
    const session = testSession(table)
    const conversationManager = new SlidingWindowConversationManager({ windowSize: 2 })
    const agent = session.agent(always('Yes.'), { conversationManager, manager: { saveLatestOn: 'invocation' } })
    for (const question of ['1?', '2?', '3?']) await agent.invoke(question)
    expect(messagesOf(await session.restored())).toEqual(['user: 3?', 'assistant: Yes.'])
    expect(messagesIn(await session.items())).toHaveLength(6)
  })
})

describe("saveLatestOn: 'trigger'", () => {
  test('saves nothing by itself', async () => {
    const session = testSession(table)
    await session.agent(answers('Yes.'), { manager: { saveLatestOn: 'trigger' } }).invoke('Well?')
    expect(await session.items()).toEqual([])
  })

  test('saves when the caller says so', async () => {
    const session = testSession(table)
    const manager = session.manager({ saveLatestOn: 'trigger' })
    const agent = session.agent(answers('Yes.'), { manager })
    await agent.invoke('Well?')
    await manager.saveSnapshot({ target: agent, isLatest: true })
    expect(messagesOf(await session.restored())).toEqual(['user: Well?', 'assistant: Yes.'])
  })

  test('saves when the trigger fires, the latest and an immutable snapshot', async () => {
    const session = testSession(table)
    const snapshotTrigger = ({ agentData }: { agentData: { messages: unknown[] } }): boolean =>
      agentData.messages.length === 4
    const agent = session.agent(answers('One.', 'Two.', 'Three.'), {
      manager: { saveLatestOn: 'trigger', snapshotTrigger },
    })
    for (const question of ['1?', '2?', '3?']) await agent.invoke(question)

    const manager = session.manager()
    const resumed = await session.restored({ manager })

    expect(messagesOf(resumed)).toEqual(['user: 1?', 'assistant: One.', 'user: 2?', 'assistant: Two.'])
    expect(await manager.listSnapshotIds({ target: resumed })).toHaveLength(1)
  })
})
