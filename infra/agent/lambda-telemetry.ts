/** Logs and metrics by Powertools for AWS Lambda: JSON logs, and metrics that CloudWatch reads from the log. */

import { Logger } from '@aws-lambda-powertools/logger'
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import type { Context } from 'aws-lambda'
import type { CapacityUsage, Retry } from 'strands-session-dynamodb'
import { namesOf } from './refusals.ts'
import type { RequestTelemetry } from './telemetry.ts'

/** Namespace of the metrics in CloudWatch. */
export const METRICS_NAMESPACE = 'StrandsSession'

/** Telemetry of one process. */
export class LambdaTelemetry implements RequestTelemetry {
  readonly #logger = new Logger({ serviceName: 'agent' })
  readonly #metrics = new Metrics({ namespace: METRICS_NAMESPACE, serviceName: 'agent' })

  readonly noteCapacity = ({ readUnits, writeUnits }: CapacityUsage): void => {
    if (readUnits > 0) this.#metrics.addMetric('ConsumedReadUnits', MetricUnit.Count, readUnits)
    if (writeUnits > 0) this.#metrics.addMetric('ConsumedWriteUnits', MetricUnit.Count, writeUnits)
  }

  readonly noteRetry = ({ operation, repetitions }: Retry): void => {
    this.#metrics.addMetric('RepeatedRequests', MetricUnit.Count, repetitions)
    this.#logger.info('A request to the table was sent again', { operation, repetitions })
  }

  readonly noteError = (error: unknown): void => {
    this.#metrics.addMetric('FailedRequests', MetricUnit.Count, 1)
    this.#logger.error('A request has failed', { reason: namesOf(error) })
  }

  /** What the session manager logs: it never says what a conversation says. */
  get logger(): Pick<Logger, 'debug' | 'info' | 'warn' | 'error'> {
    return this.#logger
  }

  /** Names the request in every log line from now on, and counts a cold start. */
  begin(context: Context): void {
    this.#logger.addContext(context)
    this.#metrics.setFunctionName(context.functionName)
    this.#metrics.captureColdStartMetric()
  }

  /** Writes what was measured since the last time. */
  end(facts: { readonly status: number; readonly milliseconds: number }): void {
    this.#metrics.addMetric('RequestMilliseconds', MetricUnit.Milliseconds, facts.milliseconds)
    this.#metrics.publishStoredMetrics()
    this.#logger.info('A request was answered', { ...facts })
  }
}
