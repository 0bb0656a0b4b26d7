/** Alarms for what needs a person, and a dashboard of what a session table does. */

import { Duration } from 'aws-cdk-lib'
import {
  type Alarm,
  ComparisonOperator,
  Dashboard,
  GraphWidget,
  type IMetric,
  type Metric,
  type MetricProps,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import type { ITableV2 } from 'aws-cdk-lib/aws-dynamodb'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { IQueue } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { OWNER_INDEX } from 'strands-session-dynamodb/schema'

/** What is watched, and how. */
export interface SessionMonitoringProps {
  readonly table: ITableV2
  /** Names what could not be reclaimed; undefined without an offload bucket. */
  readonly deadLetters: IQueue | undefined
  readonly alarms: boolean
  readonly alarmTopic: ITopic | undefined
  readonly dashboard: boolean
}

/** The requests that every turn makes: a resume, and a message. */
const OPERATIONS_OF_A_TURN = ['Query', 'PutItem'] as const

/** Minutes in a row with throttled requests before it is an alarm: the AWS SDK's retries bridge a single one. */
const THROTTLED_MINUTES = 3

/** Requests with server faults in five minutes before it is an alarm: single ones are retried. */
const TOLERATED_FAULTS = 5

/** Half the screen of a CloudWatch dashboard. */
const WIDGET_WIDTH = 12

/** The alarms and the dashboard of one session table. */
export class SessionMonitoring extends Construct {
  /** All alarms, by their id. */
  readonly alarms: Readonly<Record<string, Alarm>>

  constructor(scope: Construct, id: string, props: SessionMonitoringProps) {
    super(scope, id)
    this.alarms = props.alarms ? this.#createAlarms(props) : {}
    for (const alarm of Object.values(this.alarms)) {
      if (props.alarmTopic === undefined) break
      alarm.addAlarmAction(new SnsAction(props.alarmTopic))
      alarm.addOkAction(new SnsAction(props.alarmTopic))
    }
    if (props.dashboard) this.#createDashboard(props)
  }

  #createAlarms({ table, deadLetters }: SessionMonitoringProps): Record<string, Alarm> {
    const metrics = metricsOf(table)
    const throttled = { threshold: 1, evaluationPeriods: THROTTLED_MINUTES }
    const faults = { threshold: TOLERATED_FAULTS, evaluationPeriods: 1 }
    return {
      ReadThrottles: this.#alarm('ReadThrottles', metrics.readThrottles, {
        ...throttled,
        alarmDescription: 'Reads of the session table are throttled: agents wait, or fail to resume.',
      }),
      WriteThrottles: this.#alarm('WriteThrottles', metrics.writeThrottles, {
        ...throttled,
        alarmDescription: 'Writes to the session table are throttled: turns wait, or fail.',
      }),
      QueryFaults: this.#alarm('QueryFaults', metrics.faults('Query'), {
        ...faults,
        alarmDescription: 'DynamoDB fails to read sessions.',
      }),
      PutItemFaults: this.#alarm('PutItemFaults', metrics.faults('PutItem'), {
        ...faults,
        alarmDescription: 'DynamoDB fails to store messages.',
      }),
      ...(deadLetters !== undefined && {
        Unreclaimed: this.#alarm('Unreclaimed', deadLetters.metricApproximateNumberOfMessagesVisible(), {
          threshold: 1,
          evaluationPeriods: 1,
          alarmDescription: "Objects of expired sessions could not be deleted: see the function's log.",
        }),
      }),
    }
  }

  #alarm(
    id: string,
    metric: Metric,
    props: { threshold: number; evaluationPeriods: number; alarmDescription: string },
  ): Alarm {
    return metric.createAlarm(this, id, {
      ...props,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      // No requests, no figures: that is not a fault.
      treatMissingData: TreatMissingData.NOT_BREACHING,
    })
  }

  #createDashboard({ table }: SessionMonitoringProps): void {
    const metrics = metricsOf(table)
    const graph = (title: string, left: IMetric[]): GraphWidget => new GraphWidget({ title, left, width: WIDGET_WIDTH })
    new Dashboard(this, 'Dashboard', {
      widgets: [
        [
          graph('Capacity: units a minute', [metrics.readUnits, metrics.writeUnits]),
          graph('Throttled requests', [metrics.readThrottles, metrics.writeThrottles, metrics.indexThrottles]),
        ],
        [
          graph(
            'Latency in milliseconds',
            OPERATIONS_OF_A_TURN.flatMap((operation) => metrics.latencies(operation)),
          ),
          graph(
            'Server faults',
            OPERATIONS_OF_A_TURN.map((operation) => metrics.faults(operation)),
          ),
        ],
        [
          graph('Conflicts between writers', [metrics.refusedConditions, metrics.transactionConflicts]),
          graph('Expired items', [metrics.expiredItems]),
        ],
      ],
    })
  }
}

/** The table's metrics that CloudWatch has without a search or a formula, so that each can have an alarm. */
function metricsOf(table: ITableV2) {
  // Without labels: with one, CloudFormation takes a metric for a formula.
  const perMinute = (metricName: string, more: Partial<MetricProps> = {}): Metric =>
    table.metric(metricName, { statistic: Stats.SUM, period: Duration.minutes(1), ...more })
  const TableName = table.tableName
  return {
    readUnits: perMinute('ConsumedReadCapacityUnits'),
    writeUnits: perMinute('ConsumedWriteCapacityUnits'),
    readThrottles: perMinute('ReadThrottleEvents'),
    writeThrottles: perMinute('WriteThrottleEvents'),
    indexThrottles: perMinute('WriteThrottleEvents', {
      dimensionsMap: { TableName, GlobalSecondaryIndexName: OWNER_INDEX },
    }),
    faults: (Operation: string): Metric =>
      perMinute('SystemErrors', { dimensionsMap: { TableName, Operation }, period: Duration.minutes(5) }),
    latencies: (Operation: string): Metric[] =>
      [Stats.p(50), Stats.p(99)].map((statistic) =>
        perMinute('SuccessfulRequestLatency', { dimensionsMap: { TableName, Operation }, statistic }),
      ),
    refusedConditions: perMinute('ConditionalCheckFailedRequests'),
    transactionConflicts: perMinute('TransactionConflict'),
    expiredItems: perMinute('TimeToLiveDeletedItemCount'),
  }
}
