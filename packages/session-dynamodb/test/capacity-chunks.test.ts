/** What grows costs what is new in it: a graph's results, stashed blocks, an interrupted node, an image sent again. */

import { randomBytes } from 'node:crypto'
import { Agent, Graph } from '@strands-agents/sdk'
import { createTextSource } from 'strands-session-dynamodb-playground/pseudo-text'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CapacityBench, createCapacityBench } from './support/capacity.ts'
import { ScriptedModel } from './support/scripted-model.ts'
import { sumCapacity } from './support/table.ts'

let bench: CapacityBench

beforeAll(async () => {
  bench = await createCapacityBench()
})

afterAll(() => bench.drop())

describe('a graph of two nodes that answer 5 KB each', () => {
  const source = createTextSource(7)
  const texts = [
    ['prose', () => source.prose(5000)],
    ['text that cannot be compressed', () => randomBytes(3750).toString('base64')],
  ] as const

  test.each(texts)('costs the same in run 50 as in run 2, within 10 %: %s', async (name, text) => {
    const units: number[] = []
    for (let run = 1; run <= 50; run++) {
      const nodes = ['a', 'b'].map(
        (id) => new Agent({ id, model: new ScriptedModel([{ text: text() }]), printer: false }),
      )
      const sessionManager = bench.createManager(`graph-${name === 'prose' ? 'prose' : 'random'}`)
      const graph = new Graph({ id: 'graph', nodes, edges: [['a', 'b']], sessionManager })
      bench.counter.reset()
      await graph.invoke(`Run ${run}.`)
      units.push(sumCapacity(bench.counter.reset()).writeUnits)
    }

    expect(units[49]).toBeLessThanOrEqual((units[1] ?? 0) * 1.1)
    expect(units[49]).toBeGreaterThanOrEqual((units[1] ?? 0) * 0.9)
  })
})
