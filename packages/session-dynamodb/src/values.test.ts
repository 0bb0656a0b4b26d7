import { randomBytes } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { inspect } from 'node:util'
import { BatchGetCommand, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import { describe, expect, it, test } from 'vitest'
import { sealed } from '../test/support/log-items.ts'
import { errorOf, mockedClient, rejectionOf } from '../test/support/mocked-client.ts'
import type { Item, StoredValue } from './attributes.ts'
import { compress, digestOf, INLINE_LIMIT, VALUE_LIMIT } from './codec.ts'
import { itemSize } from './item-size.ts'
import { SessionTable } from './table.ts'
import { bySortKey, parseJson, ValueStore } from './values.ts'

const TableName = 'sessions'
const owner = { pk: 'p', sk: 'owner' }
const SMALL = '{"a":1}'
const LARGE = JSON.stringify('x'.repeat(INLINE_LIMIT))
const digest = digestOf(LARGE)
const first = sealed({ pk: 'p', sk: `owner#part#${digest}#0000`, v: 1, data: bytesOf(LARGE.slice(0, INLINE_LIMIT)) })
const second = sealed({ pk: 'p', sk: `owner#part#${digest}#0001`, v: 1, data: bytesOf(LARGE.slice(INLINE_LIMIT)) })
const large: StoredValue = { encoding: 'json', digest, inline: undefined, partCount: 2 }
const CORRUPTED = { name: 'SessionCorruptedError', key: owner }

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text)
}

function storeFor(compression: 'auto' | 'off' = 'off') {
  const mocked = mockedClient()
  const table = new SessionTable({ client: mocked.client, tableName: TableName, consistentRead: false })
  return { ...mocked, values: new ValueStore(table, { compression }) }
}

/** The read of some parts: strongly consistent even where other reads are not. */
const readOf = (...parts: readonly { readonly pk: string; readonly sk: string }[]) => {
  const Keys = parts.map(({ pk, sk }) => ({ pk, sk }))
  return ['BatchGetCommand', { RequestItems: { [TableName]: { Keys, ConsistentRead: true } } }]
}
const found = (...parts: readonly object[]) => ({ Responses: { [TableName]: [...parts] } })

describe('a value that fits its item', () => {
  it('is one PutItem and one GetItem', async () => {
    const { values, answers, takeSent } = storeFor()
    await values.save(owner, SMALL)
    const item = sealed({ ...owner, v: 1, enc: 'json', data: SMALL })
    expect(takeSent()).toEqual([['PutCommand', { TableName, Item: item }]])

    answers.on(GetCommand).resolves({ Item: item })
    expect(await values.load(owner)).toEqual({ a: 1 })
    expect(takeSent()).toEqual([['GetCommand', { TableName, Key: owner, ConsistentRead: false }]])
  })

  it('that is not there is undefined', async () => {
    expect(await storeFor().values.load(owner)).toBeUndefined()
  })
})

describe('compression', () => {
  const frame = { ...owner, v: 1, writer: 'w' }
  /** A text whose item has so many bytes as it is. */
  const textFor = (bytes: number): string => {
    const rest = itemSize(sealed({ ...frame, enc: 'json', data: '""' }))
    return JSON.stringify('ab'.repeat(bytes).slice(0, bytes - rest))
  }

  it('leaves an item of one write unit readable', async () => {
    const text = textFor(1024)
    const { item } = await storeFor('auto').values.prepare(frame, text)
    expect(item).toEqual(sealed({ ...frame, enc: 'json', data: text }))
    expect(itemSize(item)).toBe(1024)
  })

  it('starts where it saves a write unit', async () => {
    const text = textFor(1025)
    const { item, place } = await storeFor('auto').values.prepare(frame, text)
    const data = await compress(text)
    expect(item).toEqual(sealed({ ...frame, enc: 'br', data, digest: digestOf(text) }))
    expect(place).toEqual({ encoding: 'br', digest: digestOf(text), partCount: 0 })
  })

  it('leaves an item alone for which it would save bytes, but no unit', async () => {
    // Base64 loses a quarter: of 1.9 KB it leaves 1.4 KB.
    const text = JSON.stringify(randomBytes(1350).toString('base64'))
    expect((await compress(text)).byteLength).toBeLessThan(1450)
    expect((await storeFor('auto').values.prepare(frame, text)).item).toMatchObject({ enc: 'json', data: text })
  })

  it('can be switched off', async () => {
    const text = textFor(300_000)
    expect((await storeFor('off').values.prepare(frame, text)).item).toMatchObject({ enc: 'json', data: text })
  })

  test.each([['auto'], ['off']] as const)('is read whatever the setting: %s', async (compression) => {
    const text = textFor(3000)
    const { item } = await storeFor('auto').values.prepare({ ...owner, v: 1 }, text)
    const { values, answers } = storeFor(compression)
    answers.on(GetCommand).resolves({ Item: item })
    expect(await values.load(owner)).toEqual(JSON.parse(text))
  })

  it('comes before the value is cut into parts', async () => {
    const text = JSON.stringify(randomBytes(450_000).toString('base64'))
    const { values, answers, takeSent } = storeFor('auto')
    await values.save(owner, text)
    const written = takeSent().map(([, input]): Item => Reflect.get(Object(input), 'Item'))
    expect(written.map(({ enc, parts }) => ({ enc, parts }))).toEqual([{}, {}, { enc: 'br', parts: 2 }])

    answers.on(GetCommand).resolves({ Item: written[2] })
    answers.on(BatchGetCommand).resolves(found(...written.slice(0, 2)))
    expect((await values.load(owner)) === JSON.parse(text)).toBe(true)
  })

  it('of another text than the digest says is corrupt', async () => {
    const { values, answers } = storeFor()
    const item = sealed({ ...owner, v: 1, enc: 'br', data: await compress('{"a":2}'), digest: digestOf(SMALL) })
    answers.on(GetCommand).resolves({ Item: item })
    expect(await rejectionOf(values.load(owner))).toMatchObject(CORRUPTED)
  })

  it('that this release does not know is an error that names the item', async () => {
    const { values, answers } = storeFor()
    answers.on(GetCommand).resolves({ Item: sealed({ ...owner, v: 1, enc: 'zstd', data: Uint8Array.of(1) }) })
    expect(await rejectionOf(values.load(owner))).toMatchObject({
      ...CORRUPTED,
      message: expect.stringContaining("has an unknown encoding in 'enc'"),
    })
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

  test.each([
    [INLINE_LIMIT - 1, []],
    [INLINE_LIMIT, []],
    [INLINE_LIMIT + 1, [INLINE_LIMIT, 1]],
    [2 * INLINE_LIMIT, [INLINE_LIMIT, INLINE_LIMIT]],
    [2 * INLINE_LIMIT + 1, [INLINE_LIMIT, INLINE_LIMIT, 1]],
  ])('of %i bytes has parts of %j', async (size, expected) => {
    const { values, takeSent } = storeFor()
    const text = 'x'.repeat(size - 3)
    const { item } = await values.prepare({ ...owner, v: 1 }, `${text}é"`)
    const sizes = takeSent().map(([, input]) => Reflect.get(Object(input), 'Item').data.byteLength)
    expect(sizes).toEqual(expected)
    expect(item.parts).toBe(expected.length === 0 ? undefined : expected.length)
  })

  it('is not written at all when a part cannot be', async () => {
    const { values, answers, takeSent } = storeFor()
    answers.on(PutCommand).resolvesOnce({}).rejectsOnce(new Error('no')).resolves({})
    expect(await rejectionOf(values.save(owner, LARGE))).toMatchObject({ name: 'TableRequestError' })
    expect(takeSent()).toHaveLength(2)
  })

  it('is read with one request, strongly consistent', async () => {
    const { values, answers, takeSent } = storeFor()
    answers.on(BatchGetCommand).resolves(found(second, first))
    expect((await values.readText(owner, large)) === LARGE).toBe(true)
    expect(takeSent()).toEqual([readOf(first, second)])
  })

  it('is read without a request when its parts have come along', async () => {
    const { values, takeSent } = storeFor()
    expect((await values.readText(owner, large, bySortKey([second, first]))) === LARGE).toBe(true)
    expect(takeSent()).toEqual([])
  })

  it('is completed when only some of its parts have come along', async () => {
    const { values, answers, takeSent } = storeFor()
    answers.on(BatchGetCommand).resolves(found(second))
    expect((await values.readText(owner, large, bySortKey([first]))) === LARGE).toBe(true)
    expect(takeSent()).toEqual([readOf(second)])
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
    ['parts that changed places', [sealed({ ...first, sk: second.sk }), sealed({ ...second, sk: first.sk })]],
  ])('is corrupt with %s', async (_, parts) => {
    const { values, answers } = storeFor()
    answers.on(BatchGetCommand).resolves(found(...parts))
    expect(await rejectionOf(values.readText(owner, large))).toMatchObject(CORRUPTED)
  })

  test.each([
    ['is none', sealed({ ...first, data: 'text' }), "has no bytes in 'data'"],
    ['was changed', { ...first, data: Uint8Array.of(1, 2) }, 'does not match its checksum'],
    ['is another one', { ...second, sk: first.sk }, 'does not match its checksum'],
  ])('is corrupt with a part that %s, which the error names', async (_, part, problem) => {
    const { values, answers } = storeFor()
    answers.on(BatchGetCommand).resolves(found(part, second))
    expect(await rejectionOf(values.readText(owner, large))).toMatchObject({
      name: 'SessionCorruptedError',
      key: { pk: 'p', sk: first.sk },
      message: expect.stringContaining(problem),
    })
  })
})

describe('a value that is too large', () => {
  it('is an error before anything is written, with the item, the size and the limit', async () => {
    const { values, takeSent } = storeFor('auto')
    const text = 'é'.repeat(VALUE_LIMIT / 2)
    expect(() => values.check(owner, text)).not.toThrow()
    expect(await rejectionOf(values.save(owner, `${text}.`))).toMatchObject({
      ...{ name: 'ValueTooLargeError', key: owner, size: VALUE_LIMIT + 1, limit: VALUE_LIMIT },
      message: expect.stringContaining(`has ${VALUE_LIMIT + 1} bytes as JSON, and at most ${VALUE_LIMIT} are stored`),
    })
    expect(takeSent()).toEqual([])
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
