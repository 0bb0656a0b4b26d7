import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { describe, expect, it, test } from 'vitest'
import { errorOf } from '../test/support/mocked-client.ts'
import { type ClientOptions, documentClientOf } from './client.ts'

const region = 'eu-west-1'

describe('documentClientOf', () => {
  it("is the caller's document client", () => {
    const client = DynamoDBDocumentClient.from(new DynamoDBClient({ region }))
    expect(documentClientOf({ client })).toBe(client)
  })

  it("wraps the caller's client, and shares its connections", () => {
    const client = new DynamoDBClient({ region })
    const wrapped = documentClientOf({ client })
    expect(wrapped).toBeInstanceOf(DynamoDBDocumentClient)
    expect(wrapped.config.requestHandler).toBe(client.config.requestHandler)
  })

  it('takes a document client of another copy of the AWS SDK as it is', () => {
    const foreign = { send: async () => ({}), config: { translateConfig: {} } } as unknown as DynamoDBDocumentClient
    expect(documentClientOf({ client: foreign })).toBe(foreign)
  })

  it('makes a client of its own from a configuration', async () => {
    const clientConfig = { region, endpoint: 'http://localhost:8000', maxAttempts: 7 }
    const [one, other] = [documentClientOf({ clientConfig }), documentClientOf({ clientConfig })]
    expect(one).not.toBe(other)
    expect([await one.config.region(), await one.config.maxAttempts()]).toEqual([region, 7])
    expect(await one.config.endpoint?.()).toMatchObject({ hostname: 'localhost', port: 8000 })
  })

  it('makes one client for all that say nothing', () => {
    const shared = documentClientOf({})
    expect(documentClientOf({ client: undefined, clientConfig: undefined })).toBe(shared)
    expect(shared).toBeInstanceOf(DynamoDBDocumentClient)
  })

  it('refuses a client and a configuration at once', () => {
    const client = new DynamoDBClient({ region })
    expect(errorOf(() => documentClientOf({ client, clientConfig: { region } }))).toMatchObject({
      name: 'InvalidOptionError',
      field: 'client',
      value: client,
      message: "client: expected either 'client' or 'clientConfig', not both, got an object (DynamoDBClient)",
    })
  })

  test.each([[null], ['client'], [7], [{}], [[]], [() => ({})], [{ send: () => undefined }], [{ config: {} }]])(
    'refuses %j for a client',
    (client) => {
      expect(errorOf(() => documentClientOf({ client } as unknown as ClientOptions))).toMatchObject({
        name: 'InvalidOptionError',
        field: 'client',
        value: client,
      })
    },
  )

  test.each([[null], ['eu-west-1'], [7], [true], [() => ({})]])('refuses %j for a configuration', (clientConfig) => {
    expect(errorOf(() => documentClientOf({ clientConfig } as unknown as ClientOptions))).toMatchObject({
      name: 'InvalidOptionError',
      field: 'clientConfig',
      value: clientConfig,
    })
  })
})
