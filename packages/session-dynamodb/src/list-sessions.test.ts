import { QueryCommand } from '@aws-sdk/lib-dynamodb'
import { afterEach, describe, expect, it, test, vi } from 'vitest'
import { mockedClient, rejectionOf } from '../test/support/mocked-client.ts'
import { type ListSessionsOptions, listSessions } from './list-sessions.ts'
import type { CapacityUsage } from './requests.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('listSessions', () => {
  it('lists the sessions of an owner and a tenant, and reports what it used', async () => {
    const { client, answers, takeSent } = mockedClient()
    const usages: CapacityUsage[] = []
    const session = { sessionId: 's', owner: 'me', title: 'Hello', createdAt: 'a', updatedAt: 'b' }
    answers.on(QueryCommand).resolves({
      Items: [{ pk: 'tenant#t#session#s', sk: 'session', v: 1, ownerKey: 'tenant#t#owner#me', ...session }],
      ConsumedCapacity: { CapacityUnits: 0.5 },
    })
    vi.stubEnv('STRANDS_SESSION_TABLE', 'from-the-environment')
    const page = await listSessions({
      ...{ owner: 'me', tenantId: 't', client, limit: 7 },
      onCapacity: (usage) => usages.push(usage),
    })
    expect(page).toEqual({ sessions: [session] })
    expect(takeSent()).toEqual([
      [
        'QueryCommand',
        {
          TableName: 'from-the-environment',
          IndexName: 'sessions-by-owner',
          KeyConditionExpression: '#pk = :pk',
          ExpressionAttributeNames: { '#pk': 'ownerKey' },
          ExpressionAttributeValues: { ':pk': 'tenant#t#owner#me' },
          ConsistentRead: false,
          ScanIndexForward: false,
          Limit: 7,
          ReturnConsumedCapacity: 'TOTAL',
        },
      ],
    ])
    expect(usages).toEqual([{ operation: 'Query', readUnits: 0.5, writeUnits: 0, attempts: 1 }])
  })

  it('says when the table has no such index', async () => {
    const { client, answers } = mockedClient()
    const cause = Object.assign(new Error('The table does not have the specified index: sessions-by-owner'), {
      name: 'ValidationException',
    })
    answers.on(QueryCommand).rejects(cause)
    expect(await rejectionOf(listSessions({ owner: 'me', tableName: 'sessions', client }))).toMatchObject({
      name: 'TableSchemaError',
      tableName: 'sessions',
      cause,
    })
  })

  test.each([
    ['owner', undefined],
    ['owner', ''],
    ['owner', 7],
    ['tenantId', ''],
    ['tenantId', null],
    ['limit', 0],
    ['limit', '5'],
    ['limit', null],
    ['cursor', 'nonsense'],
    ['cursor', 7],
    ['cursor', null],
    ['tableName', ''],
    ['tableName', 7],
    ['onCapacity', 'yes'],
    ['clientConfig', {}],
  ])('refuses the %s %j before any request', async (field, value) => {
    const { client, takeSent } = mockedClient()
    const options = { owner: 'me', tableName: 'sessions', client, [field]: value } as ListSessionsOptions
    expect(await rejectionOf(listSessions(options))).toMatchObject({
      name: 'InvalidOptionError',
      // Both client and clientConfig: either could be meant.
      ...(field === 'clientConfig' ? { field: 'client' } : { field, value }),
    })
    expect(takeSent()).toEqual([])
  })

  test.each([[null], [undefined], ['owner']])('refuses %j for options', async (options) => {
    const untyped = options as unknown as ListSessionsOptions
    expect(await rejectionOf(listSessions(untyped))).toMatchObject({
      name: 'InvalidOptionError',
      field: 'options',
      value: options,
    })
  })
})
