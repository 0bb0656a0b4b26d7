import { BatchWriteCommand, GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb'
import type { SnapshotLocation } from '@strands-agents/sdk'
import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest'
import {
  advance,
  append,
  between,
  chunksLook,
  creation,
  head,
  LOCATION,
  message,
  newest,
  overwrite,
  pk,
  put,
  row,
  START,
  sealed,
  snapshotOf,
  state,
  stateText,
  TableName,
} from '../test/support/log-items.ts'
import { mockedClient, rejectionOf, type SentCommand } from '../test/support/mocked-client.ts'
import { digestOf } from './codec.ts'
import type { DynamoDBSnapshotStorageOptions } from './options.ts'
import type { CapacityUsage } from './requests.ts'
import { DynamoDBSnapshotStorage } from './snapshot-storage.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: START })
})
afterEach(() => {
  vi.useRealTimers()
})

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

function storageFor(options: Partial<DynamoDBSnapshotStorageOptions> = {}) {
  const { client, answers, takeSent } = mockedClient()
  const storage = new DynamoDBSnapshotStorage({ client, tableName: TableName, logger: quiet, ...options })
  const save = (texts: readonly string[], location = LOCATION) =>
    storage.saveSnapshot({ location, snapshotId: 'latest', isLatest: true, snapshot: snapshotOf(texts) })
  const saveImmutable = (snapshotId: string, texts: readonly string[], location = LOCATION) =>
    storage.saveSnapshot({ location, snapshotId, isLatest: false, snapshot: snapshotOf(texts) })
  return { storage, answers, save, saveImmutable, takeRaw: takeSent, takeSent: () => takeSent().map(asWrittenByMe) }
}

/** Puts the writer of the expected items into a command: the real one's name ends with random characters. */
function asWrittenByMe([name, input]: SentCommand): SentCommand {
  const random = /"0mjuohs00-[\w-]{8}"/g
  return [name, JSON.parse(JSON.stringify(input, checkSum).replace(random, '"0mjuohs00-me"'), resealed)]
}

/** Checks the checksum of each item that was written. */
function checkSum(_: string, value: unknown): unknown {
  if (hasSum(value)) expect(value).toEqual(sealed(value))
  return value
}

/** The checksum of each item as it is by now. */
function resealed(_: string, value: unknown): unknown {
  return hasSum(value) ? sealed(value) : value
}

function hasSum(value: unknown): value is { readonly sum: unknown } {
  return typeof value === 'object' && value !== null && 'sum' in value
}

const asValues = (...values: readonly unknown[]) => values.map((value) => ({ value }))
const names = (sent: readonly SentCommand[]): string[] => sent.map(([name]) => name)

describe('a storage', () => {
  it('sends nothing when it is made', () => {
    expect(storageFor().takeSent()).toEqual([])
  })

  it('saves a first snapshot, a new message, a trimmed window and nothing new', async () => {
    const { save, takeSent } = storageFor()
    await save(['a'])
    expect(takeSent()).toEqual([
      newest(),
      creation({ head: head({ createdAt: 'at a' }), state: state({ createdAt: 'at a' }) }),
      append(row(1, 'a')),
    ])
    await save(['a', 'b'])
    expect(takeSent()).toEqual([append(row(2, 'b'))])
    await save(['b'])
    expect(takeSent()).toEqual([advance(head({ version: 2, window: '2', last: 2, createdAt: 'at b' }))])
    await save(['b'])
    expect(takeSent()).toEqual([])
  })

  it('saves and loads an immutable snapshot', async () => {
    const { storage, save, saveImmutable, answers, takeSent } = storageFor()
    await save(['a', 'b'])
    takeSent()
    await saveImmutable('v1', ['a', 'b'])
    const stateDigest = digestOf(stateText())
    const stored = sealed({ pk, sk: `agent#a#snapstate#${stateDigest}`, v: 1, enc: 'json', data: stateText() })
    const mark = sealed({
      ...{ pk, sk: 'agent#a#snapshot#v1', v: 1, incarnation: '0mjuohs00', createdAt: 'at b' },
      ...{ stateDigest, window: '1-2' },
    })
    expect(takeSent()).toEqual([put(stored), put(mark)])

    answers.on(GetCommand).callsFake(async ({ Key }) => ({ Item: Key.sk === mark.sk ? mark : stored }))
    answers.on(QueryCommand).resolves({ Items: [row(1, 'a'), row(2, 'b')] })
    expect(await storage.loadSnapshot({ location: LOCATION, snapshotId: 'v1' })).toEqual(snapshotOf(['a', 'b']))
  })

  it('loads the latest snapshot with one request', async () => {
    const { storage, answers, takeSent } = storageFor()
    answers
      .on(QueryCommand)
      .resolves({ Items: [state(), head({ window: '1', last: 1, createdAt: 'at a' }), row(1, 'a')] })
    expect(await storage.loadSnapshot({ location: LOCATION })).toEqual(snapshotOf(['a']))
    expect(takeSent()).toEqual([newest()])
  })

  it('loads nothing where nothing is', async () => {
    const { storage } = storageFor()
    expect(await storage.loadSnapshot({ location: LOCATION })).toBeNull()
    expect(await storage.loadSnapshot({ location: LOCATION, snapshotId: 'v1' })).toBeNull()
  })

  it('leaves the system prompt out when it is not to be restored', async () => {
    const { storage, answers } = storageFor({ restoreSystemPrompt: false })
    const data = stateText({ state: {}, systemPrompt: 'Old' })
    answers.on(QueryCommand).resolves({ Items: [state({ data }), head()] })
    expect(await storage.loadSnapshot({ location: LOCATION })).toEqual({
      ...snapshotOf([]),
      createdAt: 'at start',
      data: { state: {}, messages: [] },
    })
  })

  it('reads eventually consistent when it may', async () => {
    const { storage, takeSent } = storageFor({ consistentRead: false, windowSize: 3 })
    await storage.loadSnapshot({ location: LOCATION })
    expect(takeSent()).toMatchObject([['QueryCommand', { ConsistentRead: false, Limit: 9 }]])
  })

  it('puts the tenant into every key, and the owner and the title on the session', async () => {
    const { save, takeSent } = storageFor({ tenantId: 'a#b', owner: 'me', title: 'Hello' })
    await save([])
    const [, transaction] = takeSent()
    const text = JSON.stringify(transaction)
    expect(text.match(/"pk":"[^"]*"/g)).toEqual(Array(3).fill('"pk":"tenant#a%23b#session#s"'))
    expect(transaction).toMatchObject([
      'TransactWriteCommand',
      {
        TransactItems: [
          {
            Update: {
              ExpressionAttributeValues: { ':owner': 'me', ':ownerKey': 'tenant#a%23b#owner#me', ':title': 'Hello' },
            },
          },
          {},
          {},
        ],
      },
    ])
  })

  it('reports what its requests used', async () => {
    const usages: CapacityUsage[] = []
    const { save, answers, takeSent } = storageFor({ onCapacity: (usage) => usages.push(usage) })
    answers.onAnyCommand().resolves({ ConsumedCapacity: { CapacityUnits: 1 } })
    await save(['a'])
    expect(takeSent().every(([, input]) => Reflect.get(Object(input), 'ReturnConsumedCapacity') === 'TOTAL')).toBe(true)
    expect(usages).toEqual([
      { operation: 'Query', readUnits: 1, writeUnits: 0, attempts: 1 },
      { operation: 'TransactWriteItems', readUnits: 0, writeUnits: 1, attempts: 1 },
      { operation: 'PutItem', readUnits: 0, writeUnits: 1, attempts: 1 },
    ])
  })
})

describe('saves at the same time', () => {
  it('are done one after the other, each with what was there when it was called', async () => {
    const { storage, save, takeSent } = storageFor()
    const snapshot = snapshotOf(['a', 'b'])
    const first = save(['a'])
    const second = storage.saveSnapshot({ location: LOCATION, snapshotId: 'latest', isLatest: true, snapshot })
    snapshot.data.messages = []
    const third = save(['a', 'b', 'c'])
    await Promise.all([first, second, third])
    expect(takeSent().slice(2)).toEqual([append(row(1, 'a')), append(row(2, 'b')), append(row(3, 'c'))])
  })

  it("are done one after the other, when the SDK's manager saves an immutable and the latest snapshot", async () => {
    const { save, saveImmutable, takeSent } = storageFor()
    await save(['a'])
    takeSent()
    await Promise.all([saveImmutable('v1', ['a', 'b']), save(['a', 'b'])])
    const sent = takeSent()
    expect(sent.at(0)).toEqual(append(row(2, 'b', { detached: true })))
    expect(sent.at(-1)).toEqual(advance(head({ version: 2, window: '1-2', last: 2, createdAt: 'at b' })))
    expect(sent).toHaveLength(4)
  })

  it('of another agent do not wait', async () => {
    const { save, answers, takeSent } = storageFor()
    const { promise, resolve } = Promise.withResolvers<object>()
    answers.on(PutCommand, { Item: row(1, 'a') }).callsFake(() => promise)
    answers.on(QueryCommand).callsFake(async (input) => {
      if (JSON.stringify(input).includes('agent#a#')) await promise
      return {}
    })
    const stuck = save(['a'])
    await save(['x'], { ...LOCATION, scopeId: 'another' })
    expect(names(takeSent())).toEqual(['QueryCommand', 'QueryCommand', 'TransactWriteCommand', 'PutCommand'])
    resolve({})
    await stuck
  })
})

describe('a redaction', () => {
  it('overwrites the row with the next save', async () => {
    const { storage, save, answers, takeSent } = storageFor()
    await save(['a1', 'b1'])
    takeSent()
    storage.redact(LOCATION, message('bX'))
    answers.on(QueryCommand).resolves({ Items: [row(2, 'b1')] })
    await save(['a1', 'bX'])
    const expected = [
      between('agent#a#msg#0000000001', 'agent#a#msg#head'),
      overwrite(row(2, 'bX')),
      advance(head({ version: 2, window: '1-2', last: 2, createdAt: 'at bX', unswept: true })),
      chunksLook,
    ]
    expect(takeSent()).toEqual(expected)

    await save(['a1', 'b2'])
    expect(takeSent()).toEqual([
      append(row(3, 'b2', { detached: true, replaces: '2' })),
      advance(head({ version: 3, window: '1,3', last: 3, createdAt: 'at b2' })),
    ])
  })

  it('that failed is done by the save after', async () => {
    const { storage, save, answers, takeSent, takeRaw } = storageFor()
    await save(['a1', 'b1'])
    const [writer = ''] = /0mjuohs00-[\w-]{8}/.exec(JSON.stringify(takeRaw())) ?? []
    storage.redact(LOCATION, message('bX'))
    answers.on(QueryCommand).rejects(new Error('no'))
    expect(await rejectionOf(save(['a1', 'bX']))).toMatchObject({ name: 'TableRequestError', operation: 'Query' })
    takeSent()

    const stored = [row(2, 'b1', { writer }), row(1, 'a1', { writer })]
    answers
      .on(QueryCommand)
      .resolvesOnce({ Items: [state({ writer }), head({ writer }), ...stored] })
      .resolves({ Items: stored })
    await save(['a1', 'bX'])
    expect(takeSent().slice(2)).toEqual([
      overwrite(row(2, 'bX')),
      advance(head({ version: 2, window: '1-2', last: 2, createdAt: 'at bX', unswept: true })),
      chunksLook,
    ])
  })

  it('is done by an immutable snapshot too', async () => {
    const { storage, save, saveImmutable, answers, takeSent } = storageFor()
    await save(['a1'])
    takeSent()
    storage.redact(LOCATION, message('aX'))
    answers.on(QueryCommand).resolves({ Items: [row(1, 'a1')] })
    await saveImmutable('v1', ['aX'])
    expect(takeSent().slice(0, 2)).toEqual([
      between('agent#a#msg#0000000001', 'agent#a#msg#head'),
      overwrite(row(1, 'aX')),
    ])
  })
})

describe('a turn', () => {
  it('ends with the next save of the latest snapshot, and with no other', async () => {
    const { storage, save, saveImmutable, answers, takeSent } = storageFor()
    await save(['a', 'B'])
    storage.turns(LOCATION).begin({ id: 'event-1', leaseMs: 1000 })
    storage.endTurn(LOCATION)
    await saveImmutable('v1', ['a', 'B'])
    takeSent()
    await save(['a', 'B', 'c'])
    expect(takeSent()).toEqual([
      append(row(3, 'c', { turn: 'event-1', until: START + 1000 })),
      advance(head({ version: 2, window: '1-3', last: 3, settled: 3, createdAt: 'at c' })),
    ])
    answers.on(GetCommand).rejects(new Error('nobody asks'))
    await save(['a', 'B', 'c', 'd'])
    expect(takeSent()).toEqual([append(row(4, 'd', { turn: 'event-1', until: START + 1000 }))])
  })

  it('is one of an agent: each has its own', () => {
    const { storage } = storageFor()
    const turns = storage.turns(LOCATION)
    expect(storage.turns({ ...LOCATION })).toBe(turns)
    expect(storage.turns({ ...LOCATION, scopeId: 'another' })).not.toBe(turns)
  })

  it('can tell whether the state has changed since it was stored', async () => {
    const { storage, save } = storageFor()
    expect(storage.storedStateDigest(LOCATION)).toBeUndefined()
    await save(['a'])
    expect(storage.storedStateDigest(LOCATION)).toBe(digestOf(stateText()))
    storage.forgetSession({ sessionId: 's' })
    expect(storage.storedStateDigest(LOCATION)).toBeUndefined()
  })
})

describe('a deleted session', () => {
  it('starts anew with the next save', async () => {
    const { storage, save, takeSent } = storageFor()
    await save(['a'])
    await storage.deleteSession({ sessionId: 's' })
    takeSent()
    await save(['a'])
    expect(names(takeSent())).toEqual(['QueryCommand', 'TransactWriteCommand', 'PutCommand'])
  })

  it('leaves other sessions alone', async () => {
    const { storage, save, takeSent } = storageFor()
    await save(['a'])
    await storage.deleteSession({ sessionId: 'another' })
    takeSent()
    await save(['a', 'b'])
    expect(takeSent()).toEqual([append(row(2, 'b'))])
  })

  it('is told with its progress, and logged without any text of the conversation', async () => {
    const logged: unknown[] = []
    const log = (...args: unknown[]) => logged.push(...args)
    const { storage, answers } = storageFor({ logger: { debug: log, info: log, warn: log, error: log } })
    answers.on(QueryCommand).resolves({ Items: [row(1, 'secret'), { pk, sk: 'session' }] })
    const progress: unknown[] = []
    await storage.deleteSession({ sessionId: 's', onProgress: (each) => progress.push(each) })
    expect(progress.at(-1)).toEqual({ deleted: 2 })
    expect(logged).toEqual(['session_id=<s> | session deleted'])
  })

  it('of which only a part could be deleted is an error, and nothing is logged', async () => {
    const info = vi.fn()
    const { storage, answers } = storageFor({ logger: { ...quiet, info } })
    answers.on(QueryCommand).resolves({ Items: [row(1, 'a'), { pk, sk: 'session' }] })
    answers.on(BatchWriteCommand).rejects(new Error('no'))
    expect(await rejectionOf(storage.deleteSession({ sessionId: 's' }))).toMatchObject({ operation: 'BatchWriteItem' })
    expect(info.mock.calls).toEqual([])
  })
})

describe('a manifest', () => {
  const data = '{"schemaVersion":"1.0","updatedAt":"x"}'
  const item = sealed({ pk, sk: 'agent#a#manifest', v: 1, enc: 'json', data })
  const manifest = { schemaVersion: '1.0', updatedAt: 'x' }

  it('is one item', async () => {
    const { storage, answers, takeSent } = storageFor()
    await storage.saveManifest({ location: LOCATION, manifest })
    answers.on(GetCommand, { Key: { pk, sk: item.sk } }).resolves({ Item: item })
    expect(await storage.loadManifest({ location: LOCATION })).toEqual(manifest)
    const reading = (sk: string) => ['GetCommand', { TableName, Key: { pk, sk }, ConsistentRead: true }]
    // The session's item says whether the session has expired.
    expect(takeSent()).toEqual([reading('session'), put(item), reading(item.sk), reading('session')])
  })

  it("that was never saved is the SDK's default", async () => {
    expect(await storageFor().storage.loadManifest({ location: LOCATION })).toEqual({
      schemaVersion: '1.0',
      updatedAt: '2026-01-01T00:00:00.000Z',
    })
  })

  it('that cannot be read is an error that names it', async () => {
    const { storage, answers } = storageFor()
    answers.on(GetCommand).resolves({ Item: sealed({ ...item, data: '{' }) })
    expect(await rejectionOf(storage.loadManifest({ location: LOCATION }))).toMatchObject({
      name: 'SessionCorruptedError',
      key: { pk, sk: item.sk },
    })
  })
})

describe('a wrong argument is refused before any request', () => {
  const long = '界'.repeat(200)
  const locations = [
    ...[undefined, null, '', 'A', '..', '%23', 'a#AGENT#b', 'a#msg#head', 'x'.repeat(257), 7].map((value) => ({
      ...{ field: 'sessionId', value },
      wrong: { sessionId: value },
    })),
    ...[undefined, null, '', 'a\u0000', '\ud800', 'x'.repeat(257), long, 7].flatMap((value) => [
      { field: 'agentId', value, wrong: { scopeId: value } },
      { field: 'multiAgentId', value, wrong: { scopeId: value, scope: 'multiAgent' } },
    ]),
    ...[undefined, null, '', 'Agent', 'constructor'].map((value) => ({
      ...{ field: 'scope', value },
      wrong: { scope: value },
    })),
  ]
  test.each(locations)('$field of a location: $value', async ({ field, value, wrong }) => {
    const { storage, save, saveImmutable, takeSent } = storageFor()
    const location = { ...LOCATION, ...wrong } as SnapshotLocation
    const manifest = { schemaVersion: '1.0', updatedAt: 'x' }
    const calls = [
      save(['a'], location),
      saveImmutable('v1', ['a'], location),
      storage.loadSnapshot({ location }),
      storage.loadSnapshot({ location, snapshotId: 'v1' }),
      storage.listSnapshotIds({ location }),
      storage.loadManifest({ location }),
      storage.saveManifest({ location, manifest }),
    ]
    for (const call of calls) {
      expect(await rejectionOf(call)).toMatchObject({ name: 'InvalidOptionError', field, value })
    }
    expect(takeSent()).toEqual([])
  })

  test.each(asValues(undefined, null, '', 'a\n', '\ud800', 'x'.repeat(257), long, 7))(
    'snapshotId: $value',
    async ({ value }) => {
      const { storage, saveImmutable, takeSent } = storageFor()
      const facts = { name: 'InvalidOptionError', field: 'snapshotId', value }
      const snapshotId = value as string
      expect(await rejectionOf(saveImmutable(snapshotId, ['a']))).toMatchObject(facts)
      if (value !== undefined) {
        expect(await rejectionOf(storage.loadSnapshot({ location: LOCATION, snapshotId }))).toMatchObject(facts)
      }
      expect(takeSent()).toEqual([])
    },
  )

  test.each([
    ...asValues(null, '', 'a\n', '\ud800', 'x'.repeat(257), long, 7).map((each) => ({ field: 'startAfter', ...each })),
    ...asValues(null, 1.5, Number.NaN, '5', Number.POSITIVE_INFINITY, {}).map((each) => ({ field: 'limit', ...each })),
  ])('$field of a list: $value', async ({ field, value }) => {
    const { storage, takeSent } = storageFor()
    const params = { location: LOCATION, [field]: value }
    expect(await rejectionOf(storage.listSnapshotIds(params))).toMatchObject({
      name: 'InvalidOptionError',
      field,
      value,
    })
    expect(takeSent()).toEqual([])
  })

  it.each([0, -1])('a list of at most %i ids is empty without a request', async (limit) => {
    const { storage, takeSent } = storageFor()
    expect(await storage.listSnapshotIds({ location: LOCATION, limit })).toEqual([])
    expect(takeSent()).toEqual([])
  })

  test.each(asValues(undefined, null, '', 'a#AGENT#b', '..', 'x'.repeat(257), 7))(
    'sessionId: $value',
    async ({ value }) => {
      const { storage, takeSent } = storageFor()
      const facts = { name: 'InvalidOptionError', field: 'sessionId', value }
      const sessionId = value as string
      expect(await rejectionOf(storage.createSession({ sessionId }))).toMatchObject(facts)
      expect(await rejectionOf(storage.findSession({ sessionId }))).toMatchObject(facts)
      expect(await rejectionOf(storage.deleteSession({ sessionId }))).toMatchObject(facts)
      expect(takeSent()).toEqual([])
    },
  )

  test.each([[null], ['yes'], [7], [{}]])('onProgress of a deletion: %j', async (value) => {
    const { storage, takeSent } = storageFor()
    const params = { sessionId: 's', onProgress: value as never }
    expect(await rejectionOf(storage.deleteSession(params))).toMatchObject({
      name: 'InvalidOptionError',
      field: 'onProgress',
      value,
    })
    expect(takeSent()).toEqual([])
  })

  test.each([
    { field: 'tableName', value: '' },
    { field: 'tenantId', value: '' },
    { field: 'owner', value: long.repeat(2) },
    { field: 'windowSize', value: 0 },
    { field: 'logger', value: null },
  ])('option $field: $value', ({ field, value }) => {
    const { client, takeSent } = mockedClient()
    const make = () => new DynamoDBSnapshotStorage({ client, tableName: TableName, [field]: value })
    expect(make).toThrow(expect.objectContaining({ name: 'InvalidOptionError', field, value }))
    expect(takeSent()).toEqual([])
  })

  test.each([
    ['a#msg#head', 'a%23msg%23head'],
    ['a#AGENT#b', 'a%23AGENT%23b'],
    ['%23', '%2523'],
    ['..', '..'],
    ['a/../b', 'a%2F..%2Fb'],
  ])('but %j is an agent like any other, whose keys are its own', async (scopeId, escaped) => {
    const { save, takeSent } = storageFor()
    await save(['x'], { ...LOCATION, scopeId })
    const keys = JSON.stringify(takeSent().slice(1)).match(/"sk":"[^"]*"/g)
    expect(keys).toEqual([
      '"sk":"session"',
      `"sk":"agent#${escaped}#msg#head"`,
      `"sk":"agent#${escaped}#msg#state"`,
      `"sk":"agent#${escaped}#msg#0000000001"`,
    ])
  })
})
