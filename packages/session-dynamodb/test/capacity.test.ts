import { type Agent, SessionManager } from '@strands-agents/sdk'
import { countMessages, windowReadUnits } from 'strands-session-dynamodb-playground/bench-rows'
import type { NotedWrite } from 'strands-session-dynamodb-playground/note-writes'
import { createTraceAgent } from 'strands-session-dynamodb-playground/trace-agent'
import { runTrace, type TurnRequests } from 'strands-session-dynamodb-playground/trace-run'
import { traceTurn } from 'strands-session-dynamodb-playground/trace-turns'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CapacityBench, createCapacityBench, HEAD, rowOf, STATE } from './support/capacity.ts'
import { type CountedRequest, sumCapacity } from './support/table.ts'

/** Each turn is a cold start that adds four messages; the SDK's sliding window keeps 40. */
const TURNS = 300
const SESSION = 'long'
const WINDOW = 40

let bench: CapacityBench
let turns: readonly TurnRequests[]
const writes: (readonly NotedWrite[])[] = []
const ownReadUnits = new Map<number, number>()
const snapshots = new Map<number, SnapshotCost>()

interface SnapshotCost {
  readonly save: readonly CountedRequest[]
  readonly restore: readonly CountedRequest[]
  readonly restoredMessages: number
}

beforeAll(async () => {
  bench = await createCapacityBench()
  turns = await runTrace({
    lastTurn: TURNS,
    counter: bench.counter,
    createManager: () => bench.createManager(SESSION),
    onResumed: async (turn, agent) => {
      if (turn !== 20 && turn !== TURNS) return
      ownReadUnits.set(turn, await windowReadUnits(bench.observer, bench.rowsOf(SESSION), agent.messages))
    },
    onTurn: async ({ turn }) => {
      writes.push(bench.notes.reset())
      if (turn !== 10 && turn !== TURNS) return
      snapshots.set(turn, await costOfSnapshot())
      bench.notes.reset()
    },
  })
}, 180_000)

afterAll(() => bench.drop())

describe('300 turns, each in a new process', () => {
  test('a turn costs the same at its end as at its beginning: at most 6.5 WCU', () => {
    const early = averageWriteUnits(21)
    const late = averageWriteUnits(TURNS - 9)
    expect(Math.abs(late - early)).toBeLessThanOrEqual(1)
    expect(late).toBeLessThanOrEqual(6.5)
    // Capacity is exact: it is 5 for the messages, and 1 for the window's new place.
    expect({ early, late }).toEqual({ early: 6, late: 6 })
  })

  test('a resume is one request of at most 12 RCU, and at most 1.3 times what the rows of the window cost', () => {
    expect(turns.filter(({ resume }) => resume.length !== 1)).toEqual([])
    for (const turn of [20, TURNS]) {
      const { readUnits } = sumCapacity(turns[turn - 1]?.resume ?? [])
      expect(readUnits).toBeLessThanOrEqual(12)
      expect(readUnits / (ownReadUnits.get(turn) ?? 0)).toBeLessThanOrEqual(1.3)
    }
    expect(sumCapacity(turns[TURNS - 1]?.resume ?? [])).toEqual(sumCapacity(turns[19]?.resume ?? []))
  })

  test('a cold start holds the trimmed window, and the table the whole history', async () => {
    const restored = turns.map(({ windowMessages }) => windowMessages)
    expect(restored).toEqual(turns.map((_, index) => Math.min(4 * index, WINDOW)))
    expect(await countMessages(bench.observer, bench.rowsOf(SESSION))).toBe(4 * TURNS)
  })

  test('a plain append is one PutItem, of the message and nothing else; the turn ends with a look at the head', () => {
    for (const turn of [2, 10]) {
      const { save = [] } = turns[turn - 1] ?? {}
      expect(save.map(({ operation }) => operation)).toEqual([...Array(4).fill('PutItem'), 'GetItem'])
      expect(sumCapacity(save).readUnits).toBe(1)
      expect(writes[turn - 1]).toEqual(appendsOf(turn))
    }
  })

  test('a turn that moves the window writes its messages, and the head once', () => {
    const head = { operation: 'PutItem', sortKey: HEAD, writeUnits: 1 }
    for (const turn of [11, 30, TURNS]) {
      expect(turns[turn - 1]?.save).toHaveLength(5)
      expect(writes[turn - 1]).toEqual([...appendsOf(turn), head])
    }
  })

  test('a state that does not change is not written again', () => {
    expect(writes.flat().filter(({ sortKey }) => sortKey === STATE)).toEqual([])
  })

  test('an immutable snapshot costs the same at message 40 and at message 1,200', () => {
    const [early, late] = [snapshots.get(10), snapshots.get(TURNS)]
    // Its mark and its state.
    expect(sumCapacity(early?.save ?? [])).toEqual({ readUnits: 0, writeUnits: 2 })
    expect(late?.save).toEqual(early?.save)
    expect(late?.restore).toEqual(early?.restore)
    expect(late?.restore.map(({ operation }) => operation)).toEqual(['GetItem', 'GetItem', 'Query'])
    expect([early, late].map((snapshot) => snapshot?.restoredMessages)).toEqual([WINDOW, WINDOW])
  })

  test('an eventually consistent resume costs half', async () => {
    const agent = coldAgent({ consistentRead: false })
    bench.counter.reset()
    await agent.initialize()
    const { readUnits } = sumCapacity(bench.counter.reset())
    expect(readUnits).toBe(sumCapacity(turns[TURNS - 1]?.resume ?? []).readUnits / 2)
  })
})

function averageWriteUnits(firstTurn: number): number {
  const averaged = turns.slice(firstTurn - 1, firstTurn + 9)
  return averaged.reduce((sum, { resume, save }) => sum + sumCapacity([...resume, ...save]).writeUnits, 0) / 10
}

/** One row each for the user's message, the tool use, the tool result and the answer, by their sizes. */
function appendsOf(turn: number): NotedWrite[] {
  return [1, 1, 2, 1].map((writeUnits, index) => {
    return { operation: 'PutItem', sortKey: rowOf(4 * (turn - 1) + index + 1), writeUnits }
  })
}

function coldAgent(options?: Parameters<CapacityBench['createManager']>[1]): Agent {
  return createTraceAgent(traceTurn(TURNS + 1), bench.createManager(SESSION, options))
}

/** Saves an immutable snapshot in one new process and restores it in another. */
async function costOfSnapshot(): Promise<SnapshotCost> {
  const saver = coldAgent()
  await saver.initialize()
  bench.counter.reset()
  await managerOf(saver).saveSnapshot({ target: saver, isLatest: false })
  const save = bench.counter.reset()

  const restorer = coldAgent()
  await restorer.initialize()
  const id = (await managerOf(restorer).listSnapshotIds({ target: restorer })).at(-1)
  bench.counter.reset()
  await managerOf(restorer).restoreSnapshot({ target: restorer, ...(id !== undefined && { snapshotId: id }) })
  // Two of its requests run at once, and end in any order.
  const restore = [...bench.counter.reset()].sort((one, other) => one.readUnits - other.readUnits)
  return { save, restore, restoredMessages: restorer.messages.length }
}

function managerOf({ sessionManager }: Agent): SessionManager {
  if (!(sessionManager instanceof SessionManager)) throw new Error('The agent has no session manager')
  return sessionManager
}
