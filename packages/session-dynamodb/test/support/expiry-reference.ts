/** What must be found of a session with a time to live: a reference that fits in memory, and its comparison with the real one. */

import { verifySession } from 'strands-session-dynamodb'
import { expect } from 'vitest'
import { expiredItems } from './clock.ts'
import type { TestTable } from './table.ts'
import { messagesOf, type TestSession } from './test-session.ts'

/** The agents of the session. */
export type AgentId = 'agent' | 'other'

/** What one agent must have. */
export interface Memory {
  /** Lines of the turns that were acknowledged, in order. */
  readonly acknowledged: string[]
  /** Lines of turns that failed: they may be there. */
  readonly attempted: Set<string>
  /** The state that was acknowledged last, and those of turns that failed since. */
  states: unknown[]
  /** What immutable snapshots hold, by their ids. */
  readonly snapshots: Map<string, readonly string[]>
}

/** What the session must be. */
export interface Reference {
  /** Counts sessions under the same id: a new one begins when the one before has expired. */
  life: number
  exists: boolean
  /** When it began, in epoch seconds. */
  begunAt: number
  ttl: number | undefined
  /** The session is there until then, in epoch seconds, and gone from `most` on. */
  least: number
  most: number
  memories: Record<AgentId, Memory>
  /** Counts questions, so that no two are the same. */
  questions: number
}

/** How often something came about, over all histories. */
export interface Counts {
  turns: number
  failed: number
  refused: number
  renewed: number
  expired: number
  removed: number
}

/** The real session. */
export interface Stored {
  readonly table: TestTable
  readonly session: TestSession
}

const NO_ANSWER = 'assistant: The turn was interrupted before it was answered.'

/** A session that nobody has begun. */
export function newReference(): Reference {
  return {
    life: 0,
    exists: false,
    begunAt: 0,
    ttl: undefined,
    least: 0,
    most: 0,
    memories: newMemories(),
    questions: 0,
  }
}

function newMemories(): Reference['memories'] {
  const memory = (): Memory => ({ acknowledged: [], attempted: new Set(), states: [], snapshots: new Map() })
  return { agent: memory(), other: memory() }
}

/** The time in epoch seconds. */
export const nowInSeconds = (): number => Math.floor(Date.now() / 1000)

/** How much later than after its time to live a session may expire, as the guarantees state it. */
export const slackOf = (ttl: number): number => Math.min(3600, Math.max(1, Math.floor(ttl / 8)))

/** Time has gone by: notes whether the session has expired. Between its time to live and the slack that is its own choice. */
export async function noteTime(reference: Reference, { session }: Stored, counts: Counts): Promise<void> {
  const info = await session.manager().findSession()
  if (!reference.exists) {
    expect(info).toBeUndefined()
    return
  }
  const at = nowInSeconds()
  if (reference.ttl === undefined || at < reference.least) expect(info).toBeDefined()
  else if (at >= reference.most) expect(info).toBeUndefined()
  if (info !== undefined) return
  counts.expired += 1
  Object.assign(reference, { life: reference.life + 1, exists: false, ttl: undefined, memories: newMemories() })
}

/** A live session has what was acknowledged, and nothing of it may be removed; one that is not there shows nothing at all. */
export async function expectSame(reference: Reference, stored: Stored): Promise<void> {
  const { table, session } = stored
  const { sessionId } = session
  const { tableName, client } = table
  // What had expired when the session began is another one's: DynamoDB removes items in any order.
  const expired = (await expiredItems(table, sessionId)).filter((item) => Number(item['expiresAt']) > reference.begunAt)
  if (reference.exists) expect(expired).toEqual([])
  for (const id of ['agent', 'other'] as const) {
    const { acknowledged, attempted, states, snapshots } = reference.memories[id]
    const manager = session.manager()
    const agent = await session.restored({ id, manager })
    const known = new Set(acknowledged)
    const found = messagesOf(agent)
    expect(found.filter((line) => known.has(line))).toEqual(acknowledged)
    const others = found.filter((line) => !known.has(line) && line !== NO_ANSWER)
    expect(others.filter((line) => !attempted.has(line))).toEqual([])
    expect(new Set(others).size).toBe(others.length)
    expect(states.length === 0 ? [undefined] : states).toContain(agent.appState.get('state'))
    expect((await manager.listSnapshotIds({ target: agent })).toSorted()).toEqual([...snapshots.keys()].toSorted())
    for (const [snapshotId, lines] of snapshots) {
      await manager.restoreSnapshot({ target: agent, snapshotId })
      expect(messagesOf(agent)).toEqual(lines)
    }
  }
  const report = await verifySession({ sessionId, tableName, client })
  expect(report.problems).toEqual([])
  if (!reference.exists) expect(report.messages).toBe(0)
}
