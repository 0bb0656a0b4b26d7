import { BatchGetCommand, GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb'
import { describe, expect, it, test } from 'vitest'
import {
  advance,
  append,
  between,
  head,
  INCARNATION,
  LOCATION,
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
import { mockedClient, rejectionOf } from '../test/support/mocked-client.ts'
import { digestOf } from './codec.ts'
import { ImmutableSnapshots } from './immutable-snapshots.ts'
import { ScopeKeys } from './keys.ts'
import { Lifetime } from './lifetime.ts'
import type { Redactions } from './redaction.ts'
import { SessionDirectory } from './session-directory.ts'
import { SessionLog } from './session-log.ts'
import { openScope } from './shared-chunks.ts'
import { freeze } from './snapshot.ts'
import { SessionTable } from './table.ts'
import { ValueStore } from './values.ts'

const NOTHING: Redactions = new Map()
const DIGEST = digestOf(stateText())
const STATE_KEY = { pk, sk: `agent#a#snapstate#${DIGEST}` }
const storedState = sealed({ ...STATE_KEY, v: 1, enc: 'json', data: stateText() })
const markOf = (id: string, window: string, createdAt: string) =>
  sealed({
    ...{ pk, sk: `agent#a#snapshot#${id}`, v: 1 },
    ...{ incarnation: INCARNATION, createdAt, stateDigest: DIGEST, window },
  })

function snapshotsFor() {
  const mocked = mockedClient()
  const now = (): number => START
  const table = new SessionTable({ client: mocked.client, tableName: TableName, consistentRead: true })
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
  return { ...mocked, log, snapshots: new ImmutableSnapshots(store, log) }
}

/** Snapshots of a log that holds two messages. */
async function savedSnapshots() {
  const made = snapshotsFor()
  await made.log.save(freeze(snapshotOf(['a', 'b'])), NOTHING)
  made.takeSent()
  return made
}

const listQuery = (more: object = {}) => [
  'QueryCommand',
  {
    TableName,
    KeyConditionExpression: '#pk = :pk AND begins_with(#sk, :prefix)',
    ProjectionExpression: '#pk, #sk, #expiresAt',
    ExpressionAttributeNames: { '#pk': 'pk', '#sk': 'sk', '#expiresAt': 'expiresAt' },
    ExpressionAttributeValues: { ':pk': pk, ':prefix': 'agent#a#snapshot#' },
    ConsistentRead: true,
    ScanIndexForward: true,
    ...more,
  },
]

describe('an immutable snapshot is saved', () => {
  it('as two items, whatever the log holds', async () => {
    const { snapshots, takeSent } = await savedSnapshots()
    await snapshots.save('v1', freeze(snapshotOf(['a', 'b'])), NOTHING)
    expect(takeSent()).toEqual([put(storedState), put(markOf('v1', '1-2', 'at b'))])
  })

  it('with the messages that the log does not hold yet, and the mark last', async () => {
    const { snapshots, takeSent } = await savedSnapshots()
    await snapshots.save('v#1', freeze(snapshotOf(['b', 'c', 'd'])), NOTHING)
    expect(takeSent()).toEqual([
      append(row(3, 'c', { createdAt: 'at d', detached: true })),
      append(row(4, 'd', { detached: true })),
      put(storedState),
      put(markOf('v%231', '2-4', 'at d')),
    ])
  })

  it('with a state that has not changed since an earlier one as its mark alone', async () => {
    const { snapshots, takeSent } = await savedSnapshots()
    await snapshots.save('v1', freeze(snapshotOf(['a', 'b'])), NOTHING)
    takeSent()
    await snapshots.save('v2', freeze(snapshotOf(['b'])), NOTHING)
    expect(takeSent()).toEqual([put(markOf('v2', '2', 'at b'))])

    const changed = { state: { count: 1 } }
    const stateDigest = digestOf(stateText(changed))
    await snapshots.save('v3', freeze(snapshotOf(['b'], changed)), NOTHING)
    expect(takeSent()).toEqual([
      put(sealed({ ...storedState, sk: `agent#a#snapstate#${stateDigest}`, data: stateText(changed) })),
      put(sealed({ ...markOf('v3', '2', 'at b'), stateDigest })),
    ])
    await snapshots.save('v4', freeze(snapshotOf(['a'])), NOTHING)
    expect(takeSent()).toEqual([put(markOf('v4', '1', 'at a'))])
  })

  it('with its state once more in another life of the session, which has lost the one that was stored', async () => {
    const { snapshots, log, answers, takeSent } = await savedSnapshots()
    await snapshots.save('v1', freeze(snapshotOf(['a', 'b'])), NOTHING)
    takeSent()
    log.forget()
    const of = { incarnation: '0mjuohs01', writer: '0mjuohs01-x' }
    answers.on(QueryCommand).resolves({ Items: [state({ writer: of.writer }), head(of)] })
    await snapshots.save('v1', freeze({ ...snapshotOf([]), createdAt: 'now' }), NOTHING)
    expect(takeSent().slice(1)).toEqual([
      put(storedState),
      put(sealed({ ...markOf('v1', '', 'now'), incarnation: of.incarnation })),
    ])
  })

  it('not at all when the state could not be written', async () => {
    const { snapshots, answers, takeSent } = await savedSnapshots()
    answers.on(PutCommand).rejects(new Error('no'))
    expect(await rejectionOf(snapshots.save('v1', freeze(snapshotOf(['a', 'b'])), NOTHING))).toMatchObject({
      name: 'TableRequestError',
      operation: 'PutItem',
    })
    expect(takeSent()).toEqual([put(storedState)])
  })
})

describe('an immutable snapshot is loaded', () => {
  it('in two round trips', async () => {
    const { snapshots, answers, takeSent } = snapshotsFor()
    answers.on(GetCommand, { Key: { pk, sk: 'agent#a#snapshot#v1' } }).resolves({ Item: markOf('v1', '2-3', 'at c') })
    answers.on(GetCommand, { Key: STATE_KEY }).resolves({ Item: storedState })
    answers.on(QueryCommand).resolves({ Items: [row(2, 'b'), row(3, 'c')] })
    expect(await snapshots.load('v1')).toEqual(snapshotOf(['b', 'c']))
    expect(takeSent()).toEqual([
      ['GetCommand', { TableName, Key: { pk, sk: 'agent#a#snapshot#v1' }, ConsistentRead: true }],
      ['GetCommand', { TableName, Key: STATE_KEY, ConsistentRead: true }],
      between('agent#a#msg#0000000002', 'agent#a#msg#0000000003$'),
    ])
  })

  it('with messages from wherever they are', async () => {
    const { snapshots, answers } = snapshotsFor()
    answers.on(GetCommand, { Key: { pk, sk: 'agent#a#snapshot#v1' } }).resolves({ Item: markOf('v1', '99,1', 'at b') })
    answers.on(GetCommand, { Key: STATE_KEY }).resolves({ Item: storedState })
    answers.on(BatchGetCommand).resolves({ Responses: { [TableName]: [row(1, 'b'), row(99, 'a')] } })
    expect(await snapshots.load('v1')).toEqual(snapshotOf(['a', 'b']))
  })

  it('so that the log knows its rows, and need not write them again', async () => {
    const { snapshots, log, answers, takeSent } = snapshotsFor()
    answers.on(QueryCommand).resolves({
      Items: [state({ createdAt: 'now' }), head({ window: '9', last: 9 }), row(9, 'z')],
      LastEvaluatedKey: { pk, sk: 'agent#a#msg#0000000009' },
    })
    expect(await log.load()).toMatchObject({ data: { messages: [{ trackingId: 'z' }] } })
    takeSent()
    answers.on(GetCommand).callsFake(async ({ Key }) => ({
      Item: Key.sk === STATE_KEY.sk ? storedState : markOf('v1', '1-2', 'at b'),
    }))
    answers.on(QueryCommand).resolves({ Items: [row(1, 'a'), row(2, 'b')] })
    expect(await snapshots.load('v1')).toEqual(snapshotOf(['a', 'b']))
    takeSent()

    await log.save(freeze(snapshotOf(['a', 'b'])), NOTHING)
    expect(takeSent()).toEqual([advance(head({ version: 2, window: '1-2', last: 9, createdAt: 'at b' }))])
  })

  it('as nothing when there is none', async () => {
    const { snapshots, takeSent } = snapshotsFor()
    expect(await snapshots.load('v1')).toBeNull()
    expect(takeSent()).toHaveLength(1)
  })

  const mark = markOf('v1', '1', 'at a')
  const keyOfMark = { pk, sk: 'agent#a#snapshot#v1' }
  const stateless = { Item: undefined }
  const whole = { Item: storedState }
  test.each([
    ['its state is missing', mark, stateless, [row(1, 'a')], STATE_KEY],
    ['its state is none', mark, { Item: sealed({ ...storedState, data: '7' }) }, [row(1, 'a')], STATE_KEY],
    ['its state is no JSON', mark, { Item: sealed({ ...storedState, data: '' }) }, [row(1, 'a')], STATE_KEY],
    ['a message is missing', mark, whole, [], { pk, sk: 'agent#a#msg#0000000001' }],
    [
      'a message is of another life of the session',
      mark,
      whole,
      [row(1, 'a', { writer: '000000001-x' })],
      { pk, sk: 'agent#a#msg#0000000001' },
    ],
    ['its state was changed', mark, { Item: { ...storedState, data: stateText({}) } }, [row(1, 'a')], STATE_KEY],
    ['its window is none', sealed({ ...mark, window: 'x' }), whole, [], keyOfMark],
    ['its mark has no state', sealed({ ...mark, stateDigest: 7 }), whole, [], keyOfMark],
    ['its window was changed', { ...mark, window: '1-2' }, whole, [row(1, 'a')], keyOfMark],
    ['its mark is that of another', { ...markOf('v2', '1', 'x'), sk: mark.sk }, whole, [row(1, 'a')], keyOfMark],
  ])('unless %s', async (_, Item, stored, Items, key) => {
    const { snapshots, answers } = snapshotsFor()
    answers.on(GetCommand).callsFake(async ({ Key }) => (Key.sk === STATE_KEY.sk ? stored : { Item }))
    answers.on(QueryCommand).resolves({ Items })
    expect(await rejectionOf(snapshots.load('v1'))).toMatchObject({ name: 'SessionCorruptedError', key })
  })

  it('unless a newer release has written it', async () => {
    const { snapshots, answers } = snapshotsFor()
    answers.on(GetCommand).resolves({ Item: { ...mark, v: 2 } })
    expect(await rejectionOf(snapshots.load('v1'))).toMatchObject({
      name: 'NewerFormatError',
      key: { pk, sk: 'agent#a#snapshot#v1' },
      version: 2,
    })
  })
})

describe('immutable snapshots are listed', () => {
  const keyOf = (id: string) => ({ pk, sk: `agent#a#snapshot#${id}` })

  it('by their keys alone', async () => {
    const { snapshots, answers, takeSent } = snapshotsFor()
    answers.on(QueryCommand).resolves({ Items: [keyOf('a'), keyOf('b%23'), keyOf('%E7%95%8C')] })
    expect(await snapshots.list()).toEqual(['a', 'b#', '界'])
    expect(takeSent()).toEqual([listQuery()])
  })

  it('unless there is one whose key no id makes, which is an error that names it', async () => {
    const { snapshots, answers } = snapshotsFor()
    answers.on(QueryCommand).resolves({ Items: [keyOf('a'), keyOf('%ZZ')] })
    expect(await rejectionOf(snapshots.list())).toMatchObject({ name: 'SessionCorruptedError', key: keyOf('%ZZ') })
  })

  it('page by page, all of them', async () => {
    const { snapshots, answers, takeSent } = snapshotsFor()
    answers
      .on(QueryCommand)
      .resolvesOnce({ Items: [keyOf('a')], LastEvaluatedKey: keyOf('a') })
      .resolvesOnce({ Items: [keyOf('b')] })
    expect(await snapshots.list()).toEqual(['a', 'b'])
    expect(takeSent()).toEqual([listQuery(), listQuery({ ExclusiveStartKey: keyOf('a') })])
  })

  it('up to a limit, without a request too many', async () => {
    const { snapshots, answers, takeSent } = snapshotsFor()
    answers
      .on(QueryCommand)
      .resolvesOnce({ Items: [keyOf('a')], LastEvaluatedKey: keyOf('a') })
      .resolvesOnce({ Items: [keyOf('b'), keyOf('c')], LastEvaluatedKey: keyOf('c') })
    expect(await snapshots.list(2)).toEqual(['a', 'b'])
    expect(takeSent()).toHaveLength(2)
  })

  it('after an id', async () => {
    const { snapshots, takeSent } = snapshotsFor()
    expect(await snapshots.list(5, 'a#1')).toEqual([])
    expect(takeSent()).toEqual([listQuery({ Limit: 5, ExclusiveStartKey: keyOf('a%231') })])
  })
})
