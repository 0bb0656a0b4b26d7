import { ConditionalCheckFailedException, TransactionCanceledException } from '@aws-sdk/client-dynamodb'
import { BatchWriteCommand, GetCommand, QueryCommand, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import { describe, expect, it, test } from 'vitest'
import { pk, START, sessionUpdate, TableName } from '../test/support/log-items.ts'
import { mockedClient, rejectionOf } from '../test/support/mocked-client.ts'
import { Lifetime } from './lifetime.ts'
import { SessionDirectory, type SessionDirectoryOptions } from './session-directory.ts'
import { SessionTable } from './table.ts'

const aws = { message: 'because', $metadata: {} }
const NOW = '2026-01-01T00:00:00.000Z'
const SESSION = { pk, sk: 'session' }
const asValues = (...values: readonly unknown[]) => values.map((value) => ({ value }))

const lifetime = (ttlSeconds?: number) => new Lifetime(ttlSeconds, () => START)

function directoryFor(options: Partial<SessionDirectoryOptions> = {}) {
  const mocked = mockedClient()
  const pauses: number[] = []
  const table = new SessionTable({
    ...{ client: mocked.client, tableName: TableName, consistentRead: false },
    pause: async (milliseconds) => pauses.push(milliseconds),
  })
  return { ...mocked, directory: new SessionDirectory({ table, now: () => START, ...options }) }
}

describe('a session', () => {
  it('is created with one UpdateItem', async () => {
    const { directory, takeSent } = directoryFor()
    await directory.create('s', lifetime())
    expect(takeSent()).toEqual([['UpdateCommand', sessionUpdate()]])
  })

  it('is refreshed with its owner and its title', async () => {
    const { directory, takeSent } = directoryFor({ tenantId: 't', owner: 'me@b', title: 'Hello' })
    await directory.refresh('s', lifetime(), 'go on')
    expect(takeSent()).toEqual([
      [
        'UpdateCommand',
        {
          TableName,
          Key: { pk: 'tenant#t#session#s', sk: 'session' },
          UpdateExpression:
            'SET createdAt = if_not_exists(createdAt, :createdAt), #v = :v, #sessionId = :sessionId, ' +
            '#updatedAt = :updatedAt, #owner = :owner, #ownerKey = :ownerKey, #title = :title',
          ConditionExpression:
            'attribute_exists(pk) AND attribute_not_exists(deletedAt) AND attribute_not_exists(#ttl)',
          ExpressionAttributeNames: {
            ...{ '#ttl': 'ttl', '#v': 'v', '#sessionId': 'sessionId', '#updatedAt': 'updatedAt' },
            ...{ '#owner': 'owner', '#ownerKey': 'ownerKey', '#title': 'title' },
          },
          ExpressionAttributeValues: {
            ...{ ':createdAt': NOW, ':v': 1, ':sessionId': 's', ':updatedAt': NOW },
            ...{ ':owner': 'me@b', ':ownerKey': 'tenant#t#owner#me%40b', ':title': 'Hello' },
          },
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        },
      ],
    ])
  })

  it('that exists no more cannot be refreshed: somebody has deleted it', async () => {
    const { directory, answers } = directoryFor()
    answers.on(UpdateCommand).rejects(new ConditionalCheckFailedException(aws))
    expect(await rejectionOf(directory.refresh('s', lifetime(), 'go on'))).toMatchObject({
      ...{ name: 'SessionConflictError', sessionId: 's', key: 'session' },
      ...{ expected: 'a session in use', actual: 'nothing: it was deleted' },
    })
  })

  it('that does not exist is not begun by one who only joins it', async () => {
    const { directory, answers } = directoryFor()
    answers.on(UpdateCommand).rejects(new ConditionalCheckFailedException(aws))
    expect(await rejectionOf(directory.refresh('s', lifetime(), 'join'))).toMatchObject({
      name: 'SessionNotFoundError',
      sessionId: 's',
      message: "Session 's' does not exist. Create it with createSession(), or leave autoCreate on.",
    })
  })

  it('whose item is that of another session is an error that names it', async () => {
    const { directory, answers } = directoryFor()
    const facts = { sessionId: 'another', createdAt: NOW, updatedAt: NOW }
    answers.on(GetCommand).resolves({ Item: { ...SESSION, v: 1, ...facts } })
    const error = { name: 'SessionCorruptedError', key: SESSION }
    expect(await rejectionOf(directory.find('s'))).toMatchObject(error)
    answers.on(QueryCommand).resolves({ Items: [{ ...SESSION, v: 1, ...facts }] })
    expect(await rejectionOf(directory.list('me'))).toMatchObject(error)
  })

  it('that is being deleted can be neither created nor refreshed', async () => {
    const { directory, answers } = directoryFor()
    answers.on(UpdateCommand).rejects(new ConditionalCheckFailedException({ ...aws, Item: { deletedAt: { S: NOW } } }))
    const conflict = { name: 'SessionConflictError', sessionId: 's', expected: 'a session in use' }
    expect(await rejectionOf(directory.create('s', lifetime()))).toMatchObject(conflict)
    expect(await rejectionOf(directory.refresh('s', lifetime(), 'go on'))).toMatchObject(conflict)
  })

  it('is found by its id', async () => {
    const { directory, answers, takeSent } = directoryFor()
    const facts = { sessionId: 's', createdAt: NOW, updatedAt: 'later' }
    answers
      .on(GetCommand)
      .resolvesOnce({ Item: { ...SESSION, v: 1, ...facts } })
      .resolvesOnce({ Item: { ...SESSION, v: 1, ...facts, owner: 'me', ownerKey: 'owner#me', title: 'Hello' } })
      .resolvesOnce({ Item: { ...SESSION, v: 1, ...facts, deletedAt: NOW } })
      .resolvesOnce({})
    expect([
      await directory.find('s'),
      await directory.find('s'),
      await directory.find('s'),
      await directory.find('s'),
    ]).toEqual([facts, { ...facts, owner: 'me', title: 'Hello' }, undefined, undefined])
    expect(takeSent().at(0)).toEqual(['GetCommand', { TableName, Key: SESSION, ConsistentRead: false }])
  })

  const whole = { ...SESSION, v: 1, sessionId: 's', createdAt: NOW, updatedAt: NOW }
  test.each([
    ['sessionId', undefined],
    ['createdAt', 7],
    ['updatedAt', null],
    ['v', '1'],
  ])('whose item has a damaged %s is an error that names it', async (name, value) => {
    const { directory, answers } = directoryFor()
    answers.on(GetCommand).resolves({ Item: { ...whole, [name]: value } })
    expect(await rejectionOf(directory.find('s'))).toMatchObject({ name: 'SessionCorruptedError', key: SESSION })
  })

  it('that a newer release has written is an error that says so', async () => {
    const { directory, answers } = directoryFor()
    answers.on(GetCommand).resolves({ Item: { ...whole, v: 2 } })
    expect(await rejectionOf(directory.find('s'))).toMatchObject({ name: 'NewerFormatError', key: SESSION, version: 2 })
  })

  test.each(asValues('', 'A', 'a#AGENT#b', '..', 'x'.repeat(257), undefined, null))(
    'with the id $value is refused before any request',
    async ({ value: id }) => {
      const { directory, takeSent } = directoryFor()
      const untyped = id as string
      const facts = { name: 'InvalidOptionError', field: 'sessionId', value: id }
      expect(await rejectionOf(directory.create(untyped, lifetime()))).toMatchObject(facts)
      expect(await rejectionOf(directory.refresh(untyped, lifetime(), 'go on'))).toMatchObject(facts)
      expect(await rejectionOf(directory.find(untyped))).toMatchObject(facts)
      expect(await rejectionOf(directory.delete(untyped))).toMatchObject(facts)
      expect(takeSent()).toEqual([])
    },
  )
})

describe('a deletion', () => {
  const keyOf = (sk: string) => ({ pk, sk })
  const rows = Array.from({ length: 30 }, (_, index) => keyOf(`agent#a#msg#${String(index + 1).padStart(10, '0')}`))
  const hidden = [...rows, keyOf('agent#a#msg#state'), keyOf('agent#a#snapstate#digest'), keyOf('agent#a#manifest')]
  const [ROW, HEAD] = [keyOf('agent#a#msg#0000000001'), keyOf('agent#a#msg#head')]
  const entryPoints = [HEAD, keyOf('multiagent#g#msg#head'), keyOf('agent#a#snapshot#v1')]
  const keysQuery = [
    'QueryCommand',
    {
      TableName,
      KeyConditionExpression: '#pk = :pk AND #sk BETWEEN :first AND :last',
      ProjectionExpression: '#pk, #sk, #expiresAt, #object',
      ExpressionAttributeNames: { '#pk': 'pk', '#sk': 'sk', '#expiresAt': 'expiresAt', '#object': 'object' },
      ExpressionAttributeValues: { ':pk': pk, ':first': '!', ':last': '~' },
      ConsistentRead: true,
      ScanIndexForward: true,
    },
  ]
  const deletionOf = (keys: readonly object[]) => [
    'BatchWriteCommand',
    { RequestItems: { [TableName]: keys.map((Key) => ({ DeleteRequest: { Key } })) } },
  ]
  const hiding = (keys: readonly object[]) => [
    'TransactWriteCommand',
    {
      TransactItems: [
        {
          Update: {
            TableName,
            Key: SESSION,
            UpdateExpression: 'SET deletedAt = :now REMOVE ownerKey',
            ConditionExpression: 'attribute_exists(pk)',
            ExpressionAttributeValues: { ':now': NOW },
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          },
        },
        ...keys.map((Key) => ({ Delete: { TableName, Key } })),
      ],
    },
  ]

  it('marks the session and deletes what makes it readable at once, then the rest, and the session itself last', async () => {
    const { directory, answers, takeSent } = directoryFor()
    answers
      .on(QueryCommand)
      .resolvesOnce({ Items: [...rows, ...entryPoints], LastEvaluatedKey: SESSION })
      .resolves({ Items: [...hidden.slice(rows.length), SESSION] })
    const progress: number[] = []
    await directory.delete('s', ({ deleted }) => progress.push(deleted))
    const [, query] = keysQuery
    expect(takeSent()).toEqual([
      keysQuery,
      ['QueryCommand', { ...Object(query), ExclusiveStartKey: SESSION }],
      hiding(entryPoints),
      deletionOf(hidden.slice(0, 25)),
      deletionOf(hidden.slice(25)),
      deletionOf([SESSION]),
    ])
    expect(progress).toEqual([3, 28, 36, 37])
  })

  it('of nothing deletes nothing', async () => {
    const { directory, takeSent } = directoryFor()
    await directory.delete('s', () => {
      throw new Error('There is no progress to report')
    })
    expect(takeSent()).toEqual([keysQuery])
  })

  it('of what a late writer has left needs no session', async () => {
    const { directory, answers, takeSent } = directoryFor()
    answers.on(QueryCommand).resolves({ Items: [ROW, HEAD] })
    await directory.delete('s')
    expect(takeSent()).toEqual([keysQuery, deletionOf([HEAD]), deletionOf([ROW])])
  })

  it('of more agents than a transaction takes goes on in further ones', async () => {
    const many = Array.from({ length: 120 }, (_, index) => keyOf(`agent#a${index}#msg#head`))
    const { directory, answers, takeSent } = directoryFor()
    answers.on(QueryCommand).resolves({ Items: [...many, SESSION] })
    await directory.delete('s')
    expect(takeSent()).toEqual([keysQuery, hiding(many.slice(0, 99)), hiding(many.slice(99)), deletionOf([SESSION])])
  })

  it('goes on when another deletion was faster', async () => {
    const { directory, answers, takeSent } = directoryFor()
    const CancellationReasons = [{ Code: 'ConditionalCheckFailed' }, { Code: 'None' }]
    answers.on(QueryCommand).resolves({ Items: [...entryPoints, SESSION] })
    answers.on(TransactWriteCommand).rejects(new TransactionCanceledException({ ...aws, CancellationReasons }))
    await directory.delete('s')
    expect(takeSent()).toEqual([keysQuery, hiding(entryPoints), deletionOf(entryPoints), deletionOf([SESSION])])
  })

  it('leaves the session when it fails half-way, so that it can be completed', async () => {
    const { directory, answers, takeSent } = directoryFor()
    answers.on(QueryCommand).resolves({ Items: [...rows, SESSION] })
    answers.on(BatchWriteCommand).rejects(Object.assign(new Error('no'), { name: 'ThrottlingException' }))
    expect(await rejectionOf(directory.delete('s'))).toMatchObject({
      name: 'TableRequestError',
      operation: 'BatchWriteItem',
      retryable: true,
    })
    const deleted = JSON.stringify(takeSent().filter(([name]) => name === 'BatchWriteCommand'))
    expect(deleted).toContain('agent#a#msg#0000000001')
    expect(deleted).not.toContain('"session"')
  })
})

describe('a list', () => {
  const sessionOf = (sessionId: string, updatedAt: string) => ({
    ...{ pk: `session#${sessionId}`, sk: 'session', v: 1, ownerKey: 'owner#me', owner: 'me' },
    ...{ sessionId, createdAt: NOW, updatedAt },
  })
  const infoOf = (sessionId: string, updatedAt: string) => ({ sessionId, owner: 'me', createdAt: NOW, updatedAt })
  const listQuery = (more: object = {}) => [
    'QueryCommand',
    {
      TableName,
      IndexName: 'sessions-by-owner',
      KeyConditionExpression: '#pk = :pk',
      ExpressionAttributeNames: { '#pk': 'ownerKey' },
      ExpressionAttributeValues: { ':pk': 'owner#me' },
      ConsistentRead: false,
      ScanIndexForward: false,
      Limit: 20,
      ...more,
    },
  ]
  const cursor = Buffer.from(`${NOW} one`).toString('base64url')

  it('is one request', async () => {
    const { directory, answers, takeSent } = directoryFor()
    answers.on(QueryCommand).resolves({ Items: [sessionOf('two', 'b'), sessionOf('one', 'a')] })
    expect(await directory.list('me')).toEqual({ sessions: [infoOf('two', 'b'), infoOf('one', 'a')] })
    expect(takeSent()).toEqual([listQuery()])
  })

  it('that goes on gives a cursor, and starts from one', async () => {
    const { directory, answers, takeSent } = directoryFor()
    answers
      .on(QueryCommand)
      .resolvesOnce({ Items: [sessionOf('one', NOW)], LastEvaluatedKey: SESSION })
      .resolves({})
    expect(await directory.list('me', 1)).toEqual({ sessions: [infoOf('one', NOW)], cursor })
    expect(await directory.list('me', 1, cursor)).toEqual({ sessions: [] })
    const ExclusiveStartKey = { pk: 'session#one', sk: 'session', ownerKey: 'owner#me', updatedAt: NOW }
    expect(takeSent()).toEqual([listQuery({ Limit: 1 }), listQuery({ Limit: 1, ExclusiveStartKey })])
  })

  it('of a tenant starts at a key of the tenant', async () => {
    const { directory, takeSent } = directoryFor({ tenantId: 't' })
    await directory.list('me', 20, cursor)
    expect(takeSent()).toMatchObject([
      [
        'QueryCommand',
        {
          ExpressionAttributeValues: { ':pk': 'tenant#t#owner#me' },
          ExclusiveStartKey: { pk: 'tenant#t#session#one', ownerKey: 'tenant#t#owner#me' },
        },
      ],
    ])
  })

  test.each([[0], [-1], [1.5], [1001], [Number.NaN], [Number.POSITIVE_INFINITY], ['5'], [null]])(
    'refuses the limit %j before any request',
    async (limit) => {
      const { directory, takeSent } = directoryFor()
      expect(await rejectionOf(directory.list('me', limit as number))).toMatchObject({
        name: 'InvalidOptionError',
        field: 'limit',
        value: limit,
      })
      expect(takeSent()).toEqual([])
    },
  )

  const encoded = (text: string): string => Buffer.from(text).toString('base64url')
  test.each([
    [''],
    ['no cursor'],
    [encoded('')],
    [encoded(' one')],
    [encoded('x one')],
    [encoded(`${NOW} `)],
    [encoded(`${NOW}`)],
    [encoded(`${NOW} a#AGENT#b`)],
    [encoded(`${NOW} ..`)],
    [encoded(`${NOW} ${'x'.repeat(257)}`)],
    [encoded(`${NOW} one two`)],
    [encoded(`${NOW} one\n`)],
  ])('refuses the cursor %j before any request', async (wrong) => {
    const { directory, takeSent } = directoryFor()
    expect(await rejectionOf(directory.list('me', 20, wrong))).toMatchObject({
      name: 'InvalidOptionError',
      field: 'cursor',
      value: wrong,
    })
    expect(takeSent()).toEqual([])
  })

  test.each(asValues('', undefined, null, 'x'.repeat(257), 'a\u0000'))(
    'refuses the owner $value before any request',
    async ({ value: owner }) => {
      const { directory, takeSent } = directoryFor()
      expect(await rejectionOf(directory.list(owner as string))).toMatchObject({
        name: 'InvalidOptionError',
        field: 'owner',
        value: owner,
      })
      expect(takeSent()).toEqual([])
    },
  )
})
