/** What is in a session that is going to be damaged: every kind of item, and values that do not fit one. */

import { SlidingWindowConversationManager, type Snapshot, type SnapshotLocation } from '@strands-agents/sdk'
import { DynamoDBSnapshotStorage } from 'strands-session-dynamodb'
import { noise } from './noise.ts'
import type { RawItems } from './raw-items.ts'
import type { TestTable } from './table.ts'
import { always, type TestSession } from './test-session.ts'

/** Kinds of items. */
export const KINDS = [
  'session',
  'head',
  'state',
  'message',
  'chunk',
  'part',
  'mark',
  'snapstate',
  'turn',
  'manifest',
] as const

/** What a session holds: items of every kind that fit one item, or values over 400 KB. */
export type Size = 'small' | 'large'

/** One agent or orchestrator, and what is read of it while nothing is damaged. */
export interface FuzzedScope {
  readonly location: SnapshotLocation
  readonly prefix: string
  latest: Snapshot | null
  readonly snapshots: Map<string, Snapshot | null>
  /** Answers of the turns with an id. */
  readonly turns: ReadonlyMap<string, string>
}

/** Two scopes; in one of them a window that was trimmed, a tail, a snapshot, and turns with ids near and far. */
export async function fillSmall({ tableName, client }: TestTable, session: TestSession): Promise<FuzzedScope[]> {
  for (const number of [1, 2, 3]) await takeTurn(session, `event-${number}`, `Question ${number}?`, 4)
  for (const number of [4, 5]) await takeTurn(session, `event-${number}`, `Question ${number}?`, 40)
  const agent = scopeOf(session, 'agent', 'agent', ['event-1', 'event-5'])
  const graph = scopeOf(session, 'multiAgent', 'graph')
  const storage = new DynamoDBSnapshotStorage({ tableName, client })
  const snapshot: Snapshot = { ...NOTHING, scope: 'multiAgent', data: { state: { nodes: [1, 2, 3] } } }
  for (const isLatest of [true, false]) {
    await storage.saveSnapshot({ location: graph.location, snapshotId: 'one', isLatest, snapshot })
  }
  await storage.saveManifest({ location: agent.location, manifest: { schemaVersion: '7', updatedAt: 'never' } })
  return [agent, graph]
}

/** A message, a state and the state of a snapshot that do not fit an item. */
export async function fillLarge(session: TestSession): Promise<FuzzedScope[]> {
  await takeTurn(session, 'event-2', `Large? ${noise(400_000)}`, 40, noise(400_000))
  return [scopeOf(session, 'agent', 'agent', ['event-2'])]
}

async function takeTurn(
  session: TestSession,
  turnId: string,
  question: string,
  windowSize: number,
  state = turnId,
): Promise<void> {
  const agent = session.agent(always(`answer to ${turnId}`), {
    manager: { snapshotTrigger: () => turnId === 'event-2' },
    conversationManager: new SlidingWindowConversationManager({ windowSize }),
  })
  await agent.initialize()
  agent.appState.set('state', state)
  await agent.invoke(question, { invocationState: { turnId } })
}

function scopeOf(
  { sessionId }: TestSession,
  scope: SnapshotLocation['scope'],
  scopeId: string,
  turns: readonly string[] = [],
): FuzzedScope {
  return {
    location: { sessionId, scope, scopeId },
    prefix: `${scope === 'agent' ? 'agent' : 'multiagent'}#${scopeId}#`,
    latest: null,
    snapshots: new Map(),
    turns: new Map(turns.map((turnId) => [turnId, `assistant: answer to ${turnId}`])),
  }
}

/** A snapshot without anything in it. */
export const NOTHING: Snapshot = {
  scope: 'agent',
  schemaVersion: '1.0',
  createdAt: '2026-01-01T00:00:00.000Z',
  data: {},
  appData: {},
}

/** What an item is, by its sort key. */
export function kindOf(sk: string): (typeof KINDS)[number] {
  if (sk === 'session') return 'session'
  if (/#part#[^#]+#\d+$/.test(sk)) return 'part'
  if (/#chunk#[^#]+#[^#]+$/.test(sk)) return 'chunk'
  if (/#msg#\d+$/.test(sk)) return 'message'
  const [, kind] = /#msg#(head|state)$/.exec(sk) ?? /^[^#]+#[^#]+#(snapshot|snapstate|turn|manifest)/.exec(sk) ?? []
  return KINDS.find((each) => each === (kind === 'snapshot' ? 'mark' : kind)) ?? 'manifest'
}

/** Sort key of the last message of a log: the only one whose loss leaves no trace. */
export function newestOf({ intact }: RawItems, { prefix }: FuzzedScope): string {
  return [...intact.keys()].findLast((sk) => sk.startsWith(`${prefix}msg#`) && kindOf(sk) === 'message') ?? 'none'
}
