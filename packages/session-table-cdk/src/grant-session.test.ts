import { App, Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Key } from 'aws-cdk-lib/aws-kms'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { BUCKET_ACTIONS, OBJECT_ACTIONS, TABLE_ACTIONS } from 'strands-session-dynamodb/schema'
import { type GrantSessionOptions, type ISessionTable, SessionTable } from 'strands-session-dynamodb-cdk'
import { describe, expect, it } from 'vitest'

const env = { account: '123456789012', region: 'eu-central-1' }

interface Statement {
  readonly Action: string | readonly string[]
  readonly Resource: unknown
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

/** What a role gets that is granted sessions. */
function granted(make: (stack: Stack) => ISessionTable, options?: GrantSessionOptions): readonly Statement[] {
  const stack = new Stack(new App(), 'TestStack', { env })
  const sessions = make(stack)
  const role = new Role(stack, 'Grantee', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
  sessions.grantSession(role, options).assertSuccess()
  const policies = Template.fromStack(stack).findResources('AWS::IAM::Policy')
  const [policy] = Object.entries(policies).filter(([id]) => id.startsWith('Grantee'))
  return policy?.[1].Properties.PolicyDocument.Statement
}

const existing = (stack: Stack): ISessionTable => SessionTable.fromTableName(stack, 'Sessions', 'sessions')
const TABLE_ARN = 'arn:<partition>:dynamodb:eu-central-1:123456789012:table/sessions'

/** A resource or a condition's value without its references, as it would be deployed. */
function flat(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_, each) => {
    if (each?.Ref === 'AWS::Partition') return '<partition>'
    return each?.['Fn::Join'] === undefined ? each : each['Fn::Join'][1].join('')
  })
}

describe('grantSession', () => {
  it('gives exactly the actions that the library calls, on the table and on its index', () => {
    expect(granted(existing).map(flat)).toEqual([
      { Effect: 'Allow', Action: TABLE_ACTIONS, Resource: TABLE_ARN },
      { Effect: 'Allow', Action: 'dynamodb:Query', Resource: `${TABLE_ARN}/index/sessions-by-owner` },
    ])
  })

  it('gives the same on a table that is made here', () => {
    const statements = granted((stack) => new SessionTable(stack, 'Sessions'))
    const tableArn = { 'Fn::GetAtt': [expect.stringMatching(/^SessionsTable/), 'Arn'] }

    expect(statements).toEqual([
      { Effect: 'Allow', Action: TABLE_ACTIONS, Resource: tableArn },
      {
        Effect: 'Allow',
        Action: 'dynamodb:Query',
        Resource: { 'Fn::Join': ['', [tableArn, '/index/sessions-by-owner']] },
      },
    ])
  })

  it('gives the same in the regions of replicas', () => {
    const make = (stack: Stack): ISessionTable =>
      new SessionTable(stack, 'Sessions', { tableName: 'sessions', replicas: [{ region: 'eu-west-1' }] })
    const resources = JSON.stringify(granted(make).map(({ Resource }) => Resource))

    expect(resources).toContain('dynamodb:eu-west-1:123456789012:table/')
  })

  it('keeps a grantee within one tenant, in the table, in the index and in the bucket', () => {
    const make = (stack: Stack): ISessionTable =>
      SessionTable.fromTableName(stack, 'Sessions', 'sessions', {
        offload: { bucket: Bucket.fromBucketName(stack, 'Bucket', 'values'), prefix: 'agents/' },
      })
    const Condition = {
      'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['tenant#acme#*'] },
      Null: { 'dynamodb:LeadingKeys': 'false' },
    }
    const names = 'agents/sessions/tenant%23acme%23*'

    expect(granted(make, { tenant: 'acme' }).map(flat)).toEqual([
      { Effect: 'Allow', Action: TABLE_ACTIONS, Resource: TABLE_ARN, Condition },
      { Effect: 'Allow', Action: 'dynamodb:Query', Resource: `${TABLE_ARN}/index/sessions-by-owner`, Condition },
      { Effect: 'Allow', Action: OBJECT_ACTIONS, Resource: `arn:<partition>:s3:::values/${names}` },
      {
        Effect: 'Allow',
        Action: BUCKET_ACTIONS[0],
        Resource: 'arn:<partition>:s3:::values',
        Condition: { StringLike: { 's3:prefix': names } },
      },
    ])
  })

  it('gives the objects of all sessions of the table, and no other table, without a tenant', () => {
    const make = (stack: Stack): ISessionTable =>
      SessionTable.fromTableName(stack, 'Sessions', 'sessions', {
        offload: { bucket: Bucket.fromBucketName(stack, 'Bucket', 'values') },
      })

    expect(granted(make).map(flat).slice(2)).toMatchObject([
      { Resource: 'arn:<partition>:s3:::values/sessions/*' },
      { Condition: { StringLike: { 's3:prefix': 'sessions/*' } } },
    ])
  })

  it.each([[''], ['a'.repeat(257)], ['a\nb'], ['\ud800'], [new Stack(new App(), 'S').account]])(
    'refuses %j as a tenant',
    (tenant) => {
      expect(() => granted(existing, { tenant })).toThrow(/^tenant: expected a literal text/)
    },
  )

  it('adds the use of the keys of the table, of its replicas and of the bucket', () => {
    const make = (stack: Stack): ISessionTable => {
      const bucket = new Bucket(stack, 'Bucket', { encryptionKey: new Key(stack, 'BucketKey') })
      return new SessionTable(stack, 'Sessions', {
        encryptionKey: new Key(stack, 'TableKey'),
        replicas: [{ region: 'eu-west-1', encryptionKeyArn: 'arn:aws:kms:eu-west-1:123456789012:key/replica' }],
        offload: { bucket },
      })
    }
    const keyActions = ['kms:Decrypt', 'kms:Encrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*']
    const keys = granted(make).filter(({ Action }) => JSON.stringify(Action) === JSON.stringify(keyActions))

    expect(JSON.stringify(keys.map(({ Resource }) => Resource))).toMatch(/TableKey.*key\/replica.*BucketKey/)
  })

  it('adds the use of a key once that encrypts the table and the bucket', () => {
    const make = (stack: Stack): ISessionTable =>
      new SessionTable(stack, 'Sessions', { encryptionKey: new Key(stack, 'TableKey'), offload: true })

    expect(JSON.stringify(granted(make)).match(/kms:Decrypt/g)).toHaveLength(1)
  })
})

describe('environment', () => {
  it('names the table to the library', () => {
    const stack = new Stack(new App(), 'TestStack')
    const made = new SessionTable(stack, 'Made')

    expect(existing(stack).environment).toEqual({ STRANDS_SESSION_TABLE: 'sessions' })
    expect(stack.resolve(made.environment)).toEqual({
      STRANDS_SESSION_TABLE: { Ref: expect.stringMatching(/^MadeTable/) },
    })
  })
})
