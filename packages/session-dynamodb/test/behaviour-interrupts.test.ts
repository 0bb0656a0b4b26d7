/** Human in the loop: an agent that waits for an answer is resumed by another process, which has the answer. */

import {
  type Agent,
  type AgentResult,
  BeforeToolCallEvent,
  InterruptResponseContent,
  type JSONValue,
} from '@strands-agents/sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { noise } from './support/noise.ts'
import type { Script } from './support/scripted-model.ts'
import { createTestTable, type TestTable } from './support/table.ts'
import { answers, messagesOf, type TestAgentConfig, testSession, toolNamed } from './support/test-session.ts'

let table: TestTable

beforeAll(async () => {
  table = await createTestTable()
})

afterAll(() => table.drop())

const deleteFiles: Script = [{ text: 'I delete them.', toolUses: [{ name: 'delete_files', input: {} }] }]

function answersTo(result: AgentResult, response: JSONValue): InterruptResponseContent[] {
  return (result.interrupts ?? []).map(({ id }) => new InterruptResponseContent({ interruptId: id, response }))
}

describe('an interrupt raised by a tool', () => {
  const asking = (answered: JSONValue[]): TestAgentConfig => ({
    tools: [
      toolNamed('delete_files', (context) => {
        answered.push(context.interrupt({ name: 'approval', reason: { files: 3 } }))
        return 'deleted'
      }),
    ],
  })

  test('is answered in another process, where the tool then runs', async () => {
    const session = testSession(table)
    const answered: JSONValue[] = []
    const result = await session.agent(deleteFiles, asking(answered)).invoke('Delete my files.')
    expect(result).toMatchObject({ stopReason: 'interrupt', interrupts: [{ name: 'approval', reason: { files: 3 } }] })
    expect(answered).toEqual([])

    const agent = session.agent(answers('All gone.'), asking(answered))
    const resumed = await agent.invoke(answersTo(result, { approved: true }))

    expect(resumed.stopReason).toBe('endTurn')
    expect(answered).toEqual([{ approved: true }])
    const transcript = [
      'user: Delete my files.',
      'assistant: I delete them. + toolUse',
      'user: toolResult',
      'assistant: All gone.',
    ]
    expect(messagesOf(await session.restored())).toEqual(transcript)
  })

  test('still waits in a process that has no answer', async () => {
    const session = testSession(table)
    await session.agent(deleteFiles, asking([])).invoke('Delete my files.')
    const agent = session.agent(answers('never said'), asking([]))
    await expect(agent.invoke('And now?')).rejects.toThrow(/interrupt/)
  })

  test('is over once it was answered', async () => {
    const session = testSession(table)
    const result = await session.agent(deleteFiles, asking([])).invoke('Delete my files.')
    await session.agent(answers('All gone.'), asking([])).invoke(answersTo(result, 'yes'))
    const third = session.agent(answers('You are welcome.'))
    await third.invoke('Thanks.')
    expect(messagesOf(third)).toHaveLength(6)
  })

  test('keeps results over 400 KB of tools that have run already', async () => {
    const session = testSession(table)
    const large = noise(500_000)
    const runs: string[] = []
    const tools = [
      toolNamed('read_files', () => {
        runs.push('read_files')
        return large
      }),
      ...(asking([]).tools ?? []),
    ]
    const both: Script = [
      {
        toolUses: [
          { name: 'read_files', input: {} },
          { name: 'delete_files', input: {} },
        ],
      },
    ]
    const result = await session.agent(both, { tools, toolExecutor: 'sequential' }).invoke('Read, then delete.')

    const agent = session.agent(answers('Done.'), { tools, toolExecutor: 'sequential' })
    await agent.invoke(answersTo(result, 'yes'))

    expect(runs).toEqual(['read_files'])
    expect(JSON.stringify((await session.restored()).messages[2])).toContain(large)
    expect((await session.items()).filter(({ sk }) => sk.includes('#msg#state#part#'))).toEqual([])
  })
})

describe('an interrupt raised by a hook', () => {
  const gated = (agent: Agent, answered: unknown[]): Agent => {
    agent.addHook(BeforeToolCallEvent, (event) => void answered.push(event.interrupt({ name: 'gate' })))
    return agent
  }
  const tools = [toolNamed('delete_files', () => 'deleted')]

  test('is answered in another process', async () => {
    const session = testSession(table)
    const answered: unknown[] = []
    const result = await gated(session.agent(deleteFiles, { tools }), answered).invoke('Delete my files.')
    expect(result.stopReason).toBe('interrupt')
    const agent = gated(session.agent(answers('All gone.'), { tools }), answered)
    await agent.invoke(answersTo(result, 'open'))
    expect(answered).toEqual(['open'])
    expect((await session.restored()).messages).toEqual(agent.messages)
  })

  test.each(['message', 'invocation'] as const)("is there to answer with saveLatestOn: '%s'", async (saveLatestOn) => {
    const session = testSession(table, { saveLatestOn })
    await gated(session.agent(deleteFiles, { tools }), []).invoke('Delete my files.')
    const { data } = (await session.restored()).takeSnapshot({ preset: 'session' })
    expect(data['interrupts']).toMatchObject({ activated: true, pendingToolExecution: {} })
  })
})
