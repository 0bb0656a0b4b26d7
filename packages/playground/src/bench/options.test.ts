import { expect, test } from 'vitest'
import { parseBenchOptions } from './options.ts'
import { DEFAULT_PRICES } from './price.ts'

test('runs everything unless told otherwise', () => {
  expect(parseBenchOptions([])).toEqual({
    sections: ['sessions', 'bundle'],
    traces: ['chat', 'tools', 'research', 'vision', 'graph'],
    stores: ['ours', 'stock-message', 'stock-invocation', 'stock-message-gzip', 'stock-invocation-gzip'],
    agents: ['cold', 'warm'],
    turns: [1, 10, 50, 100, 300],
    prices: DEFAULT_PRICES,
    isWhole: true,
    out: undefined,
    endpoint: undefined,
    json: false,
  })
})

test('runs a part, in the usual order, at other prices', () => {
  const command = '--traces tools,chat --stores ours --turns 10,1,10 --write-price 1.25 --storage-price 0 --json'
  expect(parseBenchOptions(command.split(' '))).toMatchObject({
    traces: ['chat', 'tools'],
    stores: ['ours'],
    turns: [1, 10],
    prices: { write: 1.25, read: DEFAULT_PRICES.read, storage: 0 },
    isWhole: false,
    json: true,
  })
  expect(parseBenchOptions(['--help'])).toBeUndefined()
})

test.each([
  ['--traces chat,poker', /--traces.*'poker'/],
  ['--stores theirs', /--stores.*'theirs'/],
  ['--agents tepid', /--agents.*'tepid'/],
  ['--sections all', /--sections.*'all'/],
  ['--turns 0', /--turns.*'0'/],
  ['--turns 1,x', /--turns.*'x'/],
  ['--write-price=-1', /--write-price.*'-1'/],
  ['--read-price much', /--read-price.*'much'/],
])('refuses %s', (command, message) => {
  expect(() => parseBenchOptions(command.split(' '))).toThrow(message)
})
