import { expect, test } from 'vitest'
import { startProgress } from './progress.ts'

test('writes a plain line for each so many steps, and for the last', () => {
  expect(written(false)).toEqual(['this: turn 2 of 5\n', 'this: turn 4 of 5\n', 'this: turn 5 of 5\n'])
})

test('keeps to one line of a terminal, and takes it away in the end', () => {
  const texts = written(true)
  expect(texts).toHaveLength(6)
  expect(texts[0]).toBe('\r\u001b[Kthis: turn 1 of 5')
  expect(texts[5]).toBe('\r\u001b[K')
})

function written(isTTY: boolean): string[] {
  const texts: string[] = []
  const progress = startProgress('turn', 2, { isTTY, write: (text) => texts.push(text) })
  for (let turn = 1; turn <= 5; turn++) progress.step('this', turn, 5)
  progress.end()
  return texts
}
