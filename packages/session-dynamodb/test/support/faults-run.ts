/** Runs traces of requests again and again, each time with another request failing in another way. */

import { randomUUID } from 'node:crypto'
import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { MemoryBucket } from './bucket.ts'
import { FAULT_MODES, type Fault, type FaultMode, Ledger, type ProcessClient, processClient } from './faults-client.ts'
import { itemsOfSession, type StoredItem } from './stored-items.ts'

/** Where schedules run. */
export interface FaultTable {
  readonly tableName: string
  readonly config: DynamoDBClientConfig
}

/** What one schedule works with: a session of its own, and the processes that use it. */
export interface Stage {
  readonly sessionId: string
  readonly tableName: string
  readonly fault: Fault | undefined
  readonly ledger: Ledger
  /** The first process, at whose request the fault strikes. */
  readonly first: ProcessClient
  /** A further process, for which all is well. */
  readonly process: () => ProcessClient
  /** Every item of the session, with what is offloaded of it, and the objects that no item names. */
  readonly items: () => Promise<StoredItem[]>
}

/** Something that processes do with a session. */
export interface Trace {
  readonly name: string
  /** Runs it with the stage's fault, lets another process go on, and says what does not hold. */
  readonly run: (stage: Stage) => Promise<string[]>
}

/** A schedule for which something did not hold. */
export interface Violation {
  /** Trace, request and mode: enough to run it again. */
  readonly schedule: string
  readonly problems: readonly string[]
}

/** What became of a trace. */
export interface TraceResult {
  readonly trace: string
  /** Requests that its first process sends when nothing fails. */
  readonly requests: number
  /** Schedules that were run, by mode. */
  readonly schedules: Readonly<Record<FaultMode, number>>
  readonly violations: readonly Violation[]
}

/** How to run a trace's schedules. */
export interface RunOptions {
  /** Run every nth schedule only. @defaultValue 1: all of them */
  readonly stride?: number
  /** The only schedules to run, as `request/mode`. @defaultValue all */
  readonly only?: string | undefined
  /** Schedules under way at once. @defaultValue 24: most of the time they wait for a dead process's turn to expire */
  readonly concurrency?: number
  /** Called after each schedule. */
  readonly onSchedule?: () => void
}

const CONCURRENCY = 24

/** Runs all schedules of a trace: for each request that it sends, each mode of failing. */
export async function runSchedules(table: FaultTable, trace: Trace, options: RunOptions = {}): Promise<TraceResult> {
  const { stride = 1, only, concurrency = CONCURRENCY, onSchedule } = options
  // The connections belong to one handler, which every process shares and none may close.
  const base = new DynamoDBClient(table.config)
  const config = { ...table.config, requestHandler: base.config.requestHandler }
  try {
    const recorded = await runOne({ ...table, config }, trace, undefined)
    const faults = recorded.requests
      .flatMap((_, index) => FAULT_MODES.map((mode): Fault => ({ request: index + 1, mode })))
      .filter((fault, index) => (only === undefined ? index % stride === 0 : `${fault.request}/${fault.mode}` === only))
    const violations = recorded.problems.length > 0 ? [violationOf(trace, recorded, undefined)] : []
    const schedules = Object.fromEntries(FAULT_MODES.map((mode) => [mode, 0])) as Record<FaultMode, number>
    const queue = faults.values()
    const work = async (): Promise<void> => {
      for (const fault of queue) {
        const outcome = await runOne({ ...table, config }, trace, fault)
        schedules[fault.mode] += 1
        if (outcome.problems.length > 0) violations.push(violationOf(trace, outcome, fault))
        onSchedule?.()
      }
    }
    await Promise.all(Array.from({ length: concurrency }, work))
    return { trace: trace.name, requests: recorded.requests.length, schedules, violations }
  } finally {
    base.destroy()
  }
}

/** How many schedules ran. */
export function totalOf(schedules: Readonly<Record<FaultMode, number>>): number {
  return Object.values(schedules).reduce((sum, count) => sum + count, 0)
}

interface Outcome {
  /** What the first process sent. */
  readonly requests: readonly string[]
  readonly problems: readonly string[]
}

async function runOne({ tableName, config }: FaultTable, trace: Trace, fault: Fault | undefined): Promise<Outcome> {
  const ledger = new Ledger()
  const bucket = new MemoryBucket()
  const sessionId = randomUUID()
  const first = processClient(config, ledger, bucket, fault)
  const reader = processClient(config, new Ledger(), bucket)
  const documentClient = DynamoDBDocumentClient.from(reader.client)
  const items = async (): Promise<StoredItem[]> =>
    bucket.resolve(await itemsOfSession({ tableName, documentClient }, sessionId))
  const process = (): ProcessClient => processClient(config, ledger, bucket)
  const stage = { sessionId, tableName, fault, ledger, first, process, items }
  try {
    const problems = await trace.run(stage)
    return { requests: first.requests, problems: [...new Set(problems)] }
  } catch (error) {
    return { requests: first.requests, problems: [`the schedule failed: ${describeError(error)}`] }
  }
}

/** An error in one line, with what caused it. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : ` <- ${describeError(error.cause)}`
  return `${error.name}: ${error.message.slice(0, 200)}${cause}`
}

function violationOf({ name }: Trace, { requests, problems }: Outcome, fault: Fault | undefined): Violation {
  if (fault === undefined) return { schedule: `${name}: without a fault`, problems }
  const request = requests[fault.request - 1] ?? 'not sent'
  return { schedule: `${name}: ${fault.request}/${fault.mode} (${request})`, problems }
}
