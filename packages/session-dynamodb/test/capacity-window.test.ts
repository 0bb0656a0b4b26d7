import {
  type Agent,
  type ConversationManager,
  type Message,
  SlidingWindowConversationManager,
  SummarizingConversationManager,
} from '@strands-agents/sdk'
import { countMessages } from 'strands-session-dynamodb-playground/bench-rows'
import { createTraceAgent } from 'strands-session-dynamodb-playground/trace-agent'
import { runTrace, type TurnRequests } from 'strands-session-dynamodb-playground/trace-run'
import { traceTurn } from 'strands-session-dynamodb-playground/trace-turns'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CapacityBench, createCapacityBench } from './support/capacity.ts'
import { ScriptedModel } from './support/scripted-model.ts'
import { sumCapacity } from './support/table.ts'

let bench: CapacityBench

beforeAll(async () => {
  bench = await createCapacityBench()
})

afterAll(() => bench.drop())

describe('windows that are not just the end of the log', () => {
  test('the pinned start of a conversation takes a second request', async () => {
    const turns = await runTurns('start', 24, () => new SlidingWindowConversationManager({ pinFirst: 1 }))

    expect(mostResumeRequests(turns)).toBe(2)
    expect(operationsOf(turns.at(-1))).toEqual(['Query', 'Query'])
    // The SDK's window does not count pins that lie before it.
    expect(turns.at(-1)?.windowMessages).toBe(41)
    expect(sumCapacity(turns.at(-1)?.save ?? [])).toEqual({ readUnits: 0, writeUnits: 6 })
  })

  test('pins that are scattered over the conversation take a second request', async () => {
    let pinned: readonly Message[] = []
    const createManager = (): ConversationManager => new SlidingWindowConversationManager()
    const turns = await runTurns('scattered', 40, createManager, (turn, { messages }) => {
      pinned = messages.filter(({ metadata }) => metadata?.custom?.pinned === true)
      const latest = messages.at(-1)
      if (turn % 3 === 2 && latest !== undefined) latest.metadata = { ...latest.metadata, custom: { pinned: true } }
    })

    expect(new Set(pinned.map(({ trackingId }) => trackingId)).size).toBe(13)
    expect(mostResumeRequests(turns)).toBe(2)
    expect(operationsOf(turns.at(-1))).toEqual(['Query', 'BatchGetItem'])
  })

  test('a summary takes no second request, and what it sums up stays in the table', async () => {
    const summariser = new ScriptedModel((call) => ({ text: `Summary ${call + 1}` }))
    const summarising = new SummarizingConversationManager({ model: summariser })
    let first: Message | undefined
    const turns = await runTurns(
      'summarised',
      30,
      () => new SummarizingConversationManager({ model: summariser }),
      async (_turn, agent) => {
        first = agent.messages[0]
        if (agent.messages.length >= 40) await summarising.reduce({ agent, model: summariser })
      },
    )

    const summaries = summariser.calls.length
    expect(summaries).toBeGreaterThan(3)
    expect(JSON.stringify(first)).toContain('Summary')
    expect(mostResumeRequests(turns)).toBe(1)
    expect(await countMessages(bench.observer, bench.rowsOf('summarised'))).toBe(4 * 30 + summaries)
  })

  test('a window larger than the first request takes a second one, unless the manager is told', async () => {
    const turns = await runTurns('large', 40, () => new SlidingWindowConversationManager({ windowSize: 120 }))
    expect(turns.at(-1)?.windowMessages).toBe(120)
    expect(mostResumeRequests(turns)).toBe(2)

    const agent = createTraceAgent(traceTurn(41), bench.createManager('large', { windowSize: 120 }))
    bench.counter.reset()
    await agent.initialize()
    expect(agent.messages).toHaveLength(120)
    expect(bench.counter.reset()).toHaveLength(1)
  })
})

/** Runs turns of the trace in a session of its own; what `onResumed` does to the agent is part of the turn. */
async function runTurns(
  sessionId: string,
  lastTurn: number,
  createConversationManager: () => ConversationManager,
  onResumed: (turn: number, agent: Agent) => void | Promise<void> = () => {},
): Promise<TurnRequests[]> {
  return runTrace({
    lastTurn,
    counter: bench.counter,
    createManager: () => bench.createManager(sessionId),
    createConversationManager,
    onResumed: async (turn, agent) => onResumed(turn, agent),
  })
}

function mostResumeRequests(turns: readonly TurnRequests[]): number {
  return Math.max(...turns.map(({ resume }) => resume.length))
}

function operationsOf(turn: TurnRequests | undefined): string[] | undefined {
  return turn?.resume.map(({ operation }) => operation)
}
