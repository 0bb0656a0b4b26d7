import { App } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { TABLE_SCHEMA } from 'strands-session-dynamodb/schema'
import { describe, expect, it } from 'vitest'
import type { SessionTableProps } from '../lib/session-table.ts'
import { SessionStack } from '../lib/stack.ts'

const GLOBAL_TABLE = 'AWS::DynamoDB::GlobalTable'

function synthesise(props: SessionTableProps = {}): Template {
  return Template.fromStack(new SessionStack(new App(), 'TestStack', props))
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
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        },
      ],
    })
  })

  it('goes away with its stack when it is ephemeral', () => {
    const template = synthesise({ ephemeral: true })

    template.hasResource(GLOBAL_TABLE, { DeletionPolicy: 'Delete', UpdateReplacePolicy: 'Delete' })
    template.hasResourceProperties(GLOBAL_TABLE, { Replicas: [{ DeletionProtectionEnabled: false }] })
  })

  it('takes a physical name', () => {
    synthesise({ tableName: 'my-sessions' }).hasResourceProperties(GLOBAL_TABLE, { TableName: 'my-sessions' })
  })
})

describe('SessionStack', () => {
  it('puts out the name and the region of its only table', () => {
    const template = synthesise()
    const [logicalId] = Object.keys(template.findResources(GLOBAL_TABLE))

    template.resourceCountIs(GLOBAL_TABLE, 1)
    expect(template.findOutputs('*')).toMatchObject({
      TableName: { Value: { Ref: logicalId } },
      Region: { Value: { Ref: 'AWS::Region' } },
    })
  })
})
