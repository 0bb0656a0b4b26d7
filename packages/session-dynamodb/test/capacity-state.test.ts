import { AfterInvocationEvent, type Agent } from '@strands-agents/sdk'
import type { NotedWrite } from 'strands-session-dynamodb-playground/note-writes'
import { createTraceAgent } from 'strands-session-dynamodb-playground/trace-agent'
import { traceTurn } from 'strands-session-dynamodb-playground/trace-turns'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { type CapacityBench, createCapacityBench, rowOf, STATE } from './support/capacity.ts'

let bench: CapacityBench

beforeAll(async () => {
  bench = await createCapacityBench()
})

afterAll(() => bench.drop())

describe('the agent’s state', () => {
  test('is written once when it has changed, and not again while it stays', async () => {
    const agent = coldAgent('changed', 1)
    await writesOf(agent, 1)
    agent.appState.set('step', 'one')
    expect(sortKeysOf(await writesOf(agent, 2))).toEqual([rowOf(5), STATE, rowOf(6), rowOf(7), rowOf(8)])
    agent.appState.set('step', 'one')
    expect(sortKeysOf(await writesOf(agent, 3))).toEqual([rowOf(9), rowOf(10), rowOf(11), rowOf(12)])
  })

  test('is written once when a plugin changes it after the SDK’s own save', async () => {
    const agent = coldAgent('late', 1)
    await writesOf(agent, 1)
    agent.addHook(AfterInvocationEvent, () => agent.appState.set('done', true))
    expect(sortKeysOf(await writesOf(agent, 2))).toEqual([rowOf(5), rowOf(6), rowOf(7), rowOf(8), STATE])

    const restored = coldAgent('late', 3)
    await restored.initialize()
    expect(restored.appState.get('done')).toBe(true)
  })

  test('is not written again by a new process that restored it', async () => {
    const agent = coldAgent('kept', 1)
    agent.appState.set('step', 'one')
    await writesOf(agent, 1)
    expect(sortKeysOf(await writesOf(coldAgent('kept', 2), 2))).not.toContain(STATE)
  })
})

describe('the session’s item', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  test('is refreshed once when it has grown old, not on every message', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-01-01T12:00:00Z') })
    await writesOf(coldAgent('touched', 1, 'alice'), 1)

    vi.setSystemTime('2026-01-01T12:04:59Z')
    expect(sortKeysOf(await writesOf(coldAgent('touched', 2, 'alice'), 2))).toEqual([5, 6, 7, 8].map(rowOf))

    vi.setSystemTime('2026-01-01T12:05:00Z')
    const refreshing = await writesOf(coldAgent('touched', 3, 'alice'), 3)
    expect(sortKeysOf(refreshing)).toEqual(['session', rowOf(9), rowOf(10), rowOf(11), rowOf(12)])
    // The item itself, and its index entry, which moves. The first row notes the time, which costs nothing more.
    expect(refreshing[0]).toEqual({ operation: 'UpdateItem', sortKey: 'session', writeUnits: 3 })

    vi.setSystemTime('2026-01-01T12:09:59Z')
    expect(sortKeysOf(await writesOf(coldAgent('touched', 4, 'alice'), 4))).toEqual([13, 14, 15, 16].map(rowOf))
  })
})

/** An agent for a turn of the trace, in a new process. */
function coldAgent(sessionId: string, turn: number, owner?: string): Agent {
  return createTraceAgent(traceTurn(turn), bench.createManager(sessionId, { owner }))
}

/** Asks the turn's question, and returns the writes that this took. */
async function writesOf(agent: Agent, turn: number): Promise<readonly NotedWrite[]> {
  bench.notes.reset()
  await agent.invoke(traceTurn(turn).question)
  return bench.notes.reset()
}

function sortKeysOf(writes: readonly NotedWrite[]): string[] {
  return writes.map(({ sortKey }) => sortKey)
}
