import { expect, test } from 'vitest'
import { TRACES, type TraceName, traceTurn } from './turns.ts'

test.each<[TraceName, number, number]>([
  ['chat', 0, 0],
  ['tools', 1, 3 * 1024],
  ['research', 4, 20 * 1024],
  ['vision', 0, 0],
  ['graph', 0, 0],
])('%s: %i searches a turn with results of %i characters', (name, searches, length) => {
  const turn = TRACES[name].turnOf(7)
  expect(turn.searches.map(({ result }) => result.length)).toEqual(Array(searches).fill(length))
  expect(new Set(turn.searches.map(({ query }) => query)).size).toBe(searches)
})

test('the same turn says the same, another one something else', () => {
  expect(traceTurn(3)).toEqual(traceTurn(3))
  expect(traceTurn(3).answer).not.toBe(traceTurn(4).answer)
})

test('every fifth turn of the vision trace has another image of 1 MB', () => {
  const images = Array.from({ length: 10 }, (_, index) => TRACES.vision.turnOf(index + 1).image)
  expect(images.map((image) => image?.byteLength ?? 0)).toEqual([0, 0, 0, 0, 1e6, 0, 0, 0, 0, 1e6])
  expect(images[4]).not.toEqual(images[9])
})
