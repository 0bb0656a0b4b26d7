/** Turns the props of a session table into those of a DynamoDB table: the shape from the schema, the rest as chosen. */

import { RemovalPolicy } from 'aws-cdk-lib'
import {
  AttributeType,
  Billing,
  ContributorInsightsMode,
  type PointInTimeRecoverySpecification,
  ProjectionType,
  StreamViewType,
  TableEncryptionV2,
  type TablePropsV2,
} from 'aws-cdk-lib/aws-dynamodb'
import { TABLE_SCHEMA } from 'strands-session-dynamodb/schema'
import { MAX_RECOVERY_DAYS } from './check-props.ts'
import type { SessionTableProps } from './props.ts'

/** The props of the table itself. */
export function tablePropsOf(props: SessionTableProps): TablePropsV2 {
  const { tableName, ephemeral = false, warmThroughput, resourcePolicy, replicas = [] } = props
  const dynamoStream = streamOf(props)
  return {
    ...shape,
    ...(tableName !== undefined && { tableName }),
    ...(dynamoStream !== undefined && { dynamoStream }),
    ...(warmThroughput !== undefined && { warmThroughput }),
    ...(resourcePolicy !== undefined && { resourcePolicy }),
    billing: billingOf(props),
    encryption: encryptionOf(props),
    replicas: replicas.map(({ region }) => ({ region })),
    contributorInsightsSpecification: {
      enabled: props.contributorInsights ?? true,
      ...(props.contributorInsights !== false && { mode: ContributorInsightsMode.THROTTLED_KEYS }),
    },
    pointInTimeRecoverySpecification: recoveryOf(props),
    deletionProtection: !ephemeral,
    removalPolicy: ephemeral ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
  }
}

/** Keys, index and time to live, as the library has them. */
const shape = {
  partitionKey: stringKey(TABLE_SCHEMA.partitionKey),
  sortKey: stringKey(TABLE_SCHEMA.sortKey),
  timeToLiveAttribute: TABLE_SCHEMA.timeToLiveAttribute,
  globalSecondaryIndexes: [
    {
      indexName: TABLE_SCHEMA.ownerIndex.name,
      partitionKey: stringKey(TABLE_SCHEMA.ownerIndex.partitionKey),
      sortKey: stringKey(TABLE_SCHEMA.ownerIndex.sortKey),
      projectionType: ProjectionType.ALL,
    },
  ],
}

function stringKey(name: string): { name: string; type: AttributeType } {
  return { name, type: AttributeType.STRING }
}

function streamOf({ stream, replicas = [], offload = false }: SessionTableProps): StreamViewType | undefined {
  if (stream !== undefined) return stream
  if (replicas.length > 0) return StreamViewType.NEW_AND_OLD_IMAGES
  return offload === false ? undefined : StreamViewType.KEYS_ONLY
}

function billingOf({ maxReadUnits, maxWriteUnits }: SessionTableProps): Billing {
  return Billing.onDemand({
    ...(maxReadUnits !== undefined && { maxReadRequestUnits: maxReadUnits }),
    ...(maxWriteUnits !== undefined && { maxWriteRequestUnits: maxWriteUnits }),
  })
}

function encryptionOf({ encryptionKey, replicas = [] }: SessionTableProps): TableEncryptionV2 {
  if (encryptionKey === undefined) return TableEncryptionV2.dynamoOwnedKey()
  const keys = replicas.flatMap(({ region, encryptionKeyArn }) =>
    encryptionKeyArn === undefined ? [] : [[region, encryptionKeyArn] as const],
  )
  return TableEncryptionV2.customerManagedKey(encryptionKey, Object.fromEntries(keys))
}

function recoveryOf({ ephemeral = false, recoveryDays }: SessionTableProps): PointInTimeRecoverySpecification {
  if (ephemeral) return { pointInTimeRecoveryEnabled: false }
  return { pointInTimeRecoveryEnabled: true, recoveryPeriodInDays: recoveryDays ?? MAX_RECOVERY_DAYS }
}
