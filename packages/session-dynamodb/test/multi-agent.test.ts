/** Graphs and swarms: what each node did is saved, and another process goes on where the last one stopped. */

import { Agent, Graph } from '@strands-agents/sdk'
import { AfterNodeCallEvent, BeforeNodeCallEvent, Status } from '@strands-agents/sdk/multiagent'
import { type DynamoDBSessionManager, SessionConflictError } from 'strands-session-dynamodb'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { faultyClient } from './support/faults.ts'
import { answersTo, asks, decides, diesBefore, graphOf, storedState, swarmOf } from './support/multi-agents.ts'
import { noise } from './support/noise.ts'
import { ScriptedModel } from './support/scripted-model.ts'
import { textOf } from './support/stored-items.ts'
import { createTestTable, type TestTable } from './support/table.ts'
import { answers, type TestSession, testSession } from './support/test-session.ts'

let table: TestTable

beforeAll(async () => {
  table = await createTestTable()
})

afterAll(() => table.drop())

describe("multiAgentSaveLatestOn: 'node', the default", () => {
  const kinds = [
    ['a graph', (session: TestSession) => graphOf(session, { a: answers('A.'), b: answers('B.'), c: answers('C.') })],
    [
      'a swarm',
      (session: TestSession) => swarmOf(session, { a: decides('A.', 'b'), b: decides('B.', 'c'), c: decides('C.') }),
    ],
  ] as const

  test.each(kinds)('saves %s after each node', async (_kind, orchestratorOf) => {
    const session = testSession(table)
    const orchestrator = orchestratorOf(session)
    const seen = new Map<string, string[]>()
    orchestrator.addHook(BeforeNodeCallEvent, async ({ nodeId }) => {
      const state = await storedState(session, orchestratorOf(session))
      seen.set(nodeId, state?.results.map((result) => `${result.nodeId} ${result.status}`) ?? [])
    })
    const result = await orchestrator.invoke('Go.')
    expect(result.status).toBe(Status.COMPLETED)
    expect([...seen]).toEqual([
      ['a', []],
      ['b', ['a COMPLETED']],
      ['c', ['a COMPLETED', 'b COMPLETED']],
    ])
    const final = await storedState(session, orchestratorOf(session))
    expect(final?.results.map((each) => each.toJSON())).toEqual(result.results.map((each) => each.toJSON()))
  })

  test('a graph that died after a node goes on with the next one', async () => {
    const session = testSession(table)
    const faulty = faultyClient()
    const first = graphOf(
      session,
      { a: answers('A.'), b: answers('never said') },
      session.manager({ client: faulty.client }),
    )
    diesBefore('b', first, faulty)
    await expect(first.invoke('Go.')).rejects.toThrow()
    faulty.close()

    const [a, b] = [new ScriptedModel([]), new ScriptedModel(answers('B.'))]
    const result = await graphOf(session, { a, b }).invoke('Go.')

    expect(result.status).toBe(Status.COMPLETED)
    expect([a.calls.length, b.calls.length]).toEqual([0, 1])
    expect(b.calls[0]).toContain('A.')
  })

  test('a swarm that died after a handoff goes on with whom it was handed to', async () => {
    const session = testSession(table)
    const faulty = faultyClient()
    const first = swarmOf(
      session,
      { a: decides('Please write.', 'b'), b: answers('never said') },
      session.manager({ client: faulty.client }),
    )
    diesBefore('b', first, faulty)
    await expect(first.invoke('Go.')).rejects.toThrow()
    faulty.close()

    const [a, b] = [new ScriptedModel([]), new ScriptedModel(decides('Written.'))]
    const result = await swarmOf(session, { a, b }).invoke('Go.')

    expect(result.content).toMatchObject([{ text: 'Written.' }])
    expect([a.calls.length, b.calls.length]).toEqual([0, 1])
    expect(b.calls[0]).toContain('Please write.')
  })
})

describe("multiAgentSaveLatestOn: 'invocation'", () => {
  test('saves when the invocation has ended, and not before', async () => {
    const session = testSession(table)
    const graph = graphOf(
      session,
      { a: answers('A.'), b: answers('B.') },
      session.manager({ multiAgentSaveLatestOn: 'invocation' }),
    )
    const during: number[] = []
    graph.addHook(AfterNodeCallEvent, async () => void during.push((await session.items()).length))
    await graph.invoke('Go.')
    expect(during).toEqual([0, 0])
    expect((await storedState(session, graph))?.results).toHaveLength(2)
  })
})

describe('an interrupt', () => {
  test('of an agent in a graph is answered in another process', async () => {
    const session = testSession(table)
    const result = await graphOf(session, { a: answers('A.'), b: asks, c: answers('never said') }).invoke('Go.')
    expect(result.status).toBe(Status.INTERRUPTED)

    const [a, b, c] = [new ScriptedModel([]), new ScriptedModel(answers('B.')), new ScriptedModel(answers('C.'))]
    const resumed = await graphOf(session, { a, b, c }).invoke(answersTo(result, 'forty-two'))

    expect(resumed.status).toBe(Status.COMPLETED)
    expect([a, b, c].map(({ calls }) => calls.length)).toEqual([0, 1, 1])
    expect(b.calls[0]).toContain('forty-two')
  })

  test('of a hook in a graph is answered in another process, where the node gets the input of the first', async () => {
    const session = testSession(table)
    const gated = (graph: Graph): Graph => {
      graph.addHook(BeforeNodeCallEvent, (event) => void event.interrupt({ name: 'gate' }))
      return graph
    }
    const result = await gated(graphOf(session, { a: answers('never said') })).invoke('The first input.')
    expect(result.status).toBe(Status.INTERRUPTED)
    const a = new ScriptedModel(answers('A.'))
    const resumed = await gated(graphOf(session, { a })).invoke(answersTo(result, 'open'))
    expect(resumed.status).toBe(Status.COMPLETED)
    expect(a.calls[0]).toContain('The first input.')
  })

  test('of an agent in a swarm is answered in another process', async () => {
    const session = testSession(table)
    const result = await swarmOf(session, { a: decides('Ask them.', 'b'), b: asks }).invoke('Go.')
    expect(result.status).toBe(Status.INTERRUPTED)
    const [a, b] = [new ScriptedModel([]), new ScriptedModel(decides('They said forty-two.'))]
    const resumed = await swarmOf(session, { a, b }).invoke(answersTo(result, 'forty-two'))
    expect(resumed.status).toBe(Status.COMPLETED)
    expect([a, b].map(({ calls }) => calls.length)).toEqual([0, 1])
    expect(b.calls[0]).toContain('forty-two')
  })
})

describe('one session', () => {
  test('holds a graph, a swarm and an agent, also of the same id, and deletes them all', async () => {
    const session = testSession(table)
    const ids = { id: 'same' }
    const sessionManager = (): DynamoDBSessionManager => session.manager()
    const node = (text: string): Agent =>
      new Agent({ id: 'node', model: new ScriptedModel(answers(text)), printer: false })
    await session.agent(answers('I am the agent.'), ids).invoke('Hi.')
    await new Graph({
      ...ids,
      nodes: [node('I am the graph.')],
      edges: [],
      maxSteps: 5,
      sessionManager: sessionManager(),
    }).invoke('Hi.')
    await new Graph({
      id: 'other',
      nodes: [node('I am the other.')],
      edges: [],
      maxSteps: 5,
      sessionManager: sessionManager(),
    }).invoke('Hi.')
    for (const who of ['agent', 'graph', 'other']) expect(textOf(await session.items())).toContain(`I am the ${who}.`)
    expect((await session.restored(ids)).messages).toHaveLength(2)
    await session.manager().deleteSession()
    expect(await session.items()).toEqual([])
  })

  test('cannot be written by two graphs at once', async () => {
    const session = testSession(table)
    await graphOf(session, { a: answers('A.') }).invoke('Go.')
    const [faster, slower] = [graphOf(session, { a: answers('Faster.') }), graphOf(session, { a: answers('Slower.') })]
    slower.addHook(BeforeNodeCallEvent, async () => void (await faster.invoke('Go.')))
    await expect(slower.invoke('Go.')).rejects.toThrow(SessionConflictError)
    expect(textOf(await session.items())).not.toContain('Slower.')
  })

  test('holds state over 400 KB', async () => {
    const session = testSession(table)
    const large = noise(300_000)
    const graph = graphOf(session, { a: answers(`A ${large}`), b: answers(`B ${large}`) })
    const result = await graph.invoke('Go.')
    const stored = await storedState(session, graph)
    expect(stored?.results.map((each) => each.toJSON())).toEqual(result.results.map((each) => each.toJSON()))
  })
})
