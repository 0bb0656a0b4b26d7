/** The public options, with their defaults. */

import type {
  Logger,
  MultiAgentSaveLatestStrategy,
  SaveLatestStrategy,
  SnapshotTriggerCallback,
} from '@strands-agents/sdk'
import type { ClientOptions } from './client.ts'
import type { AnswerNotSavedError } from './errors.ts'
import type { CapacityUsage, Retry } from './requests.ts'

/** Where sessions are, and how to reach them. */
export interface TableOptions extends ClientOptions {
  /**
   * Name or ARN of the table.
   *
   * @defaultValue the environment variable `STRANDS_SESSION_TABLE`
   */
  readonly tableName?: string | undefined
  /**
   * Tenant whose sessions these are. Part of every partition key, so that `dynamodb:LeadingKeys` can fence tenants off.
   *
   * @defaultValue none
   */
  readonly tenantId?: string | undefined
  /**
   * Put large values into an S3 bucket. Whoever reads, deletes or checks sessions with such values needs it as well.
   * Needs the package `@aws-sdk/client-s3`.
   *
   * @defaultValue none: values that do not fit an item are cut into several
   */
  readonly offload?: OffloadOptions | undefined
  /**
   * Called with what each request used.
   *
   * @defaultValue none: consumed capacity is then not asked for
   */
  readonly onCapacity?: ((usage: CapacityUsage) => void) | undefined
  /**
   * Called for each request that had to be sent again. How often the AWS SDK does so is the client's `maxAttempts`.
   *
   * @defaultValue none
   */
  readonly onRetry?: ((retry: Retry) => void) | undefined
  /**
   * Time left for this process in milliseconds, as Lambda's `context.getRemainingTimeInMillis` tells it. Waits and leases
   * then end before the process does, and so do requests.
   *
   * @defaultValue none
   */
  readonly getRemainingTimeInMillis?: (() => number) | undefined
}

/** Where large values go, so that they cost less than in the table. */
export interface OffloadOptions {
  /** Name of an S3 bucket, or ARN of an access point. */
  readonly bucket: string
  /**
   * How the names of the objects begin, at most 256 characters: `<prefix><table>/<session>/<item>/<digest>`. Tables of
   * the same name in other regions or accounts need a prefix or a bucket of their own.
   *
   * @defaultValue ''
   */
  readonly prefix?: string | undefined
  /**
   * The `S3Client` to use.
   *
   * @defaultValue one per process, made on first use with the AWS SDK's own defaults
   */
  readonly client?: ObjectClient | undefined
  /**
   * Values that are larger than that as they are stored, compressed, become objects: 1,024 to 67,108,864 bytes. By price
   * alone writing an object is cheaper from 8 KB on (a `PutObject` costs $0.000005, 8 write units in us-east-1 as much),
   * and reading it from 13 KB on; but each takes a request of its own. At the default it costs a quarter.
   *
   * @defaultValue 32768
   */
  readonly thresholdBytes?: number | undefined
}

/** What is needed of an `S3Client`: declared here, because `@aws-sdk/client-s3` need not be installed. */
export interface ObjectClient {
  readonly config: unknown
  send(...args: never[]): unknown
}

/** Options of a `DynamoDBSnapshotStorage`. */
export interface DynamoDBSnapshotStorageOptions extends TableOptions {
  /**
   * User whom new sessions belong to; `listSessions()` lists a user's sessions.
   *
   * @defaultValue none: the session is in nobody's list
   */
  readonly owner?: string | undefined
  /** Title that lists show. @defaultValue none */
  readonly title?: string | undefined
  /**
   * Create a session when it is saved for the first time. When false, a session that was not created with
   * `createSession()` is a `SessionNotFoundError`.
   *
   * @defaultValue true
   */
  readonly autoCreate?: boolean | undefined
  /**
   * Restore the stored system prompt over the agent's own. When false, a newly deployed prompt takes effect in old
   * sessions too.
   *
   * @defaultValue true
   */
  readonly restoreSystemPrompt?: boolean | undefined
  /**
   * Read strongly consistent. Eventual reads cost half, and may resume a session a moment behind: a turn then
   * catches up at its first message, and without turn exclusion fails with a `SessionConflictError`.
   *
   * @defaultValue true
   */
  readonly consistentRead?: boolean | undefined
  /**
   * Compress an item when that saves at least one write capacity unit: small ones stay readable in the console. `'off'`
   * stores all JSON as it is. What is stored is readable with either.
   *
   * @defaultValue 'auto'
   */
  readonly compression?: 'auto' | 'off' | undefined
  /**
   * Messages that the model's window usually holds: what the first request of a resume asks for. A window that is larger
   * costs a second request, one that is much smaller reads messages in vain. Set it to the conversation manager's window.
   *
   * @defaultValue 40, the SDK's default sliding window
   */
  readonly windowSize?: number | undefined
  /**
   * How far the session item's `updatedAt` may lag behind an active session, in seconds. Each refresh costs one
   * write capacity unit, and two more for the index entry of a session with an owner. With `ttlSeconds` it is at most an
   * eighth of that, and an hour.
   *
   * @defaultValue 300
   */
  readonly touchIntervalSeconds?: number | undefined
  /**
   * Time to live of the session in seconds, from 1 to 315,360,000 (ten years): it expires when it has been idle for that
   * long, and up to an eighth of it, at most an hour, later. An expired session reads as absent at once; DynamoDB
   * removes its items after the same time again, at no cost. Keeping an active session alive rewrites each of its items
   * about once in that time.
   *
   * A session that has a time to live keeps it, whatever later managers say; one that has none is given it.
   *
   * @defaultValue none: sessions do not expire
   */
  readonly ttlSeconds?: number | undefined
  /**
   * Which messages are kept: `'all'` of them, or `'window'`, those that the window, an immutable snapshot or the answer to a
   * turn with an id needs. The others are deleted when at least 50 of them have gathered, which costs a write unit for each
   * started KB. Give all managers of a session the same.
   *
   * @defaultValue 'all': the log is a full transcript
   */
  readonly retention?: Retention | undefined
  /** Receives what is worth knowing, never conversation text. @defaultValue warnings and errors on the console */
  readonly logger?: Logger | undefined
}

/** Which messages of a session are kept. */
export type Retention = 'all' | 'window'

/** What becomes of what a crash has left unfinished: it is completed, it is dropped, or it is left as it is. */
export type RepairMode = 'complete' | 'drop' | 'off'

/** Options of a `DynamoDBSessionManager`. */
export interface DynamoDBSessionManagerOptions extends DynamoDBSnapshotStorageOptions {
  /** The session: 1 to 256 lowercase letters, digits, hyphens and underscores. */
  readonly sessionId: string
  /**
   * When the latest snapshot is saved: after each message and each invocation, after each invocation, or only when
   * `snapshotTrigger` fires or `saveSnapshot()` is called.
   *
   * @defaultValue 'message'
   */
  readonly saveLatestOn?: SaveLatestStrategy | undefined
  /**
   * When a Graph's or a Swarm's latest snapshot is saved: after each node, or after each invocation.
   *
   * @defaultValue 'node'
   */
  readonly multiAgentSaveLatestOn?: MultiAgentSaveLatestStrategy | undefined
  /**
   * Called after each invocation; an immutable snapshot is saved when it returns true.
   *
   * @defaultValue none
   */
  readonly snapshotTrigger?: SnapshotTriggerCallback | undefined
  /**
   * Let only one writer at a time run a turn of an agent: another one waits for it to end, and an agent that is behind
   * catches up before it goes on. When false, a turn that meets another one is a `SessionConflictError`. Needs
   * `saveLatestOn` `'message'` or `'invocation'`.
   *
   * @defaultValue true
   */
  readonly turnExclusion?: boolean | undefined
  /**
   * How long a turn may take from one message to the next before it is taken to have crashed, in milliseconds. Another
   * writer may then go on, and what the stalled one still writes is refused.
   *
   * @defaultValue 120000
   */
  readonly turnLeaseMs?: number | undefined
  /**
   * How long to wait for another writer's turn, in milliseconds; then the turn is a `SessionBusyError`. 0 does not wait.
   *
   * @defaultValue 30000
   */
  readonly turnWaitMs?: number | undefined
  /**
   * What becomes of what a crash has left unfinished: `'complete'` gives tool uses a result and the turn an answer that
   * say so, `'drop'` takes the turn out of the window, `'off'` leaves it. The log keeps what happened in any case.
   *
   * @defaultValue 'complete'
   */
  readonly repair?: RepairMode | undefined
  /**
   * Called when the model has answered and the answer could not be stored; the caller of the agent then gets the answer.
   *
   * @defaultValue none: the agent rejects with the `AnswerNotSavedError`, which holds the answer
   */
  readonly onAnswerNotSaved?: ((error: AnswerNotSavedError) => void) | undefined
}
