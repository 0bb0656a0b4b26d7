import { setImmediate as nextTurn } from 'node:timers/promises'
import { inspect } from 'node:util'
import { GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb'
import { describe, expect, it, test } from 'vitest'
import { sealed } from '../test/support/log-items.ts'
import { errorOf, mockedClient, rejectionOf } from '../test/support/mocked-client.ts'
import type { StoredValue } from './attributes.ts'
import { digestOf, encode, INLINE_LIMIT } from './codec.ts'
import { SessionTable } from './table.ts'
import { bySortKey, parseJson, ValueStore } from './values.ts'

const TableName = 'sessions'
const owner = { pk: 'p', sk: 'owner' }
const SMALL = '{"a":1}'
const LARGE = JSON.stringify('x'.repeat(INLINE_LIMIT))
const digest = digestOf(LARGE)
const [firstBytes, secondBytes] = encode(LARGE).parts
const first = sealed({ pk: 'p', sk: `owner#part#${digest}#0000`, v: 1, data: firstBytes })
const second = sealed({ pk: 'p', sk: `owner#part#${digest}#0001`, v: 1, data: secondBytes })
const large: StoredValue = { encoding: 'json', digest, inline: undefined, partCount: 2 }
const CORRUPTED = { name: 'SessionCorruptedError', key: owner }

function storeFor() {
  const mocked = mockedClient()
  const table = new SessionTable({ client: mocked.client, tableName: TableName, consistentRead: true })
  return { ...mocked, values: new ValueStore(table) }
}

const partsQuery = [
  'QueryCommand',
  {
    TableName,
    KeyConditionExpression: '#pk = :pk AND begins_with(#sk, :prefix)',
    ExpressionAttributeNames: { '#pk': 'pk', '#sk': 'sk' },
    ExpressionAttributeValues: { ':pk': 'p', ':prefix': `owner#part#${digest}#` },
    ConsistentRead: true,
    ScanIndexForward: true,
  },
]

describe('a value that fits its item', () => {
  it('is one PutItem and one GetItem', async () => {
    const { values, answers, takeSent } = storeFor()
    await values.save(owner, SMALL)
    const item = sealed({ ...owner, v: 1, enc: 'json', data: SMALL })
    expect(takeSent()).toEqual([['PutCommand', { TableName, Item: item }]])

    answers.on(GetCommand).resolves({ Item: item })
    expect(await values.load(owner)).toEqual({ a: 1 })
    expect(takeSent()).toEqual([['GetCommand', { TableName, Key: owner, ConsistentRead: true }]])
  })

  it('that is not there is undefined', async () => {
    expect(await storeFor().values.load(owner)).toBeUndefined()
  })
})

describe('a value that does not fit its item', () => {
  it('is written as parts, and then as an item that says how many', async () => {
    const { values, answers, takeSent } = storeFor()
    const { promise, resolve } = Promise.withResolvers<object>()
    const begun: string[] = []
    answers.on(PutCommand).callsFake(({ Item }) => {
      begun.push(Item.sk)
      return Item.sk === first.sk ? promise : Promise.resolve({})
    })
    const saved = values.save(owner, LARGE)
    await nextTurn()
    expect(begun).toEqual([first.sk, second.sk])
    resolve({})
    await saved
    expect(takeSent()).toEqual([
      ['PutCommand', { TableName, Item: first }],
      ['PutCommand', { TableName, Item: second }],
      ['PutCommand', { TableName, Item: sealed({ ...owner, v: 1, enc: 'json', parts: 2, digest }) }],
    ])
  })

  it('is not written at all when a part cannot be', async () => {
    const { values, answers, takeSent } = storeFor()
    answers.on(PutCommand).resolvesOnce({}).rejectsOnce(new Error('no')).resolves({})
    expect(await rejectionOf(values.save(owner, LARGE))).toMatchObject({ name: 'TableRequestError' })
    expect(takeSent()).toHaveLength(2)
  })

  it('is read with one Query', async () => {
    const { values, answers, takeSent } = storeFor()
    answers.on(QueryCommand).resolves({ Items: [first, second] })
    expect((await values.readText(owner, large)) === LARGE).toBe(true)
    expect(takeSent()).toEqual([partsQuery])
  })

  it('is read without a request when its parts have come along', async () => {
    const { values, takeSent } = storeFor()
    expect((await values.readText(owner, large, bySortKey([second, first]))) === LARGE).toBe(true)
    expect(takeSent()).toEqual([])
  })

  it('is read again whole when only some of its parts have come along', async () => {
    const { values, answers, takeSent } = storeFor()
    answers.on(QueryCommand).resolves({ Items: [first, second] })
    expect((await values.readText(owner, large, bySortKey([first]))) === LARGE).toBe(true)
    expect(takeSent()).toEqual([partsQuery])
  })

  it('is deleted part by part', async () => {
    const { values, takeSent } = storeFor()
    await values.discard(owner, large)
    const deletions = [first, second].map(({ pk, sk }) => ({ DeleteRequest: { Key: { pk, sk } } }))
    expect(takeSent()).toEqual([['BatchWriteCommand', { RequestItems: { [TableName]: deletions } }]])
  })

  test.each([
    ['a missing part', [first]],
    ['no part', []],
    ['a changed part', [first, sealed({ ...second, data: Uint8Array.of(1, 2) })]],
    ['parts in disorder', [second, first]],
  ])('is corrupt with %s', async (_, Items) => {
    const { values, answers } = storeFor()
    answers.on(QueryCommand).resolves({ Items })
    expect(await rejectionOf(values.readText(owner, large))).toMatchObject(CORRUPTED)
  })

  test.each([
    ['is none', sealed({ ...first, data: 'text' }), "has no bytes in 'data'"],
    ['was changed', { ...first, data: Uint8Array.of(1, 2) }, 'does not match its checksum'],
    ['is another one', { ...second, sk: first.sk }, 'does not match its checksum'],
  ])('is corrupt with a part that %s, which the error names', async (_, part, problem) => {
    const { values, answers } = storeFor()
    answers.on(QueryCommand).resolves({ Items: [part, second] })
    expect(await rejectionOf(values.readText(owner, large))).toMatchObject({
      name: 'SessionCorruptedError',
      key: { pk: 'p', sk: first.sk },
      message: expect.stringContaining(problem),
    })
  })
})

it('deletes and writes nothing for a value without parts', async () => {
  const { values, takeSent } = storeFor()
  await values.prepare({ ...owner, v: 1 }, SMALL)
  await values.discard(owner, { digest, partCount: 0 })
  expect(takeSent()).toEqual([])
})

test.each([[''], ['{'], ['undefined'], ["{'secret':1}"]])(
  '%j is no JSON, which is an error without the text',
  (text) => {
    const error = errorOf(() => parseJson(owner, text))
    expect(error).toMatchObject({ ...CORRUPTED, message: expect.stringContaining("sk: 'owner' } does not hold JSON") })
    // Not even as the cause, whose message quotes it: errors end up in logs.
    expect(inspect(error)).not.toMatch(/secret|undefined|JSON at|Unexpected/)
  },
)
