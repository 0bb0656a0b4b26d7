/** A turn with an id runs once: a retried event gets the answer of the first run. */

import { AfterInvocationEvent, AfterModelCallEvent, SlidingWindowConversationManager } from '@strands-agents/sdk'
import { InvalidOptionError, SessionBusyError } from 'strands-session-dynamodb'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lookUp, textsOf, turnId, turnOfLook } from './support/active-turn.ts'
import { GatedModel, gate } from './support/gate.ts'
import { ScriptedModel } from './support/scripted-model.ts'
import { messagesIn } from './support/stored-items.ts'
import { createTestTable, type TestTable } from './support/table.ts'
import { always, answers, messagesOf, testSession, toolNamed } from './support/test-session.ts'
import { expectValid } from './support/valid-conversation.ts'

let table: TestTable

beforeAll(async () => {
  table = await createTestTable()
})

afterAll(() => table.drop())

const tools = [toolNamed('look', () => 'a thing')]

describe('a turn that was completed', () => {
  test.each(['same agent', 'another process'])('is not run again: the caller gets its answer: %s', async (where) => {
    const session = testSession(table)
    const first = session.agent(lookUp, { tools })
    const result = await first.invoke('Look!', turnId('event-1'))
    const before = await session.items()

    const model = new ScriptedModel([])
    const again = where === 'same agent' ? first : session.agent(model, { tools })
    const replayed = await again.invoke('Look!', turnId('event-1'))

    expect(textsOf(replayed)).toEqual(['I saw it.'])
    expect(replayed.stopReason).toBe('endTurn')
    expect(replayed.lastMessage.toJSON()).toEqual(result.lastMessage.toJSON())
    expect(model.calls).toEqual([])
    expect(messagesOf(again)).toEqual(turnOfLook)
    expect(await session.items()).toEqual(before)
  })

  test('is found behind later turns, and leaves the agent as it is', async () => {
    const session = testSession(table)
    const agent = session.agent((call) => ({ text: `answer ${call}` }))
    await agent.invoke('1?', turnId('1'))
    await agent.invoke('2?', turnId('2'))
    await agent.invoke('3?')
    const before = messagesOf(agent)
    expect(textsOf(await agent.invoke('1?', turnId('1')))).toEqual(['answer 0'])
    expect(textsOf(await session.agent([]).invoke('2?', turnId('2')))).toEqual(['answer 1'])
    expect(messagesOf(agent)).toEqual(before)
    await agent.invoke('4?', turnId('4'))
    expect(messagesOf(await session.restored())).toEqual([...before, 'user: 4?', 'assistant: answer 3'])
  })

  test('is found when its rows have left the window', async () => {
    const session = testSession(table, { windowSize: 2 })
    const conversationManager = () => new SlidingWindowConversationManager({ windowSize: 2 })
    for (let turn = 1; turn <= 12; turn++) {
      const agent = session.agent(answers(`answer ${turn}`), { conversationManager: conversationManager() })
      await agent.invoke(`${turn}?`, turn === 1 ? turnId('first') : {})
    }
    const model = new ScriptedModel([])
    const again = session.agent(model, { conversationManager: conversationManager() })
    expect(textsOf(await again.invoke('1?', turnId('first')))).toEqual(['answer 1'])
    expect(model.calls).toEqual([])
    expect(messagesOf(again)).toEqual(['user: 12?', 'assistant: answer 12'])
    expect(messagesOf(await session.restored())).toEqual(['user: 12?', 'assistant: answer 12'])
  })

  test('is known to an agent that was behind', async () => {
    const session = testSession(table)
    const model = new ScriptedModel(always('Yes.'))
    const behind = session.agent(model)
    await behind.invoke('1?')
    await session.agent(answers('No.')).invoke('2?', turnId('event-2'))
    expect(textsOf(await behind.invoke('2?', turnId('event-2')))).toEqual(['No.'])
    expect(model.calls).toHaveLength(1)
    await behind.invoke('3?')
    const transcript = ['user: 1?', 'assistant: Yes.', 'user: 2?', 'assistant: No.', 'user: 3?', 'assistant: Yes.']
    expect(messagesOf(behind)).toEqual(transcript)
    expect(messagesOf(await session.restored())).toEqual(transcript)
  })

  test.each(['message', 'invocation'] as const)("is known with saveLatestOn: '%s'", async (saveLatestOn) => {
    const session = testSession(table, { saveLatestOn })
    await session.agent(lookUp, { tools }).invoke('Look!', turnId('event-1'))
    expect(textsOf(await session.agent([], { tools }).invoke('Look!', turnId('event-1')))).toEqual(['I saw it.'])
    expect(messagesOf(await session.restored())).toEqual(turnOfLook)
  })

  test('is known to a retry with several messages too', async () => {
    const session = testSession(table)
    const input = () => [
      { role: 'user' as const, content: [{ text: 'Look!' }] },
      { role: 'assistant' as const, content: [{ text: 'At what?' }] },
      { role: 'user' as const, content: [{ text: 'At that.' }] },
    ]
    await session.agent(answers('I see.')).invoke(input(), turnId('event-1'))
    const before = await session.items()
    const again = session.agent([])
    expect(textsOf(await again.invoke(input(), turnId('event-1')))).toEqual(['I see.'])
    expect(messagesOf(again)).toEqual(['user: Look!', 'assistant: At what?', 'user: At that.', 'assistant: I see.'])
    expect(await session.items()).toEqual(before)
  })

  test('is another one under another id, of another agent, or without an id', async () => {
    const session = testSession(table)
    await session.agent(answers('One.')).invoke('Hi.', turnId('event-1'))
    expect(textsOf(await session.agent(answers('Two.')).invoke('Hi.', turnId('event-2')))).toEqual(['Two.'])
    expect(textsOf(await session.agent(answers('Three.')).invoke('Hi.'))).toEqual(['Three.'])
    const other = session.agent(answers('Four.'), { id: 'another' })
    expect(textsOf(await other.invoke('Hi.', turnId('event-1')))).toEqual(['Four.'])
    expect(messagesOf(await session.restored())).toHaveLength(6)
  })

  test('is begun anew in a session that was deleted since', async () => {
    const session = testSession(table)
    await session.agent(answers('Old.')).invoke('Hi.', turnId('event-1'))
    await session.manager().deleteSession()
    expect(textsOf(await session.agent(answers('New.')).invoke('Hi.', turnId('event-1')))).toEqual(['New.'])
    expect(messagesOf(await session.restored())).toEqual(['user: Hi.', 'assistant: New.'])
  })
})

describe('a turn of a session that was deleted since, for the agent that ran it', () => {
  test('is not answered from memory', async () => {
    const session = testSession(table)
    const model = new ScriptedModel(always('Old.'))
    const late = session.agent(model)
    await late.invoke('Old?', turnId('event-1'))
    await session.manager().deleteSession()
    // A turn like any other of an agent whose session is gone: it is taken back, or begins the session anew.
    const outcome = await late.invoke('Old?', turnId('event-1')).catch((error: unknown) => error)
    if (outcome instanceof Error) expect(['AnswerNotSavedError', 'SessionConflictError']).toContain(outcome.name)
    else expect(model.calls).toHaveLength(2)
  })

  test('is not answered with what another turn was answered', async () => {
    const session = testSession(table)
    const late = session.agent(always('Old.'))
    await late.invoke('Old?', turnId('event-1'))
    await session.manager().deleteSession()
    await session.agent(answers('New.')).invoke('New?')
    const outcome = await late.invoke('Old?', turnId('event-1')).catch((error: unknown) => error)
    const transcript = ['user: New?', 'assistant: New.']
    if (outcome instanceof Error) expect(['AnswerNotSavedError', 'SessionConflictError']).toContain(outcome.name)
    else transcript.push('user: Old?', 'assistant: Old.')
    expect(messagesOf(await session.restored())).toEqual(transcript)
  })
})

describe('a turn that is open elsewhere', () => {
  test('is busy for those that do not wait', async () => {
    const session = testSession(table, { turnWaitMs: 0 })
    const at = gate()
    const first = session.agent(new GatedModel(answers('Yes.'), at)).invoke('Hi.', turnId('event-1'))
    await at.reached
    const model = new ScriptedModel([])
    await expect(session.agent(model).invoke('Hi.', turnId('event-1'))).rejects.toThrow(SessionBusyError)
    expect(model.calls).toEqual([])
    at.open()
    await first
    expect(messagesOf(await session.restored())).toEqual(['user: Hi.', 'assistant: Yes.'])
  })

  test.each(['cold', 'warm'])('gives its answer to those that wait: a %s agent', async (kind) => {
    const session = testSession(table)
    const at = gate()
    const model = new ScriptedModel([])
    const polled = Promise.withResolvers<void>()
    let polls = 0
    const second = session.agent(model, {
      manager: {
        onCapacity: ({ operation }) => {
          if (operation === 'Query') polls += 1
          if (polls > 2) polled.resolve()
        },
      },
    })
    if (kind === 'warm') await second.initialize()
    const first = session.agent(new GatedModel(answers('Yes.'), at)).invoke('Hi.', turnId('event-1'))
    await at.reached
    const waiting = second.invoke('Hi.', turnId('event-1'))
    await polled.promise
    at.open()
    expect(textsOf(await waiting)).toEqual(['Yes.'])
    await first
    expect(model.calls).toEqual([])
    expect(messagesOf(second)).toEqual(['user: Hi.', 'assistant: Yes.'])
    expect(messagesIn(await session.items())).toEqual(['user: Hi.', 'assistant: Yes.'])
  })

  test('and begun by both at the same time runs once', async () => {
    const session = testSession(table)
    const models = [1, 2, 3, 4].map((number) => new ScriptedModel(answers(`from ${number}`)))
    const results = await Promise.all(models.map((model) => session.agent(model).invoke('Hi.', turnId('event-1'))))
    expect(models.flatMap(({ calls }) => calls)).toHaveLength(1)
    expect(new Set(results.map((result) => String(textsOf(result)))).size).toBe(1)
    expect(messagesIn(await session.items())).toHaveLength(2)
  })
})

describe('a turn that was cancelled', () => {
  test.each(['message', 'invocation'] as const)("is run again with saveLatestOn: '%s'", async (saveLatestOn) => {
    const session = testSession(table, { saveLatestOn, turnWaitMs: 0 })
    const at = gate()
    const first = session.agent(new GatedModel(lookUp, at, 1), { tools })
    const cancelled = first.invoke('Look!', turnId('event-1'))
    await at.reached
    first.cancel()
    at.open()
    expect(await cancelled).toMatchObject({ stopReason: 'cancelled' })

    const again = session.agent(lookUp, { tools })
    expect(textsOf(await again.invoke('Look!', turnId('event-1')))).toEqual(['I saw it.'])
    expectValid(again)
    expect((await session.restored()).messages).toEqual(again.messages)
    expect(textsOf(await session.agent([], { tools }).invoke('Look!', turnId('event-1')))).toEqual(['I saw it.'])
  })

  test('before its tools ran is run again', async () => {
    const session = testSession(table, { turnWaitMs: 0 })
    const first = session.agent(lookUp, { tools })
    first.addHook(AfterModelCallEvent, () => first.cancel())
    expect(await first.invoke('Look!', turnId('event-1'))).toMatchObject({ stopReason: 'cancelled' })

    const again = session.agent(lookUp, { tools })
    expect(textsOf(await again.invoke('Look!', turnId('event-1')))).toEqual(['I saw it.'])
    expectValid(again)
    expect((await session.restored()).messages).toEqual(again.messages)
  })
})

describe('the id of a turn', () => {
  test.each([[7], [''], [null], [{}], ['\u0000'], ['x'.repeat(2000)]])(
    'that is none is refused before anything is sent: %j',
    async (id) => {
      const session = testSession(table)
      const model = new ScriptedModel([])
      const error = await session
        .agent(model)
        .invoke('Hi.', turnId(id))
        .catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(InvalidOptionError)
      expect(error).toMatchObject({ field: 'invocationState.turnId' })
      expect(model.calls).toEqual([])
      expect(await session.items()).toEqual([])
    },
  )

  test('does not answer the continuation of its own turn', async () => {
    const session = testSession(table)
    const model = new ScriptedModel((call) => ({ text: `answer ${call}` }))
    const agent = session.agent(model)
    let resumed = false
    agent.addHook(AfterInvocationEvent, (after) => {
      if (!resumed) after.resume = 'Go on!'
      resumed = true
    })
    const result = await agent.invoke('Hi.', turnId('event-1'))
    expect(textsOf(result)).toEqual(['answer 1'])
    const transcript = ['user: Hi.', 'assistant: answer 0', 'user: Go on!', 'assistant: answer 1']
    expect(messagesOf(agent)).toEqual(transcript)
    expect(messagesOf(await session.restored())).toEqual(transcript)
    expect(textsOf(await session.agent([]).invoke('Hi.', turnId('event-1')))).toEqual(['answer 1'])
  })

  test('is the same for the same object of a caller that invokes twice', async () => {
    const session = testSession(table)
    const state = turnId('event-1')
    const model = new ScriptedModel(answers('Yes.'))
    const agent = session.agent(model)
    await agent.invoke('Hi.', state)
    expect(textsOf(await agent.invoke('Hi.', state))).toEqual(['Yes.'])
    expect(model.calls).toHaveLength(1)
  })

  test('costs one write at the end of the turn', async () => {
    const writes: number[] = []
    for (const options of [{}, turnId('event-1')]) {
      const session = testSession(table)
      let units = 0
      const onCapacity = ({ writeUnits }: { writeUnits: number }): void => {
        units += writeUnits
      }
      const manager = { onCapacity }
      const agent = session.agent(always('Yes.'), { manager })
      await agent.invoke('Hi.')
      units = 0
      await agent.invoke('Hi again.', options)
      writes.push(units)
    }
    expect(writes).toEqual([2, 3])
  })

  test('leaves nothing behind where there is none', async () => {
    const session = testSession(table)
    await session.agent(always('Yes.')).invoke('Hi.')
    expect((await session.items()).filter(({ sk }) => sk.includes('#turn#'))).toEqual([])
  })
})
