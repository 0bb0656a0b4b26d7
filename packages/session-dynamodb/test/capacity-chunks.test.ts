/** What grows costs what is new in it: a graph's results, stashed blocks, an image that is sent again. */

import { randomBytes } from 'node:crypto'
import { Agent, Graph } from '@strands-agents/sdk'
import { createTextSource } from 'strands-session-dynamodb-playground/pseudo-text'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CapacityBench, createCapacityBench } from './support/capacity.ts'
import { ScriptedModel } from './support/scripted-model.ts'
import { sumCapacity } from './support/table.ts'

let bench: CapacityBench

beforeAll(async () => {
  bench = await createCapacityBench()
})

afterAll(() => bench.drop())

/** Write units of what runs. */
async function unitsOf(run: () => Promise<unknown>): Promise<number> {
  bench.counter.reset()
  await run()
  return sumCapacity(bench.counter.reset()).writeUnits
}

test('run 50 of a graph of two nodes that answer 5 KB each costs what run 2 costs, within 10 %', async () => {
  const source = createTextSource(7)
  const units: number[] = []
  for (let run = 1; run <= 50; run++) {
    // One answer can be compressed, the other cannot.
    const texts = { a: source.prose(5000), b: randomBytes(3750).toString('base64') }
    const nodes = Object.entries(texts).map(
      ([id, text]) => new Agent({ id, model: new ScriptedModel([{ text }]), printer: false }),
    )
    const graph = new Graph({ id: 'graph', nodes, edges: [['a', 'b']], sessionManager: bench.createManager('graph') })
    units.push(await unitsOf(() => graph.invoke(`Run ${run}.`)))
  }
  const [, second = 0] = units
  expect(units.at(-1)).toBeLessThanOrEqual(second * 1.1)
  expect(units.at(-1)).toBeGreaterThanOrEqual(second * 0.9)
  // A run in which groups of references are closed costs one unit more for each.
  expect(Math.max(...units.slice(1))).toBeLessThanOrEqual(second + 4)
})

test('200 blocks of 3 KB in the state: another one costs its own bytes and at most 3 units more', async () => {
  const agent = new Agent({ model: new ScriptedModel([]), printer: false })
  const manager = bench.createManager('stash')
  const block = (): string => randomBytes(2250).toString('base64')
  const blocks = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`block_${index}`, block()]))
  agent.appState.set('entries', blocks)
  await manager.saveSnapshot({ target: agent, isLatest: true })
  for (let index = 200; index < 210; index++) {
    agent.appState.set('entries', { ...Object(agent.appState.get('entries')), [`block_${index}`]: block() })
    expect(await unitsOf(() => manager.saveSnapshot({ target: agent, isLatest: true }))).toBeLessThanOrEqual(4 + 3)
  }
  const restored = new Agent({ model: new ScriptedModel([]), printer: false })
  await bench.createManager('stash').restoreSnapshot({ target: restored })
  expect(restored.appState.getAll()).toEqual(agent.appState.getAll())
})

test('an image of 300 KB that is sent ten times, each time by another process, is stored once', async () => {
  const image = { image: { format: 'png' as const, source: { bytes: new Uint8Array(randomBytes(300_000)) } } }
  const units: number[] = []
  for (let turn = 0; turn < 10; turn++) {
    const model = new ScriptedModel([{ text: 'I see.' }])
    const agent = new Agent({ model, printer: false, sessionManager: bench.createManager('image') })
    units.push(await unitsOf(() => agent.invoke([image, { text: `Turn ${turn}?` }])))
  }
  // 400 KB of Base64, compressed to what it stands for; later turns only write their rows.
  expect(units[0]).toBeGreaterThan(290)
  expect(Math.max(...units.slice(1))).toBeLessThanOrEqual(4)
  const agent = new Agent({
    model: new ScriptedModel([]),
    printer: false,
    sessionManager: bench.createManager('image'),
  })
  await agent.initialize()
  const images = agent.messages.flatMap(({ content }) => content.filter(({ type }) => type === 'imageBlock'))
  expect(images).toHaveLength(10)
})
