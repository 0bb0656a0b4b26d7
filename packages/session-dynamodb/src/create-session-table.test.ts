import {
  CreateTableCommand,
  DescribeTableCommand,
  ResourceInUseException,
  ResourceNotFoundException,
  type TableDescription,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb'
import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest'
import { mockedClient, rejectionOf } from '../test/support/mocked-client.ts'
import { createSessionTable } from './create-session-table.ts'
import type { TableOptions } from './options.ts'

const aws = { message: 'because', $metadata: {} }
const denied = Object.assign(new Error('not authorized'), { name: 'AccessDeniedException' })
const KEYS = [
  { AttributeName: 'pk', KeyType: 'HASH' },
  { AttributeName: 'sk', KeyType: 'RANGE' },
] as const
const INDEX_KEYS = [
  { AttributeName: 'ownerKey', KeyType: 'HASH' },
  { AttributeName: 'updatedAt', KeyType: 'RANGE' },
] as const
const TABLE: TableDescription = {
  TableStatus: 'ACTIVE',
  AttributeDefinitions: ['pk', 'sk', 'ownerKey', 'updatedAt'].map((AttributeName) => ({
    AttributeName,
    AttributeType: 'S' as const,
  })),
  KeySchema: [...KEYS],
  GlobalSecondaryIndexes: [{ IndexName: 'sessions-by-owner', KeySchema: [...INDEX_KEYS] }],
}
const CREATE = [
  'CreateTableCommand',
  {
    TableName: 'sessions',
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: TABLE.AttributeDefinitions,
    KeySchema: KEYS,
    GlobalSecondaryIndexes: [
      { IndexName: 'sessions-by-owner', KeySchema: INDEX_KEYS, Projection: { ProjectionType: 'ALL' } },
    ],
  },
]
const DESCRIBE = ['DescribeTableCommand', { TableName: 'sessions' }]
const TIME_TO_LIVE = [
  'UpdateTimeToLiveCommand',
  { TableName: 'sessions', TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true } },
]

/** A service on which the table is described as told, one description after the other. */
function serviceWith(...tables: readonly (Partial<TableDescription> | Error)[]) {
  const mocked = mockedClient()
  const descriptions = tables.values()
  let last = tables.at(-1)
  mocked.answers.on(DescribeTableCommand).callsFake(async () => {
    const { value = last } = descriptions.next()
    last = value
    if (value instanceof Error) throw value
    return { Table: value }
  })
  return { ...mocked, create: () => createSessionTable({ tableName: 'sessions', client: mocked.client }) }
}

/** What becomes of a promise, without a wait for the pauses that it takes. */
async function finished<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined)
  await vi.runAllTimersAsync()
  return promise
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllEnvs()
})

describe('createSessionTable', () => {
  it('creates the table, waits until it is there, and turns its time to live on', async () => {
    const missing = new ResourceNotFoundException(aws)
    const { create, takeSent } = serviceWith(missing, { TableStatus: 'CREATING' }, TABLE)
    await finished(create())
    const sent = takeSent()
    expect([sent.at(0), sent.at(-1)]).toEqual([CREATE, TIME_TO_LIVE])
    // As often as there are descriptions, or once more to look at the last one.
    const between = sent.slice(1, -1)
    expect(between).toEqual(between.map(() => DESCRIBE))
    expect(between.length).toBeGreaterThanOrEqual(3)
  })

  it('takes the name from the environment', async () => {
    const { client, answers, takeSent } = mockedClient()
    answers.on(DescribeTableCommand).resolves({ Table: TABLE })
    vi.stubEnv('STRANDS_SESSION_TABLE', 'from-the-environment')
    await finished(createSessionTable({ client }))
    const names = takeSent().map(([, input]) => Reflect.get(Object(input), 'TableName'))
    expect([...new Set(names)]).toEqual(['from-the-environment'])
  })

  it('leaves a session table that exists as it is', async () => {
    const { create, answers, takeSent } = serviceWith(TABLE)
    answers.on(CreateTableCommand).rejects(new ResourceInUseException(aws))
    await finished(create())
    expect(takeSent().filter(([name]) => name !== 'DescribeTableCommand')).toEqual([CREATE])
  })

  it('waits for a table that another process is creating', async () => {
    const { create, answers } = serviceWith({ TableStatus: 'CREATING' }, TABLE)
    answers.on(CreateTableCommand).rejects(new ResourceInUseException(aws))
    await finished(create())
    expect(answers.commandCalls(DescribeTableCommand).length).toBeGreaterThanOrEqual(2)
  })

  it('does not mind in which order the service names keys and attributes', async () => {
    const reversed = (keys: readonly { AttributeName: string; KeyType: 'HASH' | 'RANGE' }[]) =>
      keys.map(({ AttributeName, KeyType }) => ({ KeyType, AttributeName })).reverse()
    const { create, answers } = serviceWith({
      ...TABLE,
      AttributeDefinitions: [...(TABLE.AttributeDefinitions ?? [])].reverse(),
      KeySchema: reversed(KEYS),
      GlobalSecondaryIndexes: [
        { IndexName: 'another', KeySchema: [] },
        { IndexName: 'sessions-by-owner', KeySchema: reversed(INDEX_KEYS) },
      ],
    })
    answers.on(CreateTableCommand).rejects(new ResourceInUseException(aws))
    await expect(finished(create())).resolves.toBeUndefined()
  })

  const attributesWith = (name: string, AttributeType: 'N' | 'B') =>
    TABLE.AttributeDefinitions?.map((each) => (each.AttributeName === name ? { ...each, AttributeType } : each)) ?? []
  test.each<[string, Partial<TableDescription>]>([
    ['other keys', { KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }] }],
    ['no sort key', { KeySchema: [KEYS[0]] }],
    [
      'the keys the other way round',
      {
        KeySchema: [
          { ...KEYS[0], KeyType: 'RANGE' },
          { ...KEYS[1], KeyType: 'HASH' },
        ],
      },
    ],
    ['keys that are numbers', { AttributeDefinitions: attributesWith('sk', 'N') }],
    ['no index', { GlobalSecondaryIndexes: [] }],
    [
      'an index with other keys',
      { GlobalSecondaryIndexes: [{ IndexName: 'sessions-by-owner', KeySchema: [...KEYS] }] },
    ],
    ['an index of bytes', { AttributeDefinitions: attributesWith('ownerKey', 'B') }],
  ])('refuses a table that exists with %s', async (_, difference) => {
    const { create, answers, takeSent } = serviceWith({ ...TABLE, ...difference })
    answers.on(CreateTableCommand).rejects(new ResourceInUseException(aws))
    expect(await finished(rejectionOf(create()))).toMatchObject({
      name: 'TableSchemaError',
      tableName: 'sessions',
      message: expect.stringMatching(/^Table 'sessions' is not a session table: .*createSessionTable\(\)\.$/),
    })
    expect(takeSent().filter(([name]) => name !== 'DescribeTableCommand')).toEqual([CREATE])
  })

  it('gives AWS errors as ours, with the operation that met them', async () => {
    const facts = (operation: string) => ({ name: 'TableRequestError', operation, retryable: false, cause: denied })
    const one = serviceWith(TABLE)
    one.answers.on(CreateTableCommand).rejects(denied)
    expect(await finished(rejectionOf(one.create()))).toMatchObject(facts('CreateTable'))

    const other = serviceWith(TABLE)
    other.answers.on(UpdateTimeToLiveCommand).rejects(denied)
    expect(await finished(rejectionOf(other.create()))).toMatchObject(facts('UpdateTimeToLive'))
  })

  it('does not wait for a table that it may not see', async () => {
    const { create, takeSent } = serviceWith(denied)
    expect(await finished(rejectionOf(create()))).toMatchObject({
      name: 'TableRequestError',
      operation: 'DescribeTable',
      retryable: false,
      cause: denied,
    })
    expect(takeSent()).toEqual([CREATE, DESCRIBE])
  })

  test.each([
    ['tableName', ''],
    ['tableName', 'a b'],
    ['tableName', 7],
    ['client', {}],
    ['client', null],
    ['clientConfig', 'eu-west-1'],
  ])('refuses the %s %j before any request', async (field, value) => {
    const { client, takeSent } = mockedClient()
    const base = field === 'tableName' ? { client } : { tableName: 'sessions' }
    const options = { ...base, [field]: value } as TableOptions
    expect(await rejectionOf(createSessionTable(options))).toMatchObject({ name: 'InvalidOptionError', field, value })
    expect(takeSent()).toEqual([])
  })

  test.each([[null], [undefined]])('refuses %j for options', async (options) => {
    const untyped = options as unknown as TableOptions
    expect(await rejectionOf(createSessionTable(untyped))).toMatchObject({
      name: 'InvalidOptionError',
      field: 'options',
    })
  })
})
