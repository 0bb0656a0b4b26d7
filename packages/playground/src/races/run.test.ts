import { describe, expect, test } from 'vitest'
import { compare } from './run.ts'

const turn = (writer: string, number: number): string[] => {
  const id = `${writer}.${number}-0-${writer}/${number}`
  return [`user ${writer}/${number}`, `use ${id}`, `result ${id}`, `answer to ${id}`]
}
const acknowledged = (...questions: string[]) => [{ acknowledged: questions }]

describe('a log is compared with what the writers were told', () => {
  test('and holds it', () => {
    const messages = [...turn('w0', 1), ...turn('w1', 1)]
    expect(compare(messages, acknowledged('w0/1', 'w1/1'))).toEqual({ stored: 2, lost: 0, leftOver: 0 })
  })

  test('and lacks a turn', () => {
    expect(compare(turn('w0', 1), acknowledged('w0/1', 'w1/1'))).toEqual({ stored: 1, lost: 1, leftOver: 0 })
  })

  test('and holds a turn twice', () => {
    const messages = [...turn('w0', 1), ...turn('w0', 1)]
    expect(compare(messages, acknowledged('w0/1'))).toEqual({ stored: 2, lost: 1, leftOver: 0 })
  })

  test('and has mixed two turns', () => {
    const [one, two] = [turn('w0', 1), turn('w1', 1)]
    const messages = [...one.slice(0, 2), ...two, ...one.slice(2)]
    expect(compare(messages, acknowledged('w0/1', 'w1/1'))).toEqual({ stored: 1, lost: 1, leftOver: 4 })
  })

  test('and holds an answer to somebody else', () => {
    const messages = [...turn('w0', 1).slice(0, 3), ...turn('w1', 1).slice(3)]
    expect(compare(messages, acknowledged('w0/1'))).toEqual({ stored: 0, lost: 1, leftOver: 4 })
  })

  test('and holds more than was acknowledged', () => {
    const messages = [...turn('w0', 1), 'user w1/1']
    expect(compare(messages, acknowledged('w0/1'))).toEqual({ stored: 1, lost: 0, leftOver: 1 })
  })
})
