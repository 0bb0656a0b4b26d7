/** The DynamoDB table of the session manager, in the shape that the library states in its schema module. */
import { RemovalPolicy } from 'aws-cdk-lib'
import { AttributeType, Billing, ProjectionType, TableV2 } from 'aws-cdk-lib/aws-dynamodb'
import { Construct } from 'constructs'
import { TABLE_SCHEMA } from 'strands-session-dynamodb/schema'

/** What can be chosen about a session table. */
export interface SessionTableProps {
  /**
   * The table's physical name.
   *
   * @default - CloudFormation generates one
   */
  readonly tableName?: string

  /**
   * Whether the table goes away with its stack, conversations included: for trials, never for production.
   *
   * @default false - the table is protected against deletion and outlives its stack
   */
  readonly ephemeral?: boolean
}

/** An on-demand table with the keys, index and time to live that the session manager expects. */
export class SessionTable extends Construct {
  /** The table itself, for grants, metrics and outputs. */
  readonly table: TableV2

  constructor(scope: Construct, id: string, props: SessionTableProps = {}) {
    super(scope, id)
    const { tableName, ephemeral = false } = props

    this.table = new TableV2(this, 'Table', {
      ...(tableName !== undefined && { tableName }),
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
      billing: Billing.onDemand(),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: !ephemeral,
      removalPolicy: ephemeral ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
    })
  }
}

function stringKey(name: string): { name: string; type: AttributeType } {
  return { name, type: AttributeType.STRING }
}
