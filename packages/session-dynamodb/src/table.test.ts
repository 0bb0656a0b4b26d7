import {
  ConditionalCheckFailedException,
  ProvisionedThroughputExceededException,
  ResourceNotFoundException,
  ThrottlingException,
  TransactionCanceledException,
} from '@aws-sdk/client-dynamodb'
import {
  BatchGetCommand,
  BatchWriteCommand,
  DeleteCommand,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb'
import { describe, expect, it, test } from 'vitest'
import { mockedClient, rejectionOf } from '../test/support/mocked-client.ts'
import type { QueryRange } from './expressions.ts'
import type { CapacityUsage, Retry } from './requests.ts'
import { type Page, SessionTable, type SessionTableOptions } from './table.ts'

const TableName = 'sessions'
const key = { pk: 'p', sk: 's' }
const item = { ...key, v: 1 }
const condition = { expression: '#a = :a', names: { '#a': 'a' }, values: { ':a': 1 } }
const conditionInput = {
  ConditionExpression: '#a = :a',
  ExpressionAttributeNames: { '#a': 'a' },
  ExpressionAttributeValues: { ':a': 1 },
  ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
}
const aws = { message: 'because', $metadata: {} }

function tableFor(options: Partial<SessionTableOptions> = {}) {
  const mocked = mockedClient()
  const pauses: number[] = []
  const table = new SessionTable({
    client: mocked.client,
    tableName: TableName,
    consistentRead: true,
    pause: async (milliseconds) => pauses.push(milliseconds),
    ...options,
  })
  return { ...mocked, table, pauses }
}

const keysFrom = (first: number, count: number) =>
  Array.from({ length: count }, (_, index) => ({ pk: 'p', sk: `s${first + index}` }))

async function pagesOf(pages: AsyncIterable<Page>): Promise<Page[]> {
  const all: Page[] = []
  for await (const page of pages) all.push(page)
  return all
}

describe('a read', () => {
  it('of one item is one GetItem', async () => {
    const { table, answers, takeSent } = tableFor()
    expect(await table.get(key)).toBeUndefined()
    answers.on(GetCommand).resolves({ Item: item })
    expect(await table.get(key)).toEqual(item)
    const sent = ['GetCommand', { TableName, Key: key, ConsistentRead: true }]
    expect(takeSent()).toEqual([sent, sent])
  })

  it('of a range goes on page by page, until there is none or the reader stops', async () => {
    const { table, answers, takeSent } = tableFor()
    answers
      .on(QueryCommand)
      .resolvesOnce({ Items: [item], LastEvaluatedKey: key })
      .resolvesOnce({})
      .resolves({})
    expect(await pagesOf(table.query({ pk: 'p', prefix: 'a', descending: true, limit: 5 }))).toEqual([
      { items: [item], more: true },
      { items: [], more: false },
    ])
    const input = {
      TableName,
      KeyConditionExpression: '#pk = :pk AND begins_with(#sk, :prefix)',
      ExpressionAttributeNames: { '#pk': 'pk', '#sk': 'sk' },
      ExpressionAttributeValues: { ':pk': 'p', ':prefix': 'a' },
      ConsistentRead: true,
      ScanIndexForward: false,
      Limit: 5,
    }
    expect(takeSent()).toEqual([
      ['QueryCommand', input],
      ['QueryCommand', { ...input, ExclusiveStartKey: key }],
    ])

    answers.on(QueryCommand).resolves({ Items: [item], LastEvaluatedKey: key })
    for await (const page of table.query({ pk: 'p', prefix: 'a' })) {
      expect(page).toEqual({ items: [item], more: true })
      break
    }
    expect(takeSent()).toHaveLength(1)
  })

  it('starts after a key', async () => {
    const { table, takeSent } = tableFor()
    await pagesOf(table.query({ pk: 'p', prefix: 'a', startAfter: key }))
    expect(takeSent()).toMatchObject([['QueryCommand', { ExclusiveStartKey: key, ScanIndexForward: true }]])
  })

  test.each<[string, boolean, QueryRange, boolean]>([
    ['strongly consistent', true, { pk: 'p', prefix: 'a' }, true],
    ['eventually consistent, when asked for', false, { pk: 'p', prefix: 'a' }, false],
    ['strongly consistent, when this one must be', false, { pk: 'p', prefix: 'a', consistent: true }, true],
    ['eventually consistent on the index', true, { pk: 'p', ofOwner: true }, false],
    ['never strongly consistent on the index, which cannot', true, { pk: 'p', ofOwner: true, consistent: true }, false],
  ])('of a range is %s', async (_, consistentRead, range, expected) => {
    const { table, takeSent } = tableFor({ consistentRead })
    await pagesOf(table.query(range))
    expect(takeSent()).toMatchObject([['QueryCommand', { ConsistentRead: expected }]])
  })

  it('of many items asks for a hundred at a time', async () => {
    const { table, answers, takeSent } = tableFor({ consistentRead: false })
    answers.on(BatchGetCommand).callsFake(async ({ RequestItems }) => ({
      Responses: { [TableName]: RequestItems[TableName].Keys },
    }))
    expect(await table.getAll(keysFrom(0, 101))).toEqual(keysFrom(0, 101))
    expect(takeSent()).toEqual([
      ['BatchGetCommand', { RequestItems: { [TableName]: { Keys: keysFrom(0, 100), ConsistentRead: false } } }],
      ['BatchGetCommand', { RequestItems: { [TableName]: { Keys: keysFrom(100, 1), ConsistentRead: false } } }],
    ])
  })

  it('of no items sends nothing', async () => {
    const { table, takeSent } = tableFor()
    expect(await table.getAll([])).toEqual([])
    expect(takeSent()).toEqual([])
  })
})

describe('a write', () => {
  it('of one item is one PutItem', async () => {
    const { table, takeSent } = tableFor()
    expect(await table.put(item)).toEqual({ written: true })
    expect(await table.put(item, condition)).toEqual({ written: true })
    expect(takeSent()).toEqual([
      ['PutCommand', { TableName, Item: item }],
      ['PutCommand', { TableName, Item: item, ...conditionInput }],
    ])
  })

  it('of attributes is one UpdateItem', async () => {
    const { table, takeSent } = tableFor()
    expect(await table.update(key, 'SET #a = :a', condition)).toEqual({ written: true })
    expect(takeSent()).toEqual([
      ['UpdateCommand', { TableName, Key: key, UpdateExpression: 'SET #a = :a', ...conditionInput }],
    ])
  })

  it('may be the deletion of one item', async () => {
    const { table, takeSent } = tableFor()
    expect(await table.delete(key, condition)).toEqual({ written: true })
    expect(takeSent()).toEqual([['DeleteCommand', { TableName, Key: key, ...conditionInput }]])
  })

  it('of several items that must all be written or none is one transaction', async () => {
    const { table, takeSent } = tableFor()
    const update = { key, expression: 'SET #a = :a', condition }
    expect(await table.transact(update, [{ item, condition }, { item }])).toEqual({ written: true })
    expect(takeSent()).toEqual([
      [
        'TransactWriteCommand',
        {
          TransactItems: [
            { Update: { TableName, Key: key, UpdateExpression: 'SET #a = :a', ...conditionInput } },
            { Put: { TableName, Item: item, ...conditionInput } },
            { Put: { TableName, Item: item } },
          ],
        },
      ],
    ])
  })

  it('may delete items in a transaction', async () => {
    const { table, takeSent } = tableFor()
    await table.transact({ key, expression: 'SET #a = :a', condition }, [], keysFrom(0, 2))
    expect(takeSent()).toEqual([
      [
        'TransactWriteCommand',
        {
          TransactItems: [
            { Update: { TableName, Key: key, UpdateExpression: 'SET #a = :a', ...conditionInput } },
            ...keysFrom(0, 2).map((Key) => ({ Delete: { TableName, Key } })),
          ],
        },
      ],
    ])
  })

  it('of many items is as many PutItems', async () => {
    const { table, takeSent } = tableFor()
    await table.putAll(keysFrom(0, 20))
    expect(takeSent()).toEqual(keysFrom(0, 20).map((Item) => ['PutCommand', { TableName, Item }]))
  })
})

describe('a refused condition', () => {
  const Item = { pk: { S: 'p' }, writer: { S: 'another' }, version: { N: '2' } }
  const refused = new ConditionalCheckFailedException({ ...aws, Item })
  const outcome = { written: false, found: { pk: 'p', writer: 'another', version: 2 } }

  it('is an outcome, with the item in its way', async () => {
    const { table, answers } = tableFor()
    answers.on(PutCommand).rejects(refused).on(UpdateCommand).rejects(refused).on(DeleteCommand).rejects(refused)
    expect(await table.put(item, condition)).toEqual(outcome)
    expect(await table.delete(key, condition)).toEqual(outcome)
    expect(await table.update(key, 'SET #a = :a', condition)).toEqual(outcome)
  })

  it('of a transaction names the item that it was for', async () => {
    const { table, answers, takeSent } = tableFor()
    const update = { key, expression: 'SET #a = :a', condition }
    const puts = [{ item: { pk: 'p', sk: 'one' } }, { item: { pk: 'p', sk: 'two' } }]
    const cancelled = (...CancellationReasons: object[]) =>
      new TransactionCanceledException({ ...aws, CancellationReasons })
    const [None, Refused] = [{ Code: 'None' }, { Code: 'ConditionalCheckFailed', Item }]
    answers
      .on(TransactWriteCommand)
      .rejectsOnce(cancelled(None, None, Refused))
      .rejectsOnce(cancelled({ Code: 'ConditionalCheckFailed' }, None, None))
    expect([await table.transact(update, puts), await table.transact(update, puts)]).toEqual([
      { ...outcome, key: { pk: 'p', sk: 'two' } },
      { written: false, key, found: undefined },
    ])
    expect(takeSent()).toHaveLength(2)
  })
})

describe('a deletion', () => {
  const deletionOf = (keys: readonly object[]) => [
    'BatchWriteCommand',
    { RequestItems: { [TableName]: keys.map((Key) => ({ DeleteRequest: { Key } })) } },
  ]

  it('sends 25 keys at a time, and reports each batch', async () => {
    const { table, takeSent } = tableFor()
    const counts: number[] = []
    await table.deleteAll(keysFrom(0, 51), (count) => counts.push(count))
    expect(takeSent()).toEqual([deletionOf(keysFrom(0, 25)), deletionOf(keysFrom(25, 25)), deletionOf(keysFrom(50, 1))])
    expect(counts.sort((a, b) => b - a)).toEqual([25, 25, 1])
  })

  it('sends again what was left unprocessed, and reports the batch once it is done', async () => {
    const { table, answers, takeSent, pauses } = tableFor()
    const left = [{ DeleteRequest: { Key: { pk: 'p', sk: 's1' } } }]
    answers
      .on(BatchWriteCommand)
      .resolvesOnce({ UnprocessedItems: { [TableName]: left } })
      .resolvesOnce({ UnprocessedItems: { [TableName]: left } })
      .resolves({ UnprocessedItems: {} })
    const counts: number[] = []
    await table.deleteAll(keysFrom(0, 3), (count) => counts.push(count))
    expect(takeSent()).toEqual([deletionOf(keysFrom(0, 3)), deletionOf(keysFrom(1, 1)), deletionOf(keysFrom(1, 1))])
    expect([counts, pauses.length]).toEqual([[3], 2])
  })

  it('gives up after eight attempts, with a pause between each two that may double', async () => {
    const { table, answers, takeSent, pauses } = tableFor()
    const left = keysFrom(0, 2).map((Key) => ({ DeleteRequest: { Key } }))
    answers.on(BatchWriteCommand).resolves({ UnprocessedItems: { [TableName]: left } })
    const counts: number[] = []
    const error = await rejectionOf(table.deleteAll(keysFrom(0, 2), (count) => counts.push(count)))
    expect(error).toMatchObject({
      name: 'TableRequestError',
      operation: 'BatchWriteItem',
      retryable: true,
      message: "BatchWriteItem on table 'sessions' failed: Error: 2 items were left unprocessed",
      cause: new Error('2 items were left unprocessed'),
    })
    expect([takeSent().length, counts]).toEqual([8, []])
    expect(pauses.map((pause, index) => pause >= 0 && pause < 100 * 2 ** index)).toEqual(Array(7).fill(true))
  })
})

describe('a batch of reads', () => {
  it('asks again for keys that were left unprocessed', async () => {
    const { table, answers, takeSent, pauses } = tableFor()
    const [first, second] = [
      { pk: 'p', sk: 's0' },
      { pk: 'p', sk: 's1' },
    ]
    answers
      .on(BatchGetCommand)
      .resolvesOnce({ Responses: { [TableName]: [first] }, UnprocessedKeys: { [TableName]: { Keys: [second] } } })
      .resolves({ Responses: { [TableName]: [second] } })
    expect(await table.getAll([first, second])).toEqual([first, second])
    expect(takeSent().map(([, input]) => input)).toEqual([
      { RequestItems: { [TableName]: { Keys: [first, second], ConsistentRead: true } } },
      { RequestItems: { [TableName]: { Keys: [second], ConsistentRead: true } } },
    ])
    expect(pauses).toHaveLength(1)
  })

  it('gives up after eight attempts', async () => {
    const { table, answers, takeSent } = tableFor()
    answers.on(BatchGetCommand).resolves({ UnprocessedKeys: { [TableName]: { Keys: [key] } } })
    expect(await rejectionOf(table.getAll([key]))).toMatchObject({
      name: 'TableRequestError',
      operation: 'BatchGetItem',
      retryable: true,
      cause: new Error('1 items were left unprocessed'),
    })
    expect(takeSent()).toHaveLength(8)
  })
})

describe('a transaction that met another one', () => {
  const obstacle = new TransactionCanceledException({
    ...aws,
    CancellationReasons: [{ Code: 'TransactionConflict' }, { Code: 'None' }],
  })
  const update = { key, expression: 'SET #a = :a', condition }

  it('is sent again, the same', async () => {
    const { table, answers, takeSent, pauses } = tableFor()
    answers.on(TransactWriteCommand).rejectsOnce(obstacle).resolves({})
    expect(await table.transact(update, [{ item }])).toEqual({ written: true })
    const [first, second, ...more] = takeSent()
    expect([second, more, pauses.length]).toEqual([first, [], 1])
  })

  it('gives up after eight attempts', async () => {
    const { table, answers, takeSent } = tableFor()
    answers.on(TransactWriteCommand).rejects(obstacle)
    expect(await rejectionOf(table.transact(update, [{ item }]))).toMatchObject({
      name: 'TableRequestError',
      operation: 'TransactWriteItems',
      retryable: true,
      cause: obstacle,
    })
    expect(takeSent()).toHaveLength(8)
  })
})

describe('an error', () => {
  const throttled = new ThrottlingException(aws)
  const lost = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
  const full = new ProvisionedThroughputExceededException(aws)
  const denied = Object.assign(new Error('not authorized'), { name: 'AccessDeniedException' })
  const operations = [
    ['GetItem', (table: SessionTable) => table.get(key)],
    ['BatchGetItem', (table: SessionTable) => table.getAll([key])],
    ['Query', (table: SessionTable) => pagesOf(table.query({ pk: 'p', prefix: 'a' }))],
    ['PutItem', (table: SessionTable) => table.put(item, condition)],
    ['PutItem', (table: SessionTable) => table.putAll([item])],
    ['UpdateItem', (table: SessionTable) => table.update(key, 'SET #a = :a', condition)],
    ['DeleteItem', (table: SessionTable) => table.delete(key, condition)],
    [
      'TransactWriteItems',
      (table: SessionTable) => table.transact({ key, expression: 'SET #a = :a', condition }, [{ item }]),
    ],
    ['BatchWriteItem', (table: SessionTable) => table.deleteAll([key])],
  ] as const

  test.each(operations)('of %s arrives as ours, with its cause, and is not sent again', async (operation, call) => {
    for (const [cause, retryable] of [
      [throttled, true],
      [lost, true],
      [full, true],
      [denied, false],
    ] as const) {
      const { table, answers, takeSent, pauses } = tableFor()
      answers.onAnyCommand().rejects(cause)
      expect(await rejectionOf(call(table))).toMatchObject({
        name: 'TableRequestError',
        message: `${operation} on table 'sessions' failed: ${cause.name}: ${cause.message}`,
        operation,
        retryable,
        cause,
      })
      expect([takeSent().length, pauses]).toEqual([1, []])
    }
  })

  test.each(operations)('of %s about a missing table says so', async (_, call) => {
    const { table, answers } = tableFor()
    const cause = new ResourceNotFoundException(aws)
    answers.onAnyCommand().rejects(cause)
    expect(await rejectionOf(call(table))).toMatchObject({ name: 'TableNotFoundError', tableName: TableName, cause })
  })
})

describe('consumed capacity', () => {
  it('is asked for and reported when somebody listens', async () => {
    const usages: CapacityUsage[] = []
    const { table, answers, takeSent } = tableFor({ onCapacity: (usage) => usages.push(usage) })
    const used = (CapacityUnits: number) => ({ TableName, CapacityUnits })
    const $metadata = { attempts: 2 }
    answers.on(GetCommand).resolves({ ConsumedCapacity: used(1), $metadata })
    answers.on(BatchGetCommand).resolves({ ConsumedCapacity: [used(2), used(0.5)], $metadata })
    answers.on(QueryCommand).resolves({ ConsumedCapacity: used(3) })
    answers.on(PutCommand).resolves({ ConsumedCapacity: used(4), $metadata: { attempts: 1 } })
    answers.on(UpdateCommand).resolves({ ConsumedCapacity: used(5), $metadata })
    answers.on(DeleteCommand).resolves({ ConsumedCapacity: used(8) })
    answers.on(TransactWriteCommand).resolves({ ConsumedCapacity: [used(6)], $metadata })
    answers.on(BatchWriteCommand).resolves({ ConsumedCapacity: [used(7)], $metadata })

    await table.get(key)
    await table.getAll([key])
    await pagesOf(table.query({ pk: 'p', prefix: 'a' }))
    await table.put(item)
    await table.update(key, 'SET #a = :a', condition)
    await table.delete(key, condition)
    await table.transact({ key, expression: 'SET #a = :a', condition }, [{ item }])
    await table.deleteAll([key])

    expect(takeSent().map(([name, input]) => [name, Reflect.get(Object(input), 'ReturnConsumedCapacity')])).toEqual([
      ['GetCommand', 'TOTAL'],
      ['BatchGetCommand', 'TOTAL'],
      ['QueryCommand', 'TOTAL'],
      ['PutCommand', 'TOTAL'],
      ['UpdateCommand', 'TOTAL'],
      ['DeleteCommand', 'TOTAL'],
      ['TransactWriteCommand', 'TOTAL'],
      ['BatchWriteCommand', 'TOTAL'],
    ])
    expect(usages).toEqual([
      { operation: 'GetItem', readUnits: 1, writeUnits: 0, attempts: 2 },
      { operation: 'BatchGetItem', readUnits: 2.5, writeUnits: 0, attempts: 2 },
      { operation: 'Query', readUnits: 3, writeUnits: 0, attempts: 1 },
      { operation: 'PutItem', readUnits: 0, writeUnits: 4, attempts: 1 },
      { operation: 'UpdateItem', readUnits: 0, writeUnits: 5, attempts: 2 },
      { operation: 'DeleteItem', readUnits: 0, writeUnits: 8, attempts: 1 },
      { operation: 'TransactWriteItems', readUnits: 0, writeUnits: 6, attempts: 2 },
      { operation: 'BatchWriteItem', readUnits: 0, writeUnits: 7, attempts: 2 },
    ])
  })

  it('and retries of the AWS SDK are reported apart', async () => {
    const retries: Retry[] = []
    const { table, answers } = tableFor({ onRetry: (retry) => retries.push(retry) })
    const cause = Object.assign(new ThrottlingException(aws), { $metadata: { attempts: 3 } })
    answers.on(GetCommand).resolves({ $metadata: { attempts: 2 } })
    answers.on(PutCommand).rejects(cause)
    await table.get(key)
    await rejectionOf(table.put(item))
    expect(retries).toEqual([
      { operation: 'GetItem', attempts: 2, repetitions: 1 },
      { operation: 'PutItem', attempts: 3, repetitions: 2, error: cause },
    ])
    expect(table.retryCount).toBe(3)
  })

  it('is reported for every attempt at a batch', async () => {
    const usages: CapacityUsage[] = []
    const { table, answers } = tableFor({ onCapacity: (usage) => usages.push(usage) })
    const left = { UnprocessedItems: { [TableName]: [{ DeleteRequest: { Key: key } }] } }
    answers
      .on(BatchWriteCommand)
      .resolvesOnce({ ...left, ConsumedCapacity: [{ CapacityUnits: 1 }] })
      .resolves({ ConsumedCapacity: [{ CapacityUnits: 2 }] })
    await table.deleteAll([key])
    expect(usages.map(({ writeUnits }) => writeUnits)).toEqual([1, 2])
  })

  it('that nobody listens to is not asked for', async () => {
    const { table, takeSent } = tableFor()
    await table.get(key)
    await table.put(item)
    expect(takeSent()).toEqual([
      ['GetCommand', { TableName, Key: key, ConsistentRead: true }],
      ['PutCommand', { TableName, Item: item }],
    ])
  })

  it("leaves a listener's error as it is: the request has succeeded", async () => {
    const failure = new Error('the listener failed')
    const { table, answers } = tableFor({
      onCapacity: () => {
        throw failure
      },
    })
    answers.on(PutCommand).resolves({ ConsumedCapacity: { CapacityUnits: 1 } })
    expect(await rejectionOf(table.put(item))).toBe(failure)
  })
})

it('every request is aborted before the process ends', async () => {
  const { table, answers } = tableFor({ remainingMs: () => 10_000 })
  await table.get(key)
  await table.getAll([key])
  await pagesOf(table.query({ pk: 'p', prefix: 'a' }))
  await table.put(item)
  await table.update(key, 'SET #a = :a', condition)
  await table.delete(key, condition)
  await table.transact({ key, expression: 'SET #a = :a', condition }, [{ item }])
  await table.deleteAll([key])
  const limits = answers.calls().map(({ args }): unknown => args.at(1))
  expect(limits).toEqual(Array(8).fill({ abortSignal: expect.any(AbortSignal) }))
})

it('sends nothing when it is made', () => {
  expect(tableFor().takeSent()).toEqual([])
})
