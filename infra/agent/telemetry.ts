/** What the routes report: names, numbers and ids, never what people or the model have said. */

import type { Context } from 'aws-lambda'
import type { CapacityUsage, Retry } from 'strands-session-dynamodb'

/** What the routes report. */
export interface Telemetry {
  /** Called with what each request to the table used. */
  readonly noteCapacity: (usage: CapacityUsage) => void
  /** Called for each request to the table that was sent again. */
  readonly noteRetry: (retry: Retry) => void
  /** Called with what has failed. */
  readonly noteError: (error: unknown) => void
}

/** What a Lambda handler reports beside. */
export interface RequestTelemetry extends Telemetry {
  /** Called when a request comes in: what is reported from now on belongs to it. */
  readonly begin: (context: Context) => void
  /** Called when it has been answered. */
  readonly end: (facts: { readonly status: number; readonly milliseconds: number }) => void
}

/** Reports to nobody. */
export const silentTelemetry: RequestTelemetry = {
  noteCapacity: () => {},
  noteRetry: () => {},
  noteError: () => {},
  begin: () => {},
  end: () => {},
}
