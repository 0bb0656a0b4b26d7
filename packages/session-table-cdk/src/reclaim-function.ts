/** The function that deletes the objects of sessions which DynamoDB has expired, fed by the table's stream. */

import { fileURLToPath } from 'node:url'
import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib'
import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb'
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import {
  Architecture,
  Code,
  FilterCriteria,
  FilterRule,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  StartingPosition,
} from 'aws-cdk-lib/aws-lambda'
import { DynamoEventSource, SqsDlq } from 'aws-cdk-lib/aws-lambda-event-sources'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { SESSION_SORT_KEY, TABLE_SCHEMA } from 'strands-session-dynamodb/schema'
import { acknowledgeWildcard } from './acknowledge.ts'
import { accessToDelete } from './session-access.ts'
import type { Offload } from './session-table-base.ts'

/** What the function works on. */
export interface ReclaimFunctionProps {
  readonly table: TableV2
  readonly offload: Offload
  /** Whether the table has replicas: what has expired in another region then arrives as an ordinary removal. */
  readonly hasReplicas: boolean
}

/** The function's code: bundled when this package is built. The AWS SDK in it is that of the Lambda runtime. */
const CODE_FOLDER = fileURLToPath(new URL('../dist/reclaim', import.meta.url))

/** Removals that one invocation gets at most. */
const BATCH_SIZE = 25

/** How often a batch is tried before it is given up: within the day for which the stream holds it. */
const RETRIES = 10

/** DynamoDB's own name in what it removes because its time has come. */
const TIME_TO_LIVE_SERVICE = 'dynamodb.amazonaws.com'

/** Reclaims objects of expired sessions; what could not be reclaimed is named in a queue. */
export class ReclaimFunction extends Construct {
  /** Names the batches that were given up, for 14 days. */
  readonly deadLetters: Queue

  constructor(scope: Construct, id: string, props: ReclaimFunctionProps) {
    super(scope, id)
    const { table, offload } = props

    const logGroup = new LogGroup(this, 'Logs', {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    })
    this.deadLetters = new Queue(this, 'DeadLetters', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    })
    const reclaim = new LambdaFunction(this, 'Function', {
      description: 'Deletes the S3 objects of expired sessions',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(CODE_FOLDER),
      handler: 'index.handler',
      role: this.#role(props, logGroup),
      memorySize: 256,
      timeout: Duration.minutes(5),
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      environment: { TABLE_NAME: table.tableName, BUCKET: offload.bucket.bucketName, PREFIX: offload.prefix },
    })
    reclaim.addEventSource(
      new DynamoEventSource(table, {
        startingPosition: StartingPosition.TRIM_HORIZON,
        batchSize: BATCH_SIZE,
        retryAttempts: RETRIES,
        bisectBatchOnError: true,
        reportBatchItemFailures: true,
        onFailure: new SqsDlq(this.deadLetters),
        filters: [FilterCriteria.filter(expiredSession(props.hasReplicas))],
      }),
    )
    Validations.of(this.deadLetters).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason: 'It is the dead-letter queue.',
    })
  }

  #role({ table, offload }: ReclaimFunctionProps, logGroup: LogGroup): Role {
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
    logGroup.grantWrite(role)
    const objects = { bucketArn: offload.bucket.bucketArn, prefix: offload.prefix }
    const places = { tableArns: [], tableName: table.tableName, objects }
    for (const { actions, resources, conditions } of accessToDelete(places)) {
      role.addToPolicy(new PolicyStatement({ actions, resources, ...(conditions !== undefined && { conditions }) }))
      for (const resource of resources.filter((each) => each.endsWith('*'))) {
        acknowledgeWildcard(
          role,
          resource,
          'It may delete the objects of every session of the table, and no other object.',
        )
      }
    }
    return role
  }
}

/** Removals of session items by DynamoDB's time to live; with replicas, all removals of session items. */
function expiredSession(hasReplicas: boolean): Record<string, unknown> {
  return {
    eventName: FilterRule.isEqual('REMOVE'),
    // A replicated removal does not say who removed the item. One by the library is harmless: no object is left then.
    ...(!hasReplicas && {
      userIdentity: { type: FilterRule.isEqual('Service'), principalId: FilterRule.isEqual(TIME_TO_LIVE_SERVICE) },
    }),
    dynamodb: { Keys: { [TABLE_SCHEMA.sortKey]: { S: FilterRule.isEqual(SESSION_SORT_KEY) } } },
  }
}
