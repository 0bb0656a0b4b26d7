/** What the routes work with: made once for a process, outside the handler. */

import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Logger, Model } from '@strands-agents/sdk'
import {
  DynamoDBSessionManager,
  type DynamoDBSessionManagerOptions,
  type OffloadOptions,
} from 'strands-session-dynamodb'
import { type AgentRequest, type Caller, RefusedError } from './http.ts'
import type { Telemetry } from './telemetry.ts'

/** A table of sessions, a model, and somewhere to report to. */
export interface AgentService {
  readonly model: Model
  readonly client: DynamoDBClient
  /** @defaultValue the environment variable `STRANDS_SESSION_TABLE` */
  readonly tableName?: string | undefined
  /** Where large values are. @defaultValue in the table */
  readonly offload?: OffloadOptions | undefined
  readonly telemetry: Telemetry
  /** Receives what the session manager has to say. @defaultValue warnings and errors on the console */
  readonly logger?: Logger | undefined
  /**
   * How long a turn waits for another one of its session, in milliseconds.
   *
   * @defaultValue 5000: callers rather get a 409 than wait for long
   */
  readonly turnWaitMs?: number | undefined
}

const DEFAULT_TURN_WAIT_MS = 5_000

/** Who asks, or a refusal: what nobody has signed belongs to nobody. */
export function callerOf({ caller }: AgentRequest): Caller {
  if (caller === undefined) throw new RefusedError(403, 'forbidden', 'The request names no caller. Sign it.')
  return caller
}

/** What the library needs to reach the table for one request. Tenants are callers: none can reach another's sessions. */
export function tableOptions(
  { client, tableName, offload, telemetry }: AgentService,
  { principal }: Caller,
  getRemainingTimeInMillis?: () => number,
): Pick<DynamoDBSessionManagerOptions, 'client' | 'tableName' | 'offload' | 'tenantId' | 'onCapacity' | 'onRetry'> {
  return {
    client,
    tableName,
    offload,
    tenantId: principal,
    onCapacity: telemetry.noteCapacity,
    onRetry: telemetry.noteRetry,
    ...(getRemainingTimeInMillis === undefined ? {} : { getRemainingTimeInMillis }),
  }
}

/** The manager of one session, for one request. */
export function sessionManager(
  service: AgentService,
  request: AgentRequest,
  session: { readonly sessionId: string; readonly title?: string | undefined },
): DynamoDBSessionManager {
  const caller = callerOf(request)
  return new DynamoDBSessionManager({
    ...tableOptions(service, caller, request.getRemainingTimeInMillis),
    ...session,
    owner: caller.principal,
    turnWaitMs: service.turnWaitMs ?? DEFAULT_TURN_WAIT_MS,
    // A newly deployed prompt takes effect in old sessions too.
    restoreSystemPrompt: false,
    logger: service.logger,
  })
}
