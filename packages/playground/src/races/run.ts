/** Races: several processes run turns on the same sessions, then the logs are read and compared with what they were told. */

import { randomUUID } from 'node:crypto'
import type { OrderProcess } from '../order-process.ts'
import type { ProtectionFacts, RaceFacts, RaceMode } from './facts.ts'

/** How to run races. */
export interface RaceRun {
  readonly tableName: string
  /** One process for each writer. */
  readonly processes: readonly OrderProcess[]
  readonly mode: RaceMode
  readonly sessions: number
  /** Turns that each writer begins in each session. */
  readonly turns: number
  /** Called after each session. */
  readonly onSession?: (session: number) => void
}

/** What one writer says of its turns in one session, by the text of their questions. */
interface Outcome {
  readonly acknowledged: readonly string[]
  readonly busy: readonly string[]
  readonly conflicts: readonly string[]
  readonly failures: readonly string[]
  readonly wasted: number
}

/** What became of one session. */
interface SessionResult {
  readonly outcomes: readonly Outcome[]
  readonly messages: readonly string[]
  readonly counted: number
  readonly problems: readonly string[]
}

/** Sessions that are raced for at the same time: waiting leaves the machine idle. */
const SESSIONS_AT_ONCE = 4

const OPTIONS: Readonly<Record<RaceMode, object>> = {
  waiting: { turnWaitMs: 120_000 },
  'waiting, with state': { turnWaitMs: 120_000 },
  'not waiting': { turnWaitMs: 0 },
  'without exclusion': { turnExclusion: false },
}

/** Runs the races of one mode. */
export async function runRaces(run: RaceRun): Promise<RaceFacts> {
  const begun = performance.now()
  const results: SessionResult[] = []
  let next = 0
  const raceOn = async (): Promise<void> => {
    while (next < run.sessions) {
      next += 1
      results.push(await raceForSession(run))
      run.onSession?.(results.length)
    }
  }
  await Promise.all(Array.from({ length: SESSIONS_AT_ONCE }, raceOn))
  const outcomes = results.flatMap((result) => result.outcomes)
  const logs = results.map(({ messages, outcomes: told }) => compare(messages, told))
  const count = (of: (outcome: Outcome) => number): number => outcomes.reduce((sum, outcome) => sum + of(outcome), 0)
  return {
    mode: run.mode,
    writers: run.processes.length,
    sessions: run.sessions,
    started: run.sessions * run.processes.length * run.turns,
    acknowledged: count(({ acknowledged }) => acknowledged.length),
    busy: count(({ busy }) => busy.length),
    conflicts: count(({ conflicts }) => conflicts.length),
    failures: outcomes.flatMap(({ failures }) => failures),
    wasted: count(({ wasted }) => wasted),
    stored: logs.reduce((sum, { stored }) => sum + stored, 0),
    lost: logs.reduce((sum, { lost }) => sum + lost, 0),
    counted: results.reduce((sum, { counted }) => sum + counted, 0),
    leftOver: logs.reduce((sum, { leftOver }) => sum + leftOver, 0),
    problems: results.flatMap(({ problems }) => problems),
    seconds: (performance.now() - begun) / 1000,
  }
}

/** Measures what the protection costs where it is not needed. */
export async function measureProtection(
  process: OrderProcess,
  tableName: string,
  turns: number,
): Promise<ProtectionFacts> {
  const measure = (options: object): Promise<{ writeUnits: number; requests: number }> =>
    process.order({ type: 'measure', tableName, sessionId: randomUUID(), turns, options })
  const protectedTurns = await measure({})
  const plainTurns = await measure({ turnExclusion: false })
  return {
    turns,
    writeUnitsPerTurn: protectedTurns.writeUnits / turns,
    writeUnitsPerTurnWithoutExclusion: plainTurns.writeUnits / turns,
    requestsPerTurn: protectedTurns.requests / turns,
    requestsPerTurnWithoutExclusion: plainTurns.requests / turns,
  }
}

async function raceForSession({ tableName, processes, mode, turns }: RaceRun): Promise<SessionResult> {
  const sessionId = randomUUID()
  const race = {
    type: 'race',
    tableName,
    sessionId,
    turns,
    options: OPTIONS[mode],
    counts: mode === 'waiting, with state',
  }
  const outcomes = await Promise.all(
    // Every other writer keeps its agent, as a warm process does; it is behind when others have been at work.
    processes.map((process, index) =>
      process.order<Outcome>({ ...race, writer: `w${index}`, isWarm: index % 2 === 0 }),
    ),
  )
  const [reader] = processes
  const record = await reader?.order<Omit<SessionResult, 'outcomes'>>({ type: 'read', tableName, sessionId })
  return { outcomes, messages: [], counted: 0, problems: [], ...record }
}

/** Finds the complete turns in a log, and the acknowledged ones that are not among them exactly once. */
export function compare(
  messages: readonly string[],
  outcomes: readonly Pick<Outcome, 'acknowledged'>[],
): { stored: number; lost: number; leftOver: number } {
  const stored = new Map<string, number>()
  let leftOver = 0
  for (let index = 0; index < messages.length; ) {
    const question = questionOfTurn(messages.slice(index, index + 4))
    if (question === undefined) {
      leftOver += 1
      index += 1
    } else {
      stored.set(question, (stored.get(question) ?? 0) + 1)
      index += 4
    }
  }
  const acknowledged = outcomes.flatMap((outcome) => outcome.acknowledged)
  return {
    stored: [...stored.values()].reduce((sum, times) => sum + times, 0),
    lost: acknowledged.filter((question) => stored.get(question) !== 1).length,
    leftOver,
  }
}

/** The question of four messages that are a complete turn: its tool use, result and answer name each other and it. */
function questionOfTurn([user = '', use = '', result = '', answer = '']: readonly string[]): string | undefined {
  const question = /^user (.+)$/.exec(user)?.[1]
  const id = /^use (.+)$/.exec(use)?.[1]
  const isTurn = question !== undefined && id?.endsWith(`-${question}`)
  return isTurn && result === `result ${id}` && answer === `answer to ${id}` ? question : undefined
}
