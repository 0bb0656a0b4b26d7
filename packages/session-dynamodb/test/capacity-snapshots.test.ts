import { Agent, Message, TextBlock } from '@strands-agents/sdk'
import { createTextSource } from 'strands-session-dynamodb-playground/pseudo-text'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CapacityBench, createCapacityBench } from './support/capacity.ts'
import { ScriptedModel } from './support/scripted-model.ts'
import { sumCapacity } from './support/table.ts'

/** Each snapshot sees the whole conversation: 60 messages of 5,000 characters. */
const SNAPSHOTS = 100
const MESSAGES = 60
const CHARACTERS = 5000

let bench: CapacityBench
let agent: Agent
let manager: ReturnType<CapacityBench['createManager']>

beforeAll(async () => {
  bench = await createCapacityBench()
  manager = bench.createManager('snapshots')
  const source = createTextSource(1)
  agent = new Agent({
    model: new ScriptedModel([]),
    sessionManager: manager,
    messages: Array.from({ length: MESSAGES }, (_, index) => {
      return new Message({
        role: index % 2 === 0 ? 'user' : 'assistant',
        content: [new TextBlock(source.prose(CHARACTERS))],
      })
    }),
  })
  await agent.initialize()
  await manager.saveSnapshot({ target: agent, isLatest: true })
})

afterAll(() => bench.drop())

test('100 snapshots of 300 KB each cost a mark each and one state, and their ids are listed for 5 RCU', async () => {
  bench.counter.reset()
  for (let index = 0; index < SNAPSHOTS; index++) await manager.saveSnapshot({ target: agent, isLatest: false })
  expect(sumCapacity(bench.counter.reset())).toEqual({ readUnits: 0, writeUnits: SNAPSHOTS + 1 })

  const ids = await manager.listSnapshotIds({ target: agent })
  expect(new Set(ids).size).toBe(SNAPSHOTS)
  const listing = bench.counter.reset()
  expect(listing).toHaveLength(1)
  // A store of whole snapshots reads them all: 3,664 RCU, eventually consistent.
  expect(sumCapacity(listing).readUnits).toBe(5)
})

test('a page of ids reads no more than the page', async () => {
  bench.counter.reset()
  const page = await manager.listSnapshotIds({ target: agent, limit: 5 })
  const next = await manager.listSnapshotIds({ target: agent, limit: 5, startAfter: page.at(-1) ?? '' })
  expect(new Set([...page, ...next]).size).toBe(10)
  expect(bench.counter.reset().map(({ readUnits }) => readUnits)).toEqual([1, 1])
})

test('restoring one reads its rows and nothing of the others, in two round trips', async () => {
  const [snapshotId = ''] = await manager.listSnapshotIds({ target: agent, limit: 1 })
  bench.counter.reset()
  expect(await manager.restoreSnapshot({ target: agent, snapshotId })).toBe(true)
  expect(agent.messages).toHaveLength(MESSAGES)
  const requests = bench.counter.reset()
  // First the mark; then its state and its rows at once.
  expect(requests.map(({ operation }) => operation).sort()).toEqual(['GetItem', 'GetItem', 'Query'])
  expect(sumCapacity(requests).readUnits).toBe(1 + 1 + 34)
})
