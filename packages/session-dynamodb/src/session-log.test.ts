import {
  type CancellationReason,
  ConditionalCheckFailedException,
  ThrottlingException,
  TransactionCanceledException,
} from '@aws-sdk/client-dynamodb'
import {
  BatchGetCommand,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb'
import type { Snapshot } from '@strands-agents/sdk'
import { describe, expect, it, test } from 'vitest'
import {
  ANOTHER,
  advance,
  append,
  between,
  chunksLook,
  creation,
  head,
  headLook,
  LOCATION,
  message,
  newest,
  overwrite,
  part,
  partsLook,
  pk,
  row,
  START,
  START_SECONDS,
  sessionUpdate,
  snapshotOf,
  state,
  stateText,
  TableName,
  takingBack,
  WRITER,
  without,
} from '../test/support/log-items.ts'
import { mockedClient, rejectionOf, type SentCommand } from '../test/support/mocked-client.ts'
import { digestOf, INLINE_LIMIT } from './codec.ts'
import { ScopeKeys } from './keys.ts'
import { Lifetime } from './lifetime.ts'
import type { Redactions } from './redaction.ts'
import { SessionDirectory } from './session-directory.ts'
import { SessionLog } from './session-log.ts'
import { openScope } from './shared-chunks.ts'
import { freeze, freezeMessage } from './snapshot.ts'
import { SessionTable } from './table.ts'
import { ValueStore } from './values.ts'

const NOTHING: Redactions = new Map()
const EXISTS = 'attribute_exists(pk) AND attribute_not_exists(deletedAt) AND attribute_not_exists(#ttl)'

const touch = (at: string): SentCommand => ['UpdateCommand', sessionUpdate(at, { condition: EXISTS })]
const aws = { message: 'because', $metadata: {} }

function logFor({ autoCreate = true, windowSize = 40 } = {}) {
  const mocked = mockedClient()
  const clock = { now: START }
  const now = (): number => clock.now
  const table = new SessionTable({ client: mocked.client, tableName: TableName, consistentRead: true })
  const log = new SessionLog({
    ...openScope({ table, values: new ValueStore(table, { compression: 'off' }), keys: new ScopeKeys(LOCATION) }),
    directory: new SessionDirectory({ table, now }),
    lifetime: new Lifetime(undefined, now),
    retention: 'all',
    sessionId: 's',
    scopeId: 'a',
    autoCreate,
    windowSize,
    touchIntervalSeconds: 300,
    now,
    nonce: 'me',
  })
  const save = (texts: readonly string[], data?: Snapshot['data'], redacted: Redactions = NOTHING) =>
    log.save(freeze(snapshotOf(texts, data)), redacted)
  const end = (texts: readonly string[]) => log.save(freeze(snapshotOf(texts)), NOTHING, true)
  return { ...mocked, clock, log, save, end }
}

/** Sort keys of the items that were written one by one. */
function itemKeysIn(sent: readonly SentCommand[]): string[] {
  return sent.flatMap(([, input]) => Object(input).Item?.sk ?? [])
}

/** Sort keys of the items that were deleted, one by one or in batches. */
function deletedKeysIn(sent: readonly SentCommand[]): string[] {
  return sent.flatMap(([name, input]) => {
    const { Key, RequestItems } = Object(input)
    if (name === 'DeleteCommand') return [Key.sk]
    if (name !== 'BatchWriteCommand') return []
    return RequestItems[TableName].map(
      ({ DeleteRequest }: { DeleteRequest: { Key: { sk: string } } }) => DeleteRequest.Key.sk,
    )
  })
}

/** A log that has saved two messages. */
async function savedLog() {
  const made = logFor()
  await made.save(['a1', 'b1'])
  made.takeSent()
  return made
}

/** A log that has loaded two messages which another writer has saved. */
async function loadedLog(...further: readonly object[]) {
  const made = logFor()
  const items = [state(), head({ window: '1-2', last: 2, writer: ANOTHER }), ...further, row(2, 'b1'), row(1, 'a1')]
  made.answers.on(QueryCommand).resolvesOnce({ Items: items }).resolves({})
  const snapshot = await made.log.load()
  return { ...made, snapshot, sent: made.takeSent() }
}

describe('a first save', () => {
  it('creates session, head and state at once, and then appends the messages', async () => {
    const { save, takeSent } = logFor()
    await save(['a1', 'b1'])
    expect(takeSent()).toEqual([
      newest(),
      creation({ head: head({ createdAt: 'at b1' }), state: state({ createdAt: 'at b1' }) }),
      append(row(1, 'a1', { createdAt: 'at b1' })),
      append(row(2, 'b1')),
    ])
  })

  it('of many messages stages them, and shows them all at once', async () => {
    const { save, takeSent } = logFor()
    const texts = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i']
    await save(texts)
    expect(takeSent()).toEqual([
      newest(),
      creation({ head: head({ createdAt: 'at i' }), state: state({ createdAt: 'at i' }) }),
      ...texts.map((text, index) => append(row(index + 1, text, { createdAt: 'at i', detached: true }))),
      advance(head({ version: 2, window: '1-9', last: 9, createdAt: 'at i' })),
    ])
  })

  it('of a snapshot without messages has no window', async () => {
    const { log, takeSent } = logFor()
    await log.save(freeze({ ...snapshotOf([]), createdAt: 'now', data: { nodes: {} } }), NOTHING)
    const headWithoutWindow = without(head({ createdAt: 'now' }), 'window')
    expect(takeSent()).toEqual([
      newest(),
      creation({ head: headWithoutWindow, state: state({ createdAt: 'now', data: stateText({ nodes: {} }) }) }),
    ])
  })

  it('of an unknown session creates nothing when autoCreate is off', async () => {
    const { save, takeSent } = logFor({ autoCreate: false })
    expect(await rejectionOf(save(['a1']))).toMatchObject({ name: 'SessionNotFoundError', sessionId: 's' })
    expect(takeSent()).toEqual([
      newest(),
      ['GetCommand', { TableName, Key: { pk, sk: 'session' }, ConsistentRead: true }],
    ])
  })

  it('of a session that was created needs it to be there still, when autoCreate is off', async () => {
    const { save, answers, takeSent } = logFor({ autoCreate: false })
    const session = { pk, sk: 'session', v: 1, sessionId: 's', createdAt: '2026-01-01', updatedAt: '2026-01-01' }
    answers.on(GetCommand).resolves({ Item: session })
    await save([])
    expect(takeSent().at(2)).toMatchObject([
      'TransactWriteCommand',
      {
        TransactItems: [
          {
            Update: sessionUpdate(undefined, { condition: EXISTS }),
          },
          {},
          {},
        ],
      },
    ])
  })
})

describe('a save', () => {
  it('of a new message is one PutItem', async () => {
    const { save, takeSent } = await savedLog()
    await save(['a1', 'b1', 'c1'])
    expect(takeSent()).toEqual([append(row(3, 'c1'))])
  })

  it('of what is stored sends nothing', async () => {
    const { save, takeSent } = await savedLog()
    await save(['a1', 'b1'])
    expect(takeSent()).toEqual([])
  })

  it('of a trimmed window writes the head', async () => {
    const { save, takeSent } = await savedLog()
    await save(['b1'])
    expect(takeSent()).toEqual([advance(head({ version: 2, window: '2', last: 2, createdAt: 'at b1' }))])
  })

  it('of a window that was trimmed while a message came stages the message, and writes the head', async () => {
    const { save, takeSent } = await savedLog()
    await save(['b1', 'c1'])
    expect(takeSent()).toEqual([
      append(row(3, 'c1', { detached: true })),
      advance(head({ version: 2, window: '2-3', last: 3, createdAt: 'at c1' })),
    ])
    await save(['b1', 'c1', 'd1'])
    expect(takeSent()).toEqual([append(row(4, 'd1'))])
  })

  it('of an edited message appends it anew', async () => {
    const { save, takeSent } = await savedLog()
    await save(['a2', 'b1'])
    expect(takeSent()).toEqual([
      append(row(3, 'a2', { createdAt: 'at b1', detached: true, replaces: '1' })),
      advance(head({ version: 2, window: '3,2', last: 3, createdAt: 'at b1' })),
    ])
  })

  it('of a changed state is one PutItem', async () => {
    const { save, takeSent } = await savedLog()
    const data = stateText({ state: { count: 1 } })
    await save(['a1', 'b1'], { state: { count: 1 } })
    expect(takeSent()).toEqual([advance(state({ version: 2, last: 2, createdAt: 'at b1', data }))])
  })

  it('of a redacted message overwrites its row', async () => {
    const { save, answers, takeSent } = await savedLog()
    answers.on(QueryCommand).resolves({ Items: [row(2, 'b1')] })
    await save(
      ['a1', 'bX'],
      undefined,
      new Map([['b', { message: freezeMessage(message('bX')), stashReferences: [] }]]),
    )
    expect(takeSent()).toEqual([
      between('agent#a#msg#0000000001', 'agent#a#msg#head'),
      overwrite(row(2, 'bX')),
      advance(head({ version: 2, window: '1-2', last: 2, createdAt: 'at bX', unswept: true })),
      chunksLook,
    ])
  })

  it('refreshes the session when it has grown old, and not before', async () => {
    const { save, clock, takeSent } = await savedLog()
    clock.now += 299_999
    await save(['a1', 'b1', 'c1'])
    expect(takeSent()).toEqual([append(row(3, 'c1'))])

    clock.now += 1
    await save(['a1', 'b1', 'c1'])
    expect(takeSent()).toEqual([])

    await save(['a1', 'b1', 'c1', 'd1'])
    expect(takeSent()).toEqual([
      touch('2026-01-01T00:05:00.000Z'),
      append(row(4, 'd1', { touchedAt: START_SECONDS + 300 })),
    ])
    await save(['a1', 'b1', 'c1', 'd1', 'e1'])
    expect(takeSent()).toEqual([append(row(5, 'e1'))])
  })

  it('refreshes the session only when it is there still', async () => {
    const { save, clock, answers, takeSent } = await savedLog()
    clock.now += 300_000
    answers.on(UpdateCommand).rejects(new ConditionalCheckFailedException(aws))
    expect(await rejectionOf(save(['a1', 'b1', 'c1']))).toMatchObject({
      ...{ name: 'SessionConflictError', sessionId: 's', key: 'session', actual: 'nothing: it was deleted' },
    })
    expect(takeSent()).toEqual([touch('2026-01-01T00:05:00.000Z')])
  })

  it('says in the head when it has refreshed the session, where no row can say it', async () => {
    const { save, clock, takeSent } = await savedLog()
    clock.now += 300_000
    await save(['b1'])
    const touchedAt = START_SECONDS + 300
    expect(takeSent()).toEqual([
      touch('2026-01-01T00:05:00.000Z'),
      advance(head({ version: 2, window: '2', last: 2, createdAt: 'at b1', touchedAt })),
    ])
    clock.now += 300_000
    const data = { state: { count: 1 } }
    await save(['b1'], data)
    const more = { window: '2', last: 2, createdAt: 'at b1', touchedAt: touchedAt + 300 }
    expect(takeSent()).toEqual([
      touch('2026-01-01T00:10:00.000Z'),
      advance(state({ version: 2, last: 2, createdAt: 'at b1', data: stateText(data) })),
      advance(head({ version: 3, stateVersion: 2, ...more })),
    ])
  })

  it('knows from a row when the session was refreshed', async () => {
    const { save, clock, takeSent } = await loadedLog(row(3, 'c1', { writer: ANOTHER, touchedAt: START_SECONDS + 200 }))
    clock.now += 499_999
    await save(['a1', 'b1', 'c1', 'd1'])
    expect(takeSent()).toEqual([append(row(4, 'd1'))])
    clock.now += 1
    await save(['a1', 'b1', 'c1', 'd1', 'e1'])
    expect(takeSent()).toEqual([
      touch('2026-01-01T00:08:20.000Z'),
      append(row(5, 'e1', { touchedAt: START_SECONDS + 500 })),
    ])
  })
})

describe('a turn', () => {
  const until = START + 1000

  async function turnLog() {
    const made = logFor()
    await made.save(['a1', 'B1'])
    made.takeSent()
    made.log.turn = { id: 'event-1', leaseMs: 1000 }
    return made
  }

  it('is under way as its rows say, from each for as long as its lease, until the answer', async () => {
    const { save, clock, takeSent } = await turnLog()
    await save(['a1', 'B1', 'c1'])
    clock.now += 600
    await save(['a1', 'B1', 'c1', 'd1'])
    clock.now += 600
    await save(['a1', 'B1', 'c1', 'd1', 'E1'])
    expect(takeSent()).toEqual([
      append(row(3, 'c1', { until, turn: 'event-1' })),
      append(row(4, 'd1', { until: until + 600, turn: 'event-1' })),
      append(row(5, 'E1', { turn: 'event-1' })),
    ])
  })

  it('without exclusion or an id leaves no mark', async () => {
    const { log, save, takeSent } = await turnLog()
    log.turn = { id: 'event-1' }
    await save(['a1', 'B1', 'c1'])
    log.turn = { leaseMs: 1000 }
    await save(['a1', 'B1', 'c1', 'd1'])
    log.turn = {}
    await save(['a1', 'B1', 'c1', 'd1', 'e1'])
    expect(takeSent()).toEqual([
      append(row(3, 'c1', { turn: 'event-1' })),
      append(row(4, 'd1', { until })),
      append(row(5, 'e1')),
    ])
  })

  it('that ends with an answer looks at the head, and writes nothing', async () => {
    const { save, end, answers, takeSent } = await turnLog()
    await save(['a1', 'B1', 'c1', 'D1'])
    takeSent()
    answers.on(GetCommand).resolves({ Item: head({ createdAt: 'at B1' }) })
    await end(['a1', 'B1', 'c1', 'D1'])
    expect(takeSent()).toEqual([headLook])
    // It has looked: there is nothing new to look for.
    await end(['a1', 'B1', 'c1', 'D1'])
    expect(takeSent()).toEqual([])
  })

  it('that wrote nothing ends without a request', async () => {
    const { end, takeSent } = await loadedTurn()
    await end(['a1', 'b1'])
    expect(takeSent()).toEqual([])
  })

  it('that ends without an answer is marked as ended in the head', async () => {
    const { end, takeSent } = await turnLog()
    await end(['a1', 'B1', 'c1'])
    expect(takeSent()).toEqual([
      append(row(3, 'c1', { until, turn: 'event-1' })),
      advance(head({ version: 2, window: '1-3', last: 3, settled: 3, createdAt: 'at c1' })),
    ])
    await end(['a1', 'B1', 'c1'])
    expect(takeSent()).toEqual([])
  })

  it('of another writer is not marked as ended', async () => {
    const { log, takeSent } = await loadedLog(row(3, 'c1', { writer: ANOTHER, until }))
    await log.save(freeze(snapshotOf(['a1', 'b1', 'c1'])), NOTHING, true)
    expect(takeSent()).toEqual([])
  })

  it('whose end writes the head anyway needs no look at it', async () => {
    const { save, end, takeSent } = await turnLog()
    await save(['a1', 'B1', 'c1', 'D1'])
    takeSent()
    await end(['c1', 'D1'])
    expect(takeSent().map(([name, input]) => [name, Object(input).Item?.sk])).toEqual([
      ['PutCommand', 'agent#a#msg#head'],
    ])
    await end(['c1', 'D1'])
    expect(takeSent()).toEqual([])
  })

  it.each([
    ['deleted', undefined, 'nothing: it was deleted'],
    [
      'deleted and created again',
      head({ incarnation: '0mjuohs01', writer: '0mjuohs01-x' }),
      'the one begun at 0mjuohs01',
    ],
  ])('in a session that was %s meanwhile is taken back at its end', async (_, Item, actual) => {
    const { log, save, end, answers, takeSent } = await loadedTurn()
    await save(['a1', 'b1', 'c1'])
    await save(['a1', 'b1', 'c1', 'D1'])
    takeSent()
    answers.on(GetCommand).resolves(Item === undefined ? {} : { Item })
    const error = await rejectionOf(end(['a1', 'b1', 'c1', 'D1']))
    expect(error).toMatchObject({
      ...{ name: 'SessionConflictError', sessionId: 's', scopeId: 'a', key: 'session' },
      ...{ expected: 'the session begun at 0mjuohs00', actual },
    })
    const [first, ...others] = takeSent()
    const digests = ['c1', 'D1'].map((text) => digestOf(JSON.stringify(message(text))))
    expect(first).toEqual(headLook)
    expect(others).toHaveLength(4)
    expect(others).toEqual(
      expect.arrayContaining([
        ...[takingBack(3), takingBack(4)],
        ...digests.map((digest, index) => partsLook(3 + index, digest)),
      ]),
    )

    expect(await rejectionOf(save(['a1', 'b1', 'c1', 'D1', 'e1']))).toBe(error)
    expect(takeSent()).toEqual([])
    expect(await log.load()).toBeNull()
  })

  it('whose session was deleted meanwhile takes back its rows with their parts and chunks', async () => {
    const { save, end, answers, takeSent } = await loadedTurn()
    const large = `C${'x'.repeat(INLINE_LIMIT)}`
    await save(['a1', 'b1', large])
    const written = itemKeysIn(takeSent())
    expect(written).toHaveLength(4)
    answers.on(GetCommand).resolves({})
    // The parts may be looked for, or be known.
    answers
      .on(QueryCommand)
      .resolves({ Items: written.filter((sk) => sk.includes('#part#')).map((sk) => ({ pk, sk })) })
    await rejectionOf(end(['a1', 'b1', large]))
    expect(new Set(deletedKeysIn(takeSent()))).toEqual(new Set(written))
  })

  it.each([
    ['head', ['c1', 'D1'], { state: {} }],
    ['state', ['a1', 'b1', 'c1', 'D1'], { state: { changed: 1 } }],
  ])('whose session was deleted meanwhile is taken back also when it is the %s that tells', async (_, texts, data) => {
    const { log, save, answers, takeSent } = await loadedTurn()
    await save(['a1', 'b1', 'c1', 'D1'])
    takeSent()
    answers.on(PutCommand).rejects(new ConditionalCheckFailedException(aws))
    expect(await rejectionOf(log.save(freeze(snapshotOf(texts, data)), NOTHING, true))).toMatchObject({
      ...{ name: 'SessionConflictError', key: 'session', actual: 'nothing: it was deleted' },
    })
    expect(deletedKeysIn(takeSent())).toEqual([row(3, '').sk, row(4, '').sk])
  })

  it('whose answer is stored ends well, although the next writer was faster with the head', async () => {
    const { save, end, answers, takeSent } = await loadedTurn()
    await save(['a1', 'b1', 'c1', 'D1'])
    const theirHead = head({ version: 2, window: '3-4', last: 4, writer: ANOTHER })
    const Item = { writer: { S: ANOTHER }, version: { N: '2' } }
    answers.on(PutCommand).rejects(new ConditionalCheckFailedException({ ...aws, Item }))
    answers.on(GetCommand).resolves({ Item: theirHead })
    await end(['c1', 'D1'])
    takeSent()
    // It knows that it is behind, and writes nothing until it has caught up.
    expect(await rejectionOf(save(['c1', 'D1', 'e1']))).toMatchObject({
      ...{ name: 'SessionConflictError', key: 'agent#a#msg#head', actual: `version 2 written by ${ANOTHER}` },
    })
    expect(takeSent()).toEqual([])
  })

  it.each([
    ['the state has changed too', ['c1', 'D1'], { state: { changed: 1 } }],
    ['it has no answer', ['b1', 'c1'], { state: {} }],
  ])('whose head is refused is a conflict when %s', async (_, texts, data) => {
    const { log, save, answers } = await loadedTurn()
    await save(['a1', 'b1', 'c1', ...texts.filter((text) => text === 'D1')])
    const Item = { writer: { S: ANOTHER }, version: { N: '2' } }
    const refused = new ConditionalCheckFailedException({ ...aws, Item })
    answers.on(PutCommand).callsFake(async ({ Item: { sk } }) => {
      if (sk.endsWith('#head')) throw refused
      return {}
    })
    answers.on(GetCommand).resolves({ Item: head({ version: 2, writer: ANOTHER }) })
    expect(await rejectionOf(log.save(freeze(snapshotOf(texts, data)), NOTHING, true))).toMatchObject({
      ...{ name: 'SessionConflictError', key: 'agent#a#msg#head' },
    })
  })

  it('is seen by those who wait for it', async () => {
    const { log } = await loadedLog(row(3, 'c1', { writer: ANOTHER, until, turn: 'event-2' }))
    expect(log.view()).toMatchObject({
      ...{ writer: WRITER, window: [1, 2, 3], last: 3, head: { settled: 0 } },
      newest: { seq: 3, writer: ANOTHER, turn: { id: 'event-2', until } },
    })
    expect(log.view()?.entries.get(3)).toMatchObject({ turn: { id: 'event-2', until }, isAnswer: false })
    expect(logFor().log.view()).toBeUndefined()
  })

  /** A log that was loaded, in a turn of its own. */
  async function loadedTurn() {
    const made = await loadedLog()
    made.log.turn = { leaseMs: 1000 }
    return made
  }
})

it('the digest of the stored state is known after a load or a save, and after one that failed', async () => {
  const { log, save, answers } = logFor()
  expect(log.stateDigest()).toBeUndefined()
  await save(['a1'])
  const digest = digestOf(stateText())
  expect(log.stateDigest()).toBe(digest)
  answers.on(PutCommand).rejects(new ThrottlingException(aws))
  await rejectionOf(save(['a1', 'b1'], { state: { changed: 1 } }))
  expect(log.stateDigest()).toBe(digest)
  log.forget()
  expect(log.stateDigest()).toBeUndefined()
  expect((await loadedLog()).log.stateDigest()).toBe(digest)
})

describe('a load', () => {
  it('of a window at the end of the log is one Query', async () => {
    const { snapshot, sent } = await loadedLog()
    expect(snapshot).toEqual({ ...snapshotOf(['a1', 'b1']), createdAt: 'at start' })
    expect(sent).toEqual([newest()])
  })

  it('finds messages that were appended behind the head, and when they were', async () => {
    const { snapshot } = await loadedLog(row(4, 'd1', { writer: ANOTHER }), row(3, 'c1', { writer: ANOTHER }))
    expect(snapshot).toEqual(snapshotOf(['a1', 'b1', 'c1', 'd1']))
  })

  it('asks for as many rows as the window usually holds', async () => {
    const { log, takeSent } = logFor({ windowSize: 10 })
    await log.load()
    expect(takeSent()).toEqual([newest(16)])
  })

  it('of a window with messages from far back is two requests', async () => {
    const { log, answers, takeSent } = logFor()
    answers.on(QueryCommand).resolves({
      Items: [state(), head({ window: '1,20,98-99', last: 99 }), row(99, 'd1'), row(98, 'c1')],
      LastEvaluatedKey: { pk, sk: 'agent#a#msg#0000000098' },
    })
    answers.on(BatchGetCommand).resolves({ Responses: { [TableName]: [row(20, 'b1'), row(1, 'a1')] } })
    expect(await log.load()).toEqual({ ...snapshotOf(['a1', 'b1', 'c1', 'd1']), createdAt: 'at start' })
    const keyOf = (seq: number) => ({ pk, sk: row(seq, '').sk })
    expect(takeSent()).toEqual([
      newest(),
      ['BatchGetCommand', { RequestItems: { [TableName]: { Keys: [keyOf(1), keyOf(20)], ConsistentRead: true } } }],
    ])
  })

  it('finds nothing where nothing was saved', async () => {
    const { log, takeSent } = logFor()
    expect(await log.load()).toBeNull()
    expect(takeSent()).toEqual([newest()])
  })

  it('finds nothing where only an immutable snapshot was saved', async () => {
    const { log, answers } = logFor()
    const headWithoutWindow = without(head({ stateVersion: 0 }), 'window')
    answers.on(QueryCommand).resolves({ Items: [headWithoutWindow, row(1, 'a1', { detached: true })] })
    expect(await log.load()).toBeNull()
  })

  it('of an unknown session is an error when autoCreate is off', async () => {
    const { log } = logFor({ autoCreate: false })
    expect(await rejectionOf(log.load())).toMatchObject({ name: 'SessionNotFoundError', sessionId: 's' })
  })

  it('lets the next save delete parts that a redaction has left, but none of a turn under way', async () => {
    const left = part(row(2, '').sk, 'anotherDigestOf20Ch_', 0, Uint8Array.of(1))
    const onItsWay = part(row(3, '').sk, 'anotherDigestOf20Ch_', 0, Uint8Array.of(1))
    const open = row(3, 'c1', { writer: ANOTHER, until: START + 1 })
    const { save, clock, takeSent } = await loadedLog(onItsWay, open, left)
    await save(['a1', 'b1', 'c1'])
    expect(deletedKeysIn(takeSent())).toEqual([left.sk])
    await save(['a1', 'b1', 'c1'])
    expect(takeSent()).toEqual([])

    // Once the turn is over at the latest, its parts are left over too.
    clock.now = START + 1
    await save(['a1', 'b1', 'c1'])
    expect(deletedKeysIn(takeSent())).toEqual([onItsWay.sk])
  })

  it('lets the next save go on from there', async () => {
    const { save, takeSent } = await loadedLog()
    await save(['b1', 'c1'])
    expect(takeSent()).toEqual([
      append(row(3, 'c1', { detached: true })),
      advance(head({ version: 2, window: '2-3', last: 3, createdAt: 'at c1' })),
    ])
  })
})

describe('what cannot be read is an error that names the item', () => {
  const messageKey = (seq: number) => ({ pk, sk: row(seq, '').sk })
  const [headKey, stateKey] = [
    { pk, sk: 'agent#a#msg#head' },
    { pk, sk: 'agent#a#msg#state' },
  ]
  const windowed = head({ window: '1-2', last: 2 })
  test.each([
    ['a row of the window that is missing', [state(), windowed, row(2, 'b1')], messageKey(1)],
    ['a hole in the tail', [state(), windowed, row(4, 'd1'), row(2, 'b1'), row(1, 'a1')], messageKey(3)],
    ['a hole far ahead', [state(), windowed, row(9_999_999_999, 'd1'), row(2, 'b1'), row(1, 'a1')], messageKey(3)],
    ['a row that holds no JSON', [state(), windowed, row(2, 'b1', { data: '{' }), row(1, 'a1')], messageKey(2)],
    ['a row without a writer', [state(), windowed, row(2, 'b1', { writer: undefined }), row(1, 'a1')], messageKey(2)],
    ['no state', [windowed, row(2, 'b1'), row(1, 'a1')], stateKey],
    ['a state that holds no JSON', [state({ data: '' }), head()], stateKey],
    ['a state that is none', [state({ data: '[]' }), head()], stateKey],
    ['a window that is none', [state(), head({ window: '2-1' })], headKey],
  ])('%s', async (_, Items, key) => {
    const { log, save, answers, takeSent } = logFor()
    answers.on(QueryCommand).resolvesOnce({ Items }).resolves({})
    expect(await rejectionOf(log.load())).toMatchObject({ name: 'SessionCorruptedError', key })
    expect(takeSent().filter(([name]) => name !== 'QueryCommand')).toEqual([])

    answers.on(QueryCommand).resolvesOnce({ Items }).resolves({})
    if (Items.some(({ sk }) => sk === headKey.sk) && key.sk !== stateKey.sk) {
      expect(await rejectionOf(save(['x1']))).toMatchObject({ name: 'SessionCorruptedError', key })
      expect(takeSent().filter(([name]) => name !== 'QueryCommand')).toEqual([])
    }
  })

  it('an item of a newer release', async () => {
    const { log, save, answers, takeSent } = logFor()
    answers.on(QueryCommand).resolves({ Items: [state(), head({ v: 2 })] })
    const facts = { name: 'NewerFormatError', key: headKey, version: 2 }
    expect(await rejectionOf(log.load())).toMatchObject(facts)
    expect(await rejectionOf(save(['a1']))).toMatchObject(facts)
    expect(takeSent()).toEqual([newest(), newest()])
  })

  it('a head that is missing although there are messages', async () => {
    const { log, answers } = logFor()
    answers.on(QueryCommand).resolves({ Items: [row(1, 'a1')] })
    answers.on(GetCommand).resolves({
      Item: { pk, sk: 'session', v: 1, sessionId: 's', createdAt: '2026-01-01T00:00:00.000Z', updatedAt: '' },
    })
    expect(await rejectionOf(log.load())).toMatchObject({ name: 'SessionCorruptedError', key: headKey })
  })

  it('but not what a late writer has left of a session that was deleted, and perhaps created again', async () => {
    const { log, answers } = logFor()
    answers.on(QueryCommand).resolves({ Items: [row(1, 'a1')] })
    expect(await log.load()).toBeNull()
    answers.on(GetCommand).resolves({
      Item: { pk, sk: 'session', v: 1, sessionId: 's', createdAt: '2026-01-01T00:00:00.001Z', updatedAt: '' },
    })
    expect(await log.load()).toBeNull()
  })
})

describe('another writer', () => {
  const found = { writer: { S: ANOTHER }, version: { N: '4' } }
  const refused = (Item?: typeof found | { writer: { S: string } }) =>
    new ConditionalCheckFailedException({ ...aws, ...(Item && { Item }) })
  const cancelledBy = (...CancellationReasons: CancellationReason[]) =>
    new TransactionCanceledException({ ...aws, CancellationReasons })
  const conflict = (key: string, expected: string, actual: string) => ({
    name: 'SessionConflictError',
    sessionId: 's',
    scopeId: 'a',
    key,
    expected,
    actual,
    message:
      `Session 's' was changed by another writer at '${key}': expected ${expected}, found ${actual}. ` +
      'Restore the session (a new agent, or restoreSnapshot()) and run the turn again.',
  })

  it('that took the next sequence number is a conflict', async () => {
    const { save, answers } = await savedLog()
    answers.on(PutCommand).rejects(refused({ writer: { S: ANOTHER } }))
    expect(await rejectionOf(save(['a1', 'b1', 'c1']))).toMatchObject(
      conflict('agent#a#msg#0000000003', 'a free sequence number', `written by ${ANOTHER}`),
    )
  })

  it('that wrote the head or the state is a conflict', async () => {
    // The session is there still: what this writer has added is not taken back.
    const theirHead = head({ version: 4, writer: ANOTHER })
    const one = await savedLog()
    one.answers.on(PutCommand).rejects(refused(found)).on(GetCommand).resolves({ Item: theirHead })
    expect(await rejectionOf(one.save(['b1']))).toMatchObject(
      conflict('agent#a#msg#head', 'version 1', `version 4 written by ${ANOTHER}`),
    )
    const other = await savedLog()
    other.answers.on(PutCommand).rejects(refused()).on(GetCommand).resolves({ Item: theirHead })
    expect(await rejectionOf(other.save(['a1', 'b1'], { state: { changed: 1 } }))).toMatchObject(
      conflict('agent#a#msg#state', 'version 1', 'nothing'),
    )
    expect([...deletedKeysIn(one.takeSent()), ...deletedKeysIn(other.takeSent())]).toEqual([])
  })

  it('that was first with the head is a conflict', async () => {
    const { save, answers, takeSent } = logFor()
    answers
      .on(TransactWriteCommand)
      .rejects(cancelledBy({ Code: 'None' }, { Code: 'ConditionalCheckFailed', Item: found }))
    expect(await rejectionOf(save(['a1']))).toMatchObject(
      conflict('agent#a#msg#head', 'a new agent or orchestrator', `version 4 written by ${ANOTHER}`),
    )
    expect(takeSent().map(([name]) => name)).toEqual(['QueryCommand', 'TransactWriteCommand'])
  })

  it('that is deleting the session is a conflict', async () => {
    const { save, answers, takeSent } = logFor()
    const Item = { deletedAt: { S: 'now' } }
    answers.on(TransactWriteCommand).rejects(cancelledBy({ Code: 'ConditionalCheckFailed', Item }, { Code: 'None' }))
    expect(await rejectionOf(save(['a1']))).toMatchObject({
      name: 'SessionConflictError',
      sessionId: 's',
      key: 'session',
      expected: 'a session in use',
      actual: 'one that is being deleted; call deleteSession() again to complete it',
    })
    expect(takeSent().map(([name]) => name)).toEqual(['QueryCommand', 'TransactWriteCommand'])
  })

  it('ends all saves until the session is loaded again', async () => {
    const { save, log, answers, takeSent } = await savedLog()
    answers.on(PutCommand).rejectsOnce(refused(found)).resolves({})
    const error = await rejectionOf(save(['a1', 'b1', 'c1']))
    takeSent()

    expect(await rejectionOf(save(['a1', 'b1', 'c1']))).toBe(error)
    expect(await rejectionOf(save([]))).toBe(error)
    expect(await rejectionOf(log.stage(freeze(snapshotOf(['a1'])), NOTHING))).toBe(error)
    expect(takeSent()).toEqual([])

    const theirs = row(3, 'x1', { writer: ANOTHER })
    const windowed = head({ window: '1-2', last: 2 })
    answers.on(QueryCommand).resolves({ Items: [state(), windowed, theirs, row(2, 'b1'), row(1, 'a1')] })
    expect(await log.load()).toEqual(snapshotOf(['a1', 'b1', 'x1']))
    await save(['a1', 'b1', 'x1', 'y1'])
    expect(takeSent()).toEqual([newest(), append(row(4, 'y1'))])
  })
})

describe('after a request that failed', () => {
  const stored = [row(2, 'b1'), row(1, 'a1')]

  async function failedLog() {
    const made = await savedLog()
    const cause = new ThrottlingException(aws)
    made.answers.on(PutCommand).rejectsOnce(cause).resolves({})
    expect(await rejectionOf(made.save(['a1', 'b1', 'c1']))).toMatchObject({
      name: 'TableRequestError',
      operation: 'PutItem',
      retryable: true,
      cause,
    })
    made.takeSent()
    return made
  }

  it('the next save reads the log again, and writes what is missing', async () => {
    const { save, answers, takeSent } = await failedLog()
    answers.on(QueryCommand).resolves({ Items: [state(), head(), ...stored] })
    await save(['a1', 'b1', 'c1'])
    expect(takeSent()).toEqual([newest(), append(row(3, 'c1'))])
  })

  it('a row that was written nevertheless is not written twice', async () => {
    const { save, answers, takeSent } = await failedLog()
    answers.on(QueryCommand).resolves({ Items: [state(), head(), row(3, 'c1'), ...stored] })
    await save(['a1', 'b1', 'c1', 'd1'])
    expect(takeSent()).toEqual([newest(), append(row(4, 'd1'))])
  })

  test.each([
    [
      'its row',
      [state(), head(), row(3, 'x1', { writer: ANOTHER }), ...stored],
      { key: 'agent#a#msg#0000000003', expected: 'a row of this writer', actual: `one written by ${ANOTHER}` },
    ],
    [
      'its head',
      [state(), head({ window: '1-2', last: 2, version: 2, writer: ANOTHER }), ...stored],
      { key: 'agent#a#msg#head', expected: 'version 1', actual: `version 2 written by ${ANOTHER}` },
    ],
    ['nothing at all', [], { key: 'agent#a#msg#head', expected: 'version 1', actual: 'nothing' }],
  ])('another writer has left %s: a conflict, and nothing is written', async (_, Items, facts) => {
    const { save, answers, takeSent } = await failedLog()
    answers.on(QueryCommand).resolves({ Items })
    expect(await rejectionOf(save(['a1', 'b1', 'c1']))).toMatchObject({ name: 'SessionConflictError', ...facts })
    expect(takeSent()).toEqual([newest()])
  })
})

describe('a staged snapshot', () => {
  it('writes the messages that are missing, and leaves the window alone', async () => {
    const { log, takeSent } = await savedLog()
    const where = await log.stage(freeze(snapshotOf(['b1', 'c1'])), NOTHING)
    expect(where).toMatchObject({ pen: { incarnation: '0mjuohs00' }, window: [2, 3] })
    expect(takeSent()).toEqual([append(row(3, 'c1', { detached: true }))])
  })

  it('of what the log holds writes nothing', async () => {
    const { log, takeSent } = await savedLog()
    expect(await log.stage(freeze(snapshotOf(['a1', 'b1'])), NOTHING)).toMatchObject({
      pen: { incarnation: '0mjuohs00' },
      window: [1, 2],
    })
    expect(takeSent()).toEqual([])
  })

  it('may be the first that is saved; the latest snapshot then starts with its messages', async () => {
    const { log, save, takeSent } = logFor()
    await log.stage(freeze(snapshotOf(['a1'])), NOTHING)
    const empty = without(head({ stateVersion: 0, createdAt: 'at a1' }), 'window')
    expect(takeSent()).toEqual([newest(), creation({ head: empty }), append(row(1, 'a1', { detached: true }))])

    await save(['a1'])
    expect(takeSent()).toEqual([
      [
        'PutCommand',
        {
          TableName,
          Item: state({ last: 1, createdAt: 'at a1' }),
          ConditionExpression: 'attribute_not_exists(pk) OR #writer = :writer OR #writer < :incarnation',
          ExpressionAttributeNames: { '#writer': 'writer' },
          ExpressionAttributeValues: { ':writer': WRITER, ':incarnation': '0mjuohs00' },
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        },
      ],
      advance(head({ version: 2, window: '1', last: 1, createdAt: 'at a1' })),
    ])
  })

  it('lets the latest snapshot have its messages', async () => {
    const { log, save, takeSent } = await savedLog()
    await log.stage(freeze(snapshotOf(['a1', 'b1', 'c1'])), NOTHING)
    takeSent()
    await save(['a1', 'b1', 'c1'])
    expect(takeSent()).toEqual([advance(head({ version: 2, window: '1-3', last: 3, createdAt: 'at c1' }))])
  })
})
