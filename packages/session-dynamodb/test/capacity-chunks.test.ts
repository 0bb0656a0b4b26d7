/** What grows costs what is new in it: a graph's results, stashed blocks, an image that is sent again. */

import { randomBytes, randomUUID } from 'node:crypto'
import { Agent, FunctionTool, Graph, type JSONValue, Message, TextBlock } from '@strands-agents/sdk'
import { type MultiAgentInput, type MultiAgentResult, Status } from '@strands-agents/sdk/multiagent'
import { createTextSource } from 'strands-session-dynamodb-playground/pseudo-text'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CapacityBench, createCapacityBench } from './support/capacity.ts'
import { answersTo } from './support/multi-agents.ts'
import { ScriptedModel, type ScriptedTurn } from './support/scripted-model.ts'
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

test('200 blocks of 3 KB in the stash of a context manager: another one costs its own bytes, and the run that it falls into', async () => {
  const createAgent = (): Agent => new Agent({ model: new ScriptedModel([]), printer: false, contextManager: 'auto' })
  const block = (): { type: string; text: string } => ({ type: 'text', text: randomBytes(2250).toString('base64') })
  const agent = createAgent()
  await agent.initialize()
  const manager = bench.createManager('stash')
  const stash = agent.contextManager?.stash
  // As the SDK names them: by the id of the message, which is random.
  const store = async (): Promise<void> => {
    await stash?.store(randomUUID(), 0, Buffer.from(JSON.stringify(block())))
  }
  for (let index = 0; index < 200; index++) await store()
  await manager.saveSnapshot({ target: agent, isLatest: true })
  const units: number[] = []
  for (let index = 200; index < 210; index++) {
    await store()
    units.push(await unitsOf(() => manager.saveSnapshot({ target: agent, isLatest: true })))
  }
  // Four units for the block; the state, the run that it changes, and what that was before; sometimes it ends a run.
  expect(Math.max(...units)).toBeLessThanOrEqual(4 + 6)
  expect(units.reduce((sum, each) => sum + each, 0) / units.length).toBeLessThanOrEqual(4 + 4)
  const restored = createAgent()
  await restored.initialize()
  await bench.createManager('stash').restoreSnapshot({ target: restored })
  const entries = await stash?.takeSnapshot()
  expect(Object.keys(entries ?? {})).toHaveLength(210)
  expect(await restored.contextManager?.stash?.takeSnapshot()).toEqual(entries)
})

test('a node of a graph that asks twice in a long conversation: the second time costs what is new', async () => {
  const ask = new FunctionTool({
    name: 'ask',
    description: 'ask',
    callback: (_input, context) => context.interrupt<JSONValue>({ name: `question ${context.toolUse.toolUseId}` }),
  })
  const history = Array.from(
    { length: 100 },
    (_, index) =>
      new Message({
        role: index % 2 === 0 ? 'user' : 'assistant',
        content: [new TextBlock(randomBytes(2250).toString('base64'))],
      }),
  )
  const asking = (toolUseId: string): ScriptedTurn[] => [{ toolUses: [{ name: 'ask', input: {}, toolUseId }] }]
  const run = async (toolUseId: string, input: MultiAgentInput, messages: Message[]) => {
    const model = new ScriptedModel(asking(toolUseId))
    const node = new Agent({ id: 'node', model, printer: false, tools: [ask], messages })
    const sessionManager = bench.createManager('interrupts')
    return new Graph({ id: 'graph', nodes: [node], edges: [], sessionManager }).invoke(input)
  }
  const first: Promise<MultiAgentResult>[] = []
  const before = await unitsOf(() => (first[0] = run('use-1', 'Go.', history)))
  const answer = answersTo(await (first[0] as Promise<MultiAgentResult>), 'Yes.')
  const second: Promise<MultiAgentResult>[] = []
  const after = await unitsOf(() => (second[0] = run('use-2', answer, [])))
  expect((await second[0])?.status).toBe(Status.INTERRUPTED)
  expect(before).toBeGreaterThan(100)
  expect(after).toBeLessThanOrEqual(20)
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
