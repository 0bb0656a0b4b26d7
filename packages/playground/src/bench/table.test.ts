import { expect, test } from 'vitest'
import { someBenchFacts } from './fixture.ts'
import { tablesOf } from './table.ts'

const { sessions, turns } = someBenchFacts()
const tables = tablesOf(sessions, turns)

test('makes a table for each trace and kind of agents', () => {
  expect(tables.map(({ title }) => title)).toEqual([
    'chat, cold agents',
    'chat, warm agents',
    'tools, cold agents',
    'tools, warm agents',
  ])
  expect(tables.flatMap(({ header, rows }) => rows.filter((row) => row.length !== header.length))).toEqual([])
})

test('shows what a turn cost', () => {
  expect(tables[0]?.rows[5]).toEqual(['100', 'this library', '9', '1', '5', '15', '1', '123,400', '12.3', '6.06'])
})

test('warm agents have no resume', () => {
  expect(tables[1]?.rows[5]?.slice(5, 7)).toEqual(['–', '–'])
})

test('a store that fails is there until its last turn, and then as a dash', () => {
  const rows = tables[2]?.rows.filter(([, name]) => name?.startsWith('stock, per message') && !name.endsWith('gzip'))
  expect(rows?.map(([turn, name, units]) => [turn, name, units])).toEqual([
    ['1', 'stock, per message', '5'],
    ['81', 'stock, per message', '405'],
    ['100', 'stock, per message: failed at turn 82', '–'],
  ])
  expect(rows?.[2]?.slice(2)).toEqual(Array(8).fill('–'))
  expect(tables[2]?.rows.filter(([turn]) => turn === '81')).toHaveLength(1)
})
