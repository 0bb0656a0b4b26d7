import { BatchGetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb'
import { describe, expect, it, test } from 'vitest'
import {
  ANOTHER,
  between,
  head,
  INCARNATION,
  LOCATION,
  newest,
  pk,
  row,
  state,
  TableName,
} from '../test/support/log-items.ts'
import { mockedClient, rejectionOf } from '../test/support/mocked-client.ts'
import { ScopeKeys } from './keys.ts'
import { createdAtOf, entriesOf, type LogPage, readLog, readMessages } from './log-reader.ts'
import { SessionTable } from './table.ts'

const keys = new ScopeKeys(LOCATION)
const skOf = (seq: number): string => keys.message(seq).sk
const LAST_KEY = { pk, sk: 'somewhere' }

function tableFor() {
  const mocked = mockedClient()
  return { ...mocked, table: new SessionTable({ client: mocked.client, tableName: TableName, consistentRead: true }) }
}

const letterOf = (seq: number): string => String.fromCharCode(97 + (seq % 26))
const rowsOf = (...seqs: readonly number[]) => seqs.map((seq) => row(seq, letterOf(seq)))
const sequence = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index)

/** Reads a log whose first page is known, and whose further rows the second request finds. */
async function pageOf(firstPage: readonly object[], more: boolean, further: readonly object[] = []) {
  const { table, answers, takeSent } = tableFor()
  answers
    .on(QueryCommand)
    .resolvesOnce({ Items: [...firstPage], ...(more ? { LastEvaluatedKey: LAST_KEY } : {}) })
    .resolves({ Items: [...further] })
  answers.on(BatchGetCommand).resolves({ Responses: { [TableName]: [...further] } })
  const page = await readLog(table, keys, 40)
  if (page.head === undefined) throw new Error('There is no head')
  const messages = page.window && (await readMessages(table, keys, page.window, page.rows, page.items))
  return { page, texts: messages?.map(({ message }) => Reflect.get(Object(message), 'trackingId')), sent: takeSent() }
}

describe('a log is read', () => {
  it('in one request when its window lies at its end', async () => {
    const items = [state(), head({ window: '2-3', last: 3 }), ...rowsOf(5, 4, 3, 2, 1)]
    const { page, texts, sent } = await pageOf(items, false)
    expect(page).toMatchObject({ window: [2, 3, 4, 5], last: 5, head: { version: 1, last: 3 }, state: { version: 1 } })
    expect([...page.rows.keys()].sort()).toEqual([1, 2, 3, 4, 5])
    expect([texts, sent]).toEqual([[2, 3, 4, 5].map(letterOf), [newest()]])
  })

  it('in one request when more lies before the window', async () => {
    const { page, sent } = await pageOf([state(), head({ window: '99-100', last: 100 }), ...rowsOf(100, 99, 98)], true)
    expect([page.window, sent]).toEqual([[99, 100], [newest()]])
  })

  it('in two when a few rows of the window lie far apart', async () => {
    const first = [state(), head({ window: '50,1,20-21,99-100', last: 100 }), ...rowsOf(100, 99)]
    const { page, texts, sent } = await pageOf(first, true, rowsOf(20, 1, 50, 21))
    expect(page.window).toEqual([50, 1, 20, 21, 99, 100])
    expect(texts).toEqual([50, 1, 20, 21, 99, 100].map(letterOf))
    const Keys = [50, 1, 20, 21].map((seq) => ({ pk, sk: skOf(seq) }))
    expect(sent).toEqual([
      newest(),
      ['BatchGetCommand', { RequestItems: { [TableName]: { Keys, ConsistentRead: true } } }],
    ])
  })

  it('in two when the rest of the window lies close together', async () => {
    const first = [state(), head({ window: '50,54-60,99-100', last: 100 }), ...rowsOf(100, 99)]
    const { page, sent } = await pageOf(first, true, rowsOf(...sequence(50, 60)))
    expect(page.window).toEqual([50, ...sequence(54, 60), 99, 100])
    expect(sent).toEqual([newest(), between(skOf(50), `${skOf(60)}$`)])
  })

  it('in two when the tail is longer than the first page', async () => {
    const first = [state(), head({ window: '1-2', last: 2 }), ...rowsOf(9, 8)]
    const { page, sent } = await pageOf(first, true, rowsOf(...sequence(1, 7)))
    expect([page.window, page.last]).toEqual([sequence(1, 9), 9])
    expect(sent).toEqual([newest(), between(skOf(1), `${skOf(7)}$`)])
  })

  it('in two when the window is empty and the tail is longer than the first page', async () => {
    const { page, sent } = await pageOf([head({ window: '', last: 2 }), ...rowsOf(9, 8)], true, rowsOf(3, 4, 5, 6, 7))
    expect([page.window, sent]).toEqual([sequence(3, 9), [newest(), between(skOf(3), `${skOf(7)}$`)]])
  })

  it('range by range when the window holds many rows that lie far apart', async () => {
    const first = [state(), head({ window: '1-60,200-260,999', last: 999 }), ...rowsOf(999)]
    const { page, sent } = await pageOf(first, true, rowsOf(...sequence(1, 60), ...sequence(200, 260)))
    expect(page.window).toHaveLength(122)
    expect(sent).toEqual([newest(), between(skOf(1), `${skOf(60)}$`), between(skOf(200), `${skOf(260)}$`)])
  })

  it('on to the next page while that of the state leaves no room for messages', async () => {
    const { table, answers, takeSent } = tableFor()
    answers
      .on(QueryCommand)
      .resolvesOnce({ Items: [state()], LastEvaluatedKey: LAST_KEY })
      .resolvesOnce({ Items: [head({ window: '1', last: 1 })], LastEvaluatedKey: LAST_KEY })
      .resolvesOnce({ Items: rowsOf(1) })
    expect(await readLog(table, keys, 40)).toMatchObject({ window: [1], state: { version: 1 } })
    expect(takeSent()).toHaveLength(3)
  })

  it('without rows of an earlier life of the session', async () => {
    const late = row(3, 'z', { writer: '000000001-late' })
    const { page } = await pageOf([state(), head({ window: '1-2', last: 2 }), late, ...rowsOf(2, 1)], false)
    expect(page.window).toEqual([1, 2])
    expect([...page.rows.keys()].sort()).toEqual([1, 2])
  })

  it('without rows that were staged and not committed, whatever is missing between them', async () => {
    const staged = [row(6, 'f', { detached: true }), row(4, 'd', { detached: true })]
    const { page } = await pageOf([state(), head({ window: '1', last: 1 }), ...staged, ...rowsOf(1)], false)
    expect([page.window, page.last]).toEqual([[1], 6])
  })

  it('with a tail that goes on behind staged rows', async () => {
    const staged = row(2, 'b', { detached: true })
    const { page } = await pageOf([head({ window: '1', last: 1 }), ...rowsOf(3), staged, ...rowsOf(1)], false)
    expect([page.window, page.state]).toEqual([[1, 3], undefined])
  })

  it('as rows without a head, when that is all there is', async () => {
    const { table, answers } = tableFor()
    answers.on(QueryCommand).resolves({ Items: rowsOf(2, 1) })
    expect(await readLog(table, keys, 40)).toEqual({ head: undefined, leftovers: rowsOf(2, 1) })
  })

  it('unless a row of its tail is missing', async () => {
    const items = [head({ window: '1', last: 1 }), ...rowsOf(3, 1)]
    expect(await rejectionOf(pageOf(items, false))).toMatchObject({
      name: 'SessionCorruptedError',
      key: { pk, sk: skOf(2) },
      message: expect.stringContaining('is missing from the log'),
    })
  })

  it('unless a row of its window is missing', async () => {
    const items = [head({ window: '1-3', last: 3 }), ...rowsOf(3, 1)]
    expect(await rejectionOf(pageOf(items, false))).toMatchObject({
      name: 'SessionCorruptedError',
      key: { pk, sk: skOf(2) },
      message: expect.stringContaining('is missing, but the window names it'),
    })
  })
})

describe('what is remembered of a log', () => {
  it('is every row that was read, seen by the window or not, but not one that cannot be read', async () => {
    const rows = [
      row(3, 'c', { detached: true, replaces: '1', writer: ANOTHER }),
      row(2, 'b', { data: '{' }),
      ...rowsOf(1),
    ]
    const { table, answers } = tableFor()
    answers.on(QueryCommand).resolves({ Items: [head({ window: '1', last: 1 }), ...rows] })
    const page = await readLog(table, keys, 40)
    if (page.head === undefined) throw new Error('There is no head')
    const digest = expect.any(String)
    const noTurn = { turn: {}, isAnswer: false }
    expect(entriesOf(page)).toEqual([
      { seq: 3, digest, trackingId: 'c', writer: ANOTHER, detached: true, replaces: [1], ...noTurn },
      { seq: 1, digest, trackingId: 'b', writer: `${INCARNATION}-me`, detached: false, replaces: [], ...noTurn },
    ])
  })
})

describe('the time of the last save', () => {
  const page = async (items: readonly object[]): Promise<LogPage> => (await pageOf(items, false)).page
  const oldHead = (more: object) => head({ window: '1', last: 1, createdAt: 'of the head', ...more })
  const oldState = (more: object) => state({ createdAt: 'of the state', ...more })

  test.each([
    ['of the head', [oldState({ version: 1 }), oldHead({ stateVersion: 1 }), row(1, 'b')]],
    ['of the state', [oldState({ version: 2, last: 1 }), oldHead({ stateVersion: 1 }), row(1, 'b')]],
    ['of the row', [oldState({}), oldHead({}), row(2, 'c', { createdAt: 'of the row' }), row(1, 'b')]],
    [
      'of the row',
      [oldState({ version: 2, last: 1 }), oldHead({}), row(2, 'c', { createdAt: 'of the row' }), row(1, 'b')],
    ],
    ['of the state', [oldState({ version: 2, last: 2 }), oldHead({}), row(2, 'c'), row(1, 'b')]],
    ['of the head', [oldHead({ stateVersion: 0 }), row(1, 'b')]],
  ])('is that %s', async (expected, items) => {
    expect(createdAtOf(await page(items))).toBe(expected)
  })
})
