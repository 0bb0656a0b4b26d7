import { BatchGetCommand, GetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb'
import { describe, expect, it, test } from 'vitest'
import {
  ANOTHER,
  append,
  between,
  head,
  LOCATION,
  message,
  newest,
  part,
  pk,
  put,
  row,
  START,
  sealed,
  snapshotOf,
  state,
  TableName,
  WRITER,
  without,
} from '../test/support/log-items.ts'
import { mockedClient, rejectionOf } from '../test/support/mocked-client.ts'
import { digestOf, INLINE_LIMIT, slice } from './codec.ts'
import { ScopeKeys } from './keys.ts'
import { Lifetime } from './lifetime.ts'
import { SessionDirectory } from './session-directory.ts'
import { SessionLog } from './session-log.ts'
import { openScope } from './shared-chunks.ts'
import { freeze } from './snapshot.ts'
import { SessionTable } from './table.ts'
import { Turns } from './turns.ts'
import { ValueStore } from './values.ts'

const HEAD_SK = 'agent#a#msg#head'
const until = START + 5000
const theirs = (seq: number, text: string, more: object = {}) => row(seq, text, { writer: ANOTHER, ...more })

/** The turns of a log that has loaded some items, on a clock of its own that each pause advances. */
async function turnsOf(...items: readonly object[]) {
  const mocked = mockedClient()
  const clock = { now: START, pauses: [] as number[], onPause: () => {} }
  const now = (): number => clock.now
  const table = new SessionTable({ client: mocked.client, tableName: TableName, consistentRead: false })
  const values = new ValueStore(table, { compression: 'off' })
  const store = openScope({ table, values, keys: new ScopeKeys(LOCATION) })
  const log = new SessionLog({
    ...store,
    ...{ sessionId: 's', scopeId: 'a', nonce: 'me', now },
    ...{ autoCreate: true, windowSize: 40, touchIntervalSeconds: 300 },
    directory: new SessionDirectory({ table, now }),
    lifetime: new Lifetime(undefined, now),
    retention: 'all',
  })
  const queued: string[] = []
  const turns = new Turns({
    ...store,
    ...{ log, sessionId: 's', scopeId: 'a', now },
    enqueue: async (task) => {
      queued.push('begin')
      const result = await task()
      queued.push('end')
      return result
    },
    pause: async (milliseconds) => {
      clock.pauses.push(milliseconds)
      clock.now += milliseconds
      clock.onPause()
    },
  })
  if (items.length > 0) {
    mocked.answers.on(QueryCommand).resolves({ Items: [...items] })
    await log.load()
    mocked.takeSent()
  }
  return { ...mocked, clock, log, turns, queued }
}

const windowed = head({ window: '1-2', last: 2 })
const twoRows = [theirs(2, 'B1'), theirs(1, 'a1')]
const openRow = theirs(3, 'c1', { until, turn: 'event-2' })
const openLog = [state(), windowed, openRow, ...twoRows] as const

/** What a look at somebody else's turn sends: from the newest row that is known to the head, strongly consistent. */
const look = (() => {
  const [name, input] = between('agent#a#msg#0000000003', HEAD_SK)
  return [name, { ...Object(input), ConsistentRead: true }]
})()

describe('a turn to wait for', () => {
  test.each([
    ['nothing is stored', []],
    ['nobody has begun one', [state(), head({ window: '', last: 0 })]],
    ['the newest row is an answer', [state(), windowed, ...twoRows]],
    ['it is an own one', [state(), windowed, row(3, 'c1', { until }), ...twoRows]],
    ['its time is up', [state(), windowed, theirs(3, 'c1', { until: START }), ...twoRows]],
    ['the head says that it has ended', [state(), head({ window: '1-3', last: 3, settled: 3 }), openRow, ...twoRows]],
    ['it was written without exclusion', [state(), windowed, theirs(3, 'c1'), ...twoRows]],
  ])('is none when %s, which takes no request', async (_, items) => {
    const { turns, clock, takeSent } = await turnsOf(...items)
    expect(await turns.waitUntilFree(START + 30_000)).toBe(false)
    expect([takeSent(), clock.pauses]).toEqual([[], []])
  })

  it('is over when the answer is there', async () => {
    const { turns, clock, answers, takeSent, queued } = await turnsOf(...openLog)
    answers
      .on(QueryCommand)
      .resolvesOnce({ Items: [openRow, windowed] })
      .resolvesOnce({ Items: [openRow, theirs(4, 'D1'), windowed] })
    expect(await turns.waitUntilFree(START + 30_000)).toBe(true)
    expect(takeSent()).toEqual([look, look])
    expect([clock.pauses.length, queued]).toEqual([2, ['begin', 'end', 'begin', 'end']])
  })

  it.each([
    ['when the head says so', [openRow, head({ window: '1-3', last: 3, settled: 3, version: 2 })]],
    ['when the session is gone', [openRow]],
    ['when an answer is all that is left of it', [theirs(4, 'D1'), windowed]],
  ])('is over %s', async (_, Items) => {
    const { turns, answers, takeSent } = await turnsOf(...openLog)
    answers.on(QueryCommand).resolves({ Items })
    expect(await turns.waitUntilFree(START + 30_000)).toBe(true)
    expect(takeSent()).toEqual([look])
  })

  it('goes on while it adds rows, each with a lease of its own', async () => {
    const { turns, clock, answers, takeSent } = await turnsOf(...openLog)
    const renewed = theirs(4, 'd1', { until: until + 5000 })
    answers.on(QueryCommand).resolves({ Items: [openRow, renewed, windowed] })
    expect(await turns.waitUntilFree(START + 30_000)).toBe(true)
    // It was taken to have crashed when the second lease was over, and not the first.
    expect(clock.now).toBeGreaterThanOrEqual(until + 5000)
    expect(clock.now).toBeLessThan(until + 6000)
    expect(turns.hasCrashed()).toBe(true)
    expect(takeSent().length).toBe(clock.pauses.length)
  })

  it('is looked at after pauses that double from 50 ms to a second, each cut by up to a half', async () => {
    const { turns, clock, answers } = await turnsOf(...openLog)
    const forever = theirs(3, 'c1', { until: START + 86_400_000 })
    answers.on(QueryCommand).resolves({ Items: [forever, windowed] })
    await rejectionOf(turns.waitUntilFree(START + 20_000))
    const longest = [50, 100, 200, 400, 800, 1000]
    for (const [index, pause] of clock.pauses.slice(0, -1).entries()) {
      const most = longest[index] ?? 1000
      expect(pause).toBeGreaterThanOrEqual(most / 2)
      expect(pause).toBeLessThan(most)
    }
    // The last one ends when the waiting does.
    expect(clock.now).toBe(START + 20_000)
    expect(new Set(clock.pauses).size).toBeGreaterThan(clock.pauses.length / 2)
  })

  it('that does not end in time is an error that says whose it is, and when it will have crashed at the latest', async () => {
    const { turns, clock, answers, takeSent } = await turnsOf(...openLog)
    answers.on(QueryCommand).resolves({ Items: [openRow, windowed] })
    expect(await rejectionOf(turns.waitUntilFree(START + 2000))).toMatchObject({
      ...{ name: 'SessionBusyError', sessionId: 's', scopeId: 'a', writer: ANOTHER, retryAfterMs: 3000 },
      message: expect.stringContaining('Try again in 3 s at the latest'),
    })
    expect(clock.now).toBe(START + 2000)
    expect(takeSent().length).toBe(clock.pauses.length)
  })

  it('that nobody wants to wait for is looked at once: it may be over by now', async () => {
    const { turns, clock, answers, takeSent } = await turnsOf(...openLog)
    expect(turns.isBusy()).toBe(true)
    answers.on(QueryCommand).resolves({ Items: [openRow, theirs(4, 'D1'), windowed] })
    expect(await turns.waitUntilFree(START)).toBe(true)
    expect([takeSent(), clock.pauses, turns.isBusy()]).toEqual([[look], [], false])
  })

  it('that nobody wants to wait for is an error after that look', async () => {
    const { turns, clock, answers } = await turnsOf(...openLog)
    answers.on(QueryCommand).resolves({ Items: [openRow, windowed] })
    expect(await rejectionOf(turns.waitUntilFree(START))).toMatchObject({
      ...{ name: 'SessionBusyError', writer: ANOTHER, retryAfterMs: 5000 },
    })
    expect(clock.pauses).toEqual([])
  })

  it('is waited for no longer when the signal says so, which is no error', async () => {
    const { turns, clock, answers, takeSent } = await turnsOf(...openLog)
    const controller = new AbortController()
    answers.on(QueryCommand).resolves({ Items: [openRow, windowed] })
    clock.onPause = () => {
      if (clock.pauses.length === 3) controller.abort()
    }
    expect(await turns.waitUntilFree(START + 30_000, controller.signal)).toBe(true)
    expect([clock.pauses.length, takeSent().length <= 3]).toEqual([3, true])
    expect(await turns.waitUntilFree(START + 30_000, controller.signal)).toBe(false)
    expect(clock.pauses).toHaveLength(3)
  })

  it('that cannot be looked at is the error of the request', async () => {
    const { turns, answers } = await turnsOf(...openLog)
    answers.on(QueryCommand).rejects(new Error('no'))
    expect(await rejectionOf(turns.waitUntilFree(START + 30_000))).toMatchObject({
      ...{ name: 'TableRequestError', operation: 'Query' },
    })
  })
})

describe('a turn that has crashed', () => {
  test.each([
    ['is one of another writer whose time is up', theirs(3, 'c1', { until: START }), true],
    ['is not one whose time is not up', theirs(3, 'c1', { until: START + 1 }), false],
    ['is not one that was answered', theirs(3, 'C1'), false],
    ['is one with an answer that no head shows', theirs(3, 'C1', { until: START, detached: true }), true],
  ])('%s', async (_, newestRow, expected) => {
    const { turns } = await turnsOf(state(), windowed, newestRow, ...twoRows)
    expect(turns.hasCrashed()).toBe(expected)
  })

  it('is none where nothing was read', async () => {
    expect((await turnsOf()).turns.hasCrashed()).toBe(false)
  })

  it('is none when the head says that it has ended', async () => {
    const settled = head({ window: '1-3', last: 3, settled: 3 })
    const { turns } = await turnsOf(state(), settled, theirs(3, 'c1', { until: START }), ...twoRows)
    expect(turns.hasCrashed()).toBe(false)
  })
})

describe('a turn that begins', () => {
  it('is said in the rows that are written from then on', async () => {
    const { turns, log, takeSent } = await turnsOf(state(), windowed, ...twoRows)
    const save = (...texts: readonly string[]) => log.save(freeze(snapshotOf(['a1', 'B1', ...texts])), new Map())
    turns.begin({ id: 'event-1', leaseMs: 5000 })
    await save('c1')
    turns.begin({})
    await save('c1', 'd1')
    expect(takeSent()).toEqual([append(row(3, 'c1', { until, turn: 'event-1' })), append(row(4, 'd1'))])
  })
})

describe('a turn with an id', () => {
  const marker = { pk, sk: 'agent#a#turn#event-1' }
  const markerOf = (data: string) => sealed({ ...marker, v: 1, enc: 'json', data })
  const readOf = (key: object) => ['GetCommand', { TableName, Key: key, ConsistentRead: false }]
  const keyOf = (seq: number) => ({ pk, sk: row(seq, '').sk })
  const mine = { turn: 'event-1' }

  it('is new when neither a row nor a marker names it', async () => {
    const { turns, takeSent } = await turnsOf(state(), windowed, ...twoRows)
    expect(await turns.find('event-1')).toEqual({ status: 'new' })
    expect(takeSent()).toEqual([readOf(marker)])
  })

  it('is found by any id, escaped', async () => {
    const { turns, takeSent } = await turnsOf()
    await turns.find('arn:aws:sqs#1/a b')
    // Behind the look at the log, which nobody has read yet.
    expect(takeSent().at(-1)).toEqual(readOf({ pk, sk: 'agent#a#turn#arn%3Aaws%3Asqs%231%2Fa%20b' }))
  })

  it('is answered when its answer is among the rows', async () => {
    const answer = theirs(4, 'D1', mine)
    const { turns, answers, takeSent } = await turnsOf(state(), windowed, answer, theirs(3, 'c1', mine), ...twoRows)
    answers.on(GetCommand).resolves({ Item: answer })
    expect(await turns.find('event-1')).toEqual({ status: 'answered', answer: message('D1') })
    expect(takeSent()).toEqual([readOf(keyOf(4))])
  })

  it('is answered with what takes the place of its first answer', async () => {
    const edited = theirs(5, 'D2', { ...mine, detached: true, replaces: '4' })
    const rows = [edited, theirs(4, 'D1', mine), theirs(3, 'c1', mine), ...twoRows]
    const { turns, answers } = await turnsOf(state(), head({ window: '1-3,5', last: 5, settled: 5 }), ...rows)
    answers.on(GetCommand).callsFake(async ({ Key }) => ({ Item: rows.find(({ sk }) => sk === Key.sk) }))
    expect(await turns.find('event-1')).toEqual({ status: 'answered', answer: message('D2') })
  })

  it('is answered when only the marker is left of it', async () => {
    const answer = theirs(99, 'D1', mine)
    const { turns, answers, takeSent } = await turnsOf(state(), windowed, ...twoRows)
    answers.on(GetCommand, { Key: marker }).resolves({ Item: markerOf('{"answer":99,"incarnation":"0mjuohs00"}') })
    answers.on(GetCommand, { Key: keyOf(99) }).resolves({ Item: answer })
    expect(await turns.find('event-1')).toEqual({ status: 'answered', answer: message('D1') })
    expect(takeSent()).toEqual([readOf(marker), readOf(keyOf(99))])
  })

  it('is answered when its answer is large', async () => {
    const text = JSON.stringify(message(`D${'x'.repeat(INLINE_LIMIT)}`))
    const digest = digestOf(text)
    const parts = slice(Buffer.from(text), INLINE_LIMIT)
    const inParts = without(theirs(4, 'D', { ...mine, parts: parts.length, digest }), 'data')
    const items = parts.map((data, index) => part(inParts.sk, digest, index, data))
    const rows = [...items, inParts, theirs(3, 'c1', mine), ...twoRows]
    const { turns, answers } = await turnsOf(state(), windowed, ...rows)
    answers.on(GetCommand).resolves({ Item: inParts })
    answers.on(BatchGetCommand).resolves({ Responses: { [TableName]: items } })
    expect(await turns.find('event-1')).toEqual({ status: 'answered', answer: JSON.parse(text) })
  })

  it('is unanswered when its rows end the window', async () => {
    const rows = [theirs(4, 'd1', { ...mine, until }), theirs(3, 'c1', { ...mine, until }), ...twoRows]
    const { turns, takeSent } = await turnsOf(state(), windowed, ...rows)
    expect(await turns.find('event-1')).toEqual({ status: 'unanswered', first: 2 })
    expect(takeSent()).toEqual([])
  })

  it('is new when another turn has followed its rows', async () => {
    const rows = [theirs(5, 'E1', { turn: 'event-2' }), theirs(4, 'd1', { turn: 'event-2', until }), openMine]
    const { turns, takeSent } = await turnsOf(state(), windowed, ...rows, ...twoRows)
    expect(await turns.find('event-1')).toEqual({ status: 'new' })
    expect(takeSent()).toEqual([readOf(marker)])
  })
  const openMine = theirs(3, 'c1', { ...mine, until })

  it('is not answered by an answer that no head shows yet', async () => {
    const staged = theirs(4, 'D1', { ...mine, until, detached: true })
    const { turns } = await turnsOf(state(), windowed, staged, openMine, ...twoRows)
    expect(await turns.find('event-1')).toEqual({ status: 'unanswered', first: 2 })
  })

  it('is marked as completed with the number of its answer, and otherwise not at all', async () => {
    const answered = [theirs(4, 'D1', mine), theirs(3, 'c1', mine), ...twoRows]
    const { turns, takeSent } = await turnsOf(state(), windowed, ...answered)
    await turns.complete('event-1')
    expect(takeSent()).toEqual([put(markerOf('{"answer":4,"incarnation":"0mjuohs00"}'))])
    await turns.complete('event-3')
    expect(takeSent()).toEqual([])

    const open = await turnsOf(state(), windowed, openMine, ...twoRows)
    await open.turns.complete('event-1')
    expect(open.takeSent()).toEqual([])
  })

  test.each([['null'], ['7'], ['{}'], ['[]'], ['{"answer":"4"}'], ['{"answer":null}'], ['{'], ['']])(
    'whose marker says %j is an error that names it',
    async (data) => {
      const { turns, answers } = await turnsOf(state(), windowed, ...twoRows)
      answers.on(GetCommand).resolves({ Item: markerOf(data) })
      expect(await rejectionOf(turns.find('event-1'))).toMatchObject({ name: 'SessionCorruptedError', key: marker })
    },
  )

  it('whose marker was changed is an error that names it', async () => {
    const { turns, answers } = await turnsOf(state(), windowed, ...twoRows)
    answers.on(GetCommand).resolves({ Item: { ...markerOf('{"answer":1}'), data: '{"answer":2}' } })
    expect(await rejectionOf(turns.find('event-1'))).toMatchObject({ name: 'SessionCorruptedError', key: marker })
  })

  it('of an earlier life of the session is new', async () => {
    const { turns, answers, takeSent } = await turnsOf(state(), windowed, ...twoRows)
    answers.on(GetCommand).resolves({ Item: markerOf('{"answer":99,"incarnation":"000000001"}') })
    expect(await turns.find('event-1')).toEqual({ status: 'new' })
    expect(takeSent()).toEqual([readOf(marker)])
  })

  it.each([
    ['another turn', theirs(99, 'D1', { turn: 'event-2' })],
    ['no turn', theirs(99, 'D1')],
    ['an earlier life of the session', row(99, 'D1', { ...mine, writer: '000000001-x' })],
  ])('whose answer is a row of %s is an error that names it', async (_, Item) => {
    const { turns, answers } = await turnsOf(state(), windowed, ...twoRows)
    answers.on(GetCommand, { Key: marker }).resolves({ Item: markerOf('{"answer":99,"incarnation":"0mjuohs00"}') })
    answers.on(GetCommand, { Key: keyOf(99) }).resolves({ Item })
    expect(await rejectionOf(turns.find('event-1'))).toMatchObject({ name: 'SessionCorruptedError', key: keyOf(99) })
  })

  it('whose answer was known and is gone is new: the session was deleted', async () => {
    const { turns } = await turnsOf(state(), windowed, theirs(4, 'D1', mine), theirs(3, 'c1', mine), ...twoRows)
    expect(await turns.find('event-1')).toEqual({ status: 'new' })
  })

  it('whose answer is missing is an error that names the row', async () => {
    const { turns, answers } = await turnsOf(state(), windowed, ...twoRows)
    answers.on(GetCommand, { Key: marker }).resolves({ Item: markerOf('{"answer":99,"incarnation":"0mjuohs00"}') })
    expect(await rejectionOf(turns.find('event-1'))).toMatchObject({
      ...{ name: 'SessionCorruptedError', key: keyOf(99) },
      message: expect.stringContaining('is not the answer that a turn names'),
    })
  })
})

it('the first request of a resume says whether there is a turn to wait for', async () => {
  const { log, turns, answers, takeSent } = await turnsOf()
  answers.on(QueryCommand).resolves({ Items: [...openLog] })
  await log.load()
  const [name, input] = newest()
  expect(takeSent()).toEqual([[name, { ...Object(input), ConsistentRead: false }]])
  expect(turns.isBusy()).toBe(true)
  expect(log.view()?.writer).toBe(WRITER)
})
