/** Alarms for what the agent's callers notice. */

import { Duration } from 'aws-cdk-lib'
import { type Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import { Construct } from 'constructs'
import { AGENT_TIMEOUT } from './agent-function.ts'

/** One alarm. */
export interface Watch {
  readonly metric: Metric
  /** From which value on it is an alarm. */
  readonly threshold: number
  readonly description: string
}

/** Over how long a metric is taken together. */
export const ALARM_PERIOD = Duration.minutes(5)

/** Failed requests in five minutes before it is an alarm. */
export const TOLERATED_FAILURES = 3

/** The part of its time limit that a function may take before it is an alarm. */
const SLOW = 0.8

/** Alarms of one host, about $0.10 a month each. */
export class AgentAlarms extends Construct {
  /** @param topic - Where alarms and their ends are reported; undefined for nowhere. */
  constructor(scope: Construct, id: string, watches: Readonly<Record<string, Watch>>, topic: ITopic | undefined) {
    super(scope, id)
    for (const [name, { metric, threshold, description }] of Object.entries(watches)) {
      const alarm = metric.createAlarm(this, name, {
        threshold,
        alarmDescription: description,
        evaluationPeriods: 1,
        treatMissingData: TreatMissingData.NOT_BREACHING,
      })
      if (topic !== undefined) alarm.addAlarmAction(new SnsAction(topic))
      if (topic !== undefined) alarm.addOkAction(new SnsAction(topic))
    }
  }
}

/** What to watch of any function. */
export function functionWatches(agent: IFunction): Record<string, Watch> {
  const period = ALARM_PERIOD
  return {
    Errors: {
      metric: agent.metricErrors({ period }),
      threshold: 1,
      description: 'The agent breaks down: see its log.',
    },
    Throttles: {
      metric: agent.metricThrottles({ period }),
      threshold: 1,
      description: 'More requests come than may run at once.',
    },
    Slow: {
      metric: agent.metricDuration({ period, statistic: Stats.p(99) }),
      threshold: AGENT_TIMEOUT.toMilliseconds() * SLOW,
      description: 'Turns take nearly all the time that they have.',
    },
  }
}

/** What to watch of a host that counts its replies with a 5xx status. */
export function failureWatch(metric: Metric): Watch {
  return { metric, threshold: TOLERATED_FAILURES, description: 'Callers get errors: the log of the agent names them.' }
}
