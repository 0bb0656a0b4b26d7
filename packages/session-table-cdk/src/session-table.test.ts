import { App, Stack } from 'aws-cdk-lib'
import { Match, Template } from 'aws-cdk-lib/assertions'
import { StreamViewType } from 'aws-cdk-lib/aws-dynamodb'
import { AccountPrincipal, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { Key } from 'aws-cdk-lib/aws-kms'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { TABLE_SCHEMA } from 'strands-session-dynamodb/schema'
import { SessionTable, type SessionTableProps } from 'strands-session-dynamodb-cdk'
import { describe, expect, it } from 'vitest'

const GLOBAL_TABLE = 'AWS::DynamoDB::GlobalTable'
const FUNCTION = 'AWS::Lambda::Function'
const env = { account: '123456789012', region: 'eu-central-1' }

function synthesise(props: SessionTableProps | ((stack: Stack) => SessionTableProps) = {}): Template {
  const stack = new Stack(new App(), 'TestStack', { env })
  new SessionTable(stack, 'Sessions', typeof props === 'function' ? props(stack) : props)
  return Template.fromStack(stack)
}

describe('SessionTable', () => {
  it('has the keys, the index and the time to live of the library schema, and no other', () => {
    synthesise().hasResourceProperties(GLOBAL_TABLE, {
      KeySchema: [
        { AttributeName: TABLE_SCHEMA.partitionKey, KeyType: 'HASH' },
        { AttributeName: TABLE_SCHEMA.sortKey, KeyType: 'RANGE' },
      ],
      AttributeDefinitions: [
        { AttributeName: TABLE_SCHEMA.partitionKey, AttributeType: 'S' },
        { AttributeName: TABLE_SCHEMA.sortKey, AttributeType: 'S' },
        { AttributeName: TABLE_SCHEMA.ownerIndex.partitionKey, AttributeType: 'S' },
        { AttributeName: TABLE_SCHEMA.ownerIndex.sortKey, AttributeType: 'S' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: TABLE_SCHEMA.ownerIndex.name,
          KeySchema: [
            { AttributeName: TABLE_SCHEMA.ownerIndex.partitionKey, KeyType: 'HASH' },
            { AttributeName: TABLE_SCHEMA.ownerIndex.sortKey, KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
      TimeToLiveSpecification: { AttributeName: TABLE_SCHEMA.timeToLiveAttribute, Enabled: true },
      BillingMode: 'PAY_PER_REQUEST',
    })
  })

  it('keeps conversations by default: recovery, deletion protection, and it outlives its stack', () => {
    const template = synthesise()

    template.hasResource(GLOBAL_TABLE, { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' })
    template.hasResourceProperties(GLOBAL_TABLE, {
      Replicas: [
        {
          DeletionProtectionEnabled: true,
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true, RecoveryPeriodInDays: 35 },
          ContributorInsightsSpecification: { Enabled: true, Mode: 'THROTTLED_KEYS' },
        },
      ],
      StreamSpecification: Match.absent(),
    })
    expect(template.findResources('AWS::S3::Bucket')).toEqual({})
    expect(template.findResources(FUNCTION)).toEqual({})
  })

  it('takes a name, limits, warm throughput, a stream, a resource policy and days of recovery', () => {
    const resourcePolicy = new PolicyDocument({
      statements: [
        new PolicyStatement({
          actions: ['dynamodb:GetItem'],
          principals: [new AccountPrincipal('210987654321')],
          resources: ['*'],
        }),
      ],
    })
    synthesise({
      tableName: 'my-sessions',
      maxReadUnits: 500,
      maxWriteUnits: 200,
      warmThroughput: { readUnitsPerSecond: 20_000, writeUnitsPerSecond: 8_000 },
      stream: StreamViewType.NEW_IMAGE,
      resourcePolicy,
      recoveryDays: 7,
      contributorInsights: false,
    }).hasResourceProperties(GLOBAL_TABLE, {
      TableName: 'my-sessions',
      ReadOnDemandThroughputSettings: Match.absent(),
      WriteOnDemandThroughputSettings: { MaxWriteRequestUnits: 200 },
      WarmThroughput: { ReadUnitsPerSecond: 20_000, WriteUnitsPerSecond: 8_000 },
      StreamSpecification: { StreamViewType: 'NEW_IMAGE' },
      Replicas: [
        {
          ReadOnDemandThroughputSettings: { MaxReadRequestUnits: 500 },
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true, RecoveryPeriodInDays: 7 },
          ContributorInsightsSpecification: { Enabled: false },
          ResourcePolicy: { PolicyDocument: { Statement: [Match.objectLike({ Action: 'dynamodb:GetItem' })] } },
        },
      ],
    })
  })

  it('is encrypted with a key of the owner in each of its regions', () => {
    const keyArn = 'arn:aws:kms:eu-west-1:123456789012:key/abc'
    const template = synthesise((stack) => ({
      encryptionKey: new Key(stack, 'Key'),
      replicas: [{ region: 'eu-west-1', encryptionKeyArn: keyArn }],
    }))

    template.hasResourceProperties(GLOBAL_TABLE, {
      SSESpecification: { SSEEnabled: true, SSEType: 'KMS' },
      StreamSpecification: { StreamViewType: 'NEW_AND_OLD_IMAGES' },
      Replicas: Match.arrayWith([
        Match.objectLike({
          Region: 'eu-west-1',
          DeletionProtectionEnabled: true,
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true, RecoveryPeriodInDays: 35 },
          SSESpecification: { KMSMasterKeyId: keyArn },
        }),
        Match.objectLike({ Region: env.region, SSESpecification: { KMSMasterKeyId: Match.anyValue() } }),
      ]),
    })
  })
})

describe('offload', () => {
  it('is a bucket that is private, encrypted, TLS only, not versioned, and outlives its stack', () => {
    const template = synthesise({ offload: true })

    template.hasResource('AWS::S3::Bucket', {
      DeletionPolicy: 'Retain',
      Properties: {
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
        },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
        VersioningConfiguration: Match.absent(),
        LifecycleConfiguration: {
          Rules: [{ Id: 'uploads', Status: 'Enabled', AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } }],
        },
      },
    })
    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        ]),
      },
    })
  })

  it('keeps deleted objects only when asked, and is encrypted with the key of the table', () => {
    const template = synthesise((stack) => ({
      encryptionKey: new Key(stack, 'Key'),
      offload: { recoverableDays: 3 },
    }))

    template.hasResourceProperties('AWS::S3::Bucket', {
      VersioningConfiguration: { Status: 'Enabled' },
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [
          { BucketKeyEnabled: true, ServerSideEncryptionByDefault: Match.objectLike({ SSEAlgorithm: 'aws:kms' }) },
        ],
      },
      LifecycleConfiguration: {
        Rules: Match.arrayWith([
          Match.objectLike({
            NoncurrentVersionExpiration: { NoncurrentDays: 3 },
            ExpiredObjectDeleteMarker: true,
          }),
        ]),
      },
    })
  })

  it('uses a bucket of the owner as it is', () => {
    const template = synthesise((stack) => ({
      ephemeral: true,
      offload: { bucket: Bucket.fromBucketName(stack, 'Mine', 'my-bucket'), prefix: 'sessions/' },
    }))

    expect(template.findResources('AWS::S3::Bucket')).toEqual({})
    expect(template.findResources('Custom::S3AutoDeleteObjects')).toEqual({})
    template.hasResourceProperties(FUNCTION, {
      Environment: { Variables: { BUCKET: 'my-bucket', PREFIX: 'sessions/' } },
    })
  })

  it('reclaims the objects of sessions that DynamoDB expires, with bounded retries and a queue for what fails', () => {
    const template = synthesise({ offload: true })

    template.hasResourceProperties(GLOBAL_TABLE, { StreamSpecification: { StreamViewType: 'KEYS_ONLY' } })
    template.hasResourceProperties(FUNCTION, { Runtime: 'nodejs24.x', Architectures: ['arm64'], Timeout: 300 })
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      BisectBatchOnFunctionError: true,
      MaximumRetryAttempts: 10,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      DestinationConfig: { OnFailure: { Destination: Match.anyValue() } },
    })
    expect(filterOf(template)).toEqual({
      eventName: ['REMOVE'],
      userIdentity: { type: ['Service'], principalId: ['dynamodb.amazonaws.com'] },
      dynamodb: { Keys: { sk: { S: ['session'] } } },
    })
    expect(statementsOf(template)).toMatchObject([
      { Action: ['logs:CreateLogStream', 'logs:PutLogEvents'] },
      { Action: 's3:DeleteObject' },
      { Action: 's3:ListBucket' },
      { Action: ['sqs:SendMessage', 'sqs:GetQueueAttributes', 'sqs:GetQueueUrl'] },
      { Action: 'dynamodb:ListStreams' },
      { Action: ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator'] },
    ])
  })

  it('lets the function read the stream of a table with a key of its own', () => {
    const template = synthesise((stack) => ({ encryptionKey: new Key(stack, 'Key'), offload: true }))

    expect(statementsOf(template)).toContainEqual(
      expect.objectContaining({ Action: ['kms:Decrypt', 'kms:DescribeKey'] }),
    )
  })

  it('with replicas sees what was expired in another region, which arrives as an ordinary removal', () => {
    const template = synthesise({ offload: true, replicas: [{ region: 'eu-west-1' }] })

    expect(filterOf(template)).toEqual({
      eventName: ['REMOVE'],
      dynamodb: { Keys: { sk: { S: ['session'] } } },
    })
  })
})

describe('an ephemeral table', () => {
  it('leaves nothing behind: no protection, no backup, no objects, no logs', () => {
    const template = synthesise({ ephemeral: true, offload: true })

    template.hasResourceProperties(GLOBAL_TABLE, {
      Replicas: [
        {
          DeletionProtectionEnabled: false,
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: false },
        },
      ],
    })
    template.resourceCountIs('Custom::S3AutoDeleteObjects', 1)
    for (const [id, resource] of Object.entries(template.toJSON().Resources as Record<string, CfnElement>)) {
      expect(resource.DeletionPolicy ?? 'Delete', id).toBe('Delete')
      // A function without a log group of the stack makes one that outlives it.
      if (resource.Type === FUNCTION) expect(resource.Properties?.LoggingConfig?.LogGroup, id).toBeDefined()
    }
  })

  it('keeps what is not ephemeral, by the same measure', () => {
    const { Resources } = synthesise({ offload: true }).toJSON()
    const kept = Object.values(Resources as Record<string, CfnElement>).filter(
      (each) => each.DeletionPolicy === 'Retain',
    )

    expect(kept.map(({ Type }) => Type)).toEqual([GLOBAL_TABLE, 'AWS::S3::Bucket'])
  })
})

interface CfnElement {
  readonly Type: string
  readonly DeletionPolicy?: string
  readonly Properties?: { readonly LoggingConfig?: { readonly LogGroup?: unknown } }
}

/** What the only event source lets through. */
function filterOf(template: Template): unknown {
  const [source] = Object.values(template.findResources('AWS::Lambda::EventSourceMapping'))
  return JSON.parse(source?.Properties.FilterCriteria.Filters[0].Pattern)
}

/** What the only role with a policy may do. */
function statementsOf(template: Template): readonly unknown[] {
  const [policy] = Object.values(template.findResources('AWS::IAM::Policy'))
  return policy?.Properties.PolicyDocument.Statement
}
