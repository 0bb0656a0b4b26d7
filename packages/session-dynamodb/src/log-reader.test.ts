import { BatchGetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb'
import { describe, expect, it, test, vi } from 'vitest'
import {
  ANOTHER,
  between,
  head,
  INCARNATION,
  LOCATION,
  newest,
  pk,
  row,
  START,
  sealed,
  state,
  TableName,
  WRITER,
} from '../test/support/log-items.ts'
import { mockedClient, rejectionOf } from '../test/support/mocked-client.ts'
import { ScopeKeys } from './keys.ts'
import { createdAtOf, entriesOf, isOpen, type LogPage, readLog, readMessages, readProgress } from './log-reader.ts'
import { openScope } from './shared-chunks.ts'
import { SessionTable } from './table.ts'
import { ValueStore } from './values.ts'

const keys = new ScopeKeys(LOCATION)
const skOf = (seq: number): string => keys.message(seq).sk
const LAST_KEY = { pk, sk: 'somewhere' }

function tableFor(consistentRead = true) {
  const mocked = mockedClient()
  return { ...mocked, table: new SessionTable({ client: mocked.client, tableName: TableName, consistentRead }) }
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
  const messages =
    page.window &&
    (await readMessages(
      openScope({ table, values: new ValueStore(table, { compression: 'off' }), keys }),
      INCARNATION,
      page.window,
      page.rows,
      page.items,
    ))
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

  it('range by range and row by row at once when some of its rows lie together and others do not', async () => {
    const { table, answers, takeSent } = tableFor()
    const first = [state(), head({ window: '7,1-20,500,100-140,999', last: 999 }), ...rowsOf(999)]
    const { promise, resolve } = Promise.withResolvers<object>()
    const further = rowsOf(...sequence(1, 20), ...sequence(100, 140))
    const between = (low: string, high: string) => further.filter(({ sk }) => low <= sk && sk <= high)
    answers.on(QueryCommand).callsFake(async ({ ExpressionAttributeValues: values }) => {
      if (values[':first'] === undefined) return { Items: first, LastEvaluatedKey: LAST_KEY }
      await promise
      return { Items: between(values[':first'], values[':last']) }
    })
    answers.on(BatchGetCommand).callsFake(async () => promise.then(() => ({ Responses: { [TableName]: rowsOf(500) } })))
    const read = readLog(table, keys, 40)
    // All of them are under way before the first one is answered.
    await vi.waitFor(() => expect(answers.calls()).toHaveLength(4))
    resolve({})
    expect(await read).toMatchObject({ window: [7, ...sequence(1, 20), 500, ...sequence(100, 140), 999], last: 999 })
    expect(takeSent().map(([name, input]) => [name, keysIn(input)])).toEqual([
      ['QueryCommand', []],
      ['BatchGetCommand', [skOf(500)]],
      ['QueryCommand', [skOf(1), `${skOf(20)}$`]],
      ['QueryCommand', [skOf(100), `${skOf(140)}$`]],
    ])
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

/** Sort keys that a read asks for. */
function keysIn(input: unknown): string[] {
  return JSON.stringify(input).match(/agent#a#msg#\d{10}\$?/g) ?? []
}

describe('how a turn elsewhere goes on', () => {
  const until = START + 1000

  it('is one strongly consistent Query, from the newest row that is known to the head', async () => {
    const { table, answers, takeSent } = tableFor(false)
    const settled = head({ window: '1-2', last: 2, settled: 2 })
    const part = sealed({ pk, sk: `${skOf(4)}#part#x#0000`, v: 1, data: Uint8Array.of(1) })
    answers
      .on(QueryCommand)
      .resolvesOnce({ Items: rowsOf(3), LastEvaluatedKey: LAST_KEY })
      .resolves({ Items: [row(4, 'd', { until, turn: 'event-1', writer: ANOTHER }), part, settled] })
    expect(await readProgress(table, keys, 3)).toMatchObject({
      head: { version: 1, last: 2, settled: 2 },
      newest: { seq: 4, writer: ANOTHER, turn: { id: 'event-1', until } },
    })
    const [name, input] = between(skOf(3), 'agent#a#msg#head')
    const query = { ...Object(input), ConsistentRead: true }
    expect(takeSent()).toEqual([
      [name, query],
      [name, { ...query, ExclusiveStartKey: LAST_KEY }],
    ])
  })

  it('is nothing when there is no head any more, and no row when all are of an earlier life', async () => {
    const { table, answers } = tableFor()
    const late = row(3, 'z', { writer: '000000001-late' })
    answers
      .on(QueryCommand)
      .resolvesOnce({ Items: rowsOf(3) })
      .resolves({ Items: [late, head()] })
    expect(await readProgress(table, keys, 3)).toBeUndefined()
    expect(await readProgress(table, keys, 3)).toMatchObject({ head: { version: 1 }, newest: undefined })
  })

  test.each([
    ['open while its newest row says until when', { until }, 0, true],
    ['open when an earlier one was settled', { until }, 2, true],
    ['over when it was settled', { until }, 3, false],
    ['over when its newest row says no time', {}, 0, false],
  ])('is %s', async (_, more, settled, expected) => {
    const { page } = await pageOf(
      [head({ window: '1-2', last: 2, settled }), row(3, 'c', more), ...rowsOf(2, 1)],
      false,
    )
    expect(isOpen(page)).toBe(expected)
    expect(page.newest).toMatchObject({ seq: 3, writer: WRITER })
  })

  it('is over when there is no row', async () => {
    expect(isOpen((await pageOf([head({ window: '', last: 0 })], false)).page)).toBe(false)
  })
})

describe('what is remembered of a log', () => {
  it('is every row that was read beside the window, but not one that cannot be read', async () => {
    const rows = [
      row(4, 'D', { turn: 'event-1', until: 9 }),
      row(3, 'c', { detached: true, replaces: '1', writer: ANOTHER }),
      row(2, 'b', { data: '{' }),
      ...rowsOf(1),
    ]
    const { table, answers } = tableFor()
    answers.on(QueryCommand).resolves({ Items: [head({ window: '1', last: 4 }), ...rows] })
    const page = await readLog(table, keys, 40)
    if (page.head === undefined) throw new Error('There is no head')
    const digest = expect.any(String)
    const noTurn = { turn: {}, isAnswer: false }
    const turn = { id: 'event-1', until: 9 }
    expect(await entriesOf(openScope({ table, values: new ValueStore(table), keys }), page)).toEqual([
      { seq: 4, digest, trackingId: 'D', writer: WRITER, detached: false, replaces: [], turn, isAnswer: true },
      { seq: 3, digest, trackingId: 'c', writer: ANOTHER, detached: true, replaces: [1], ...noTurn },
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
