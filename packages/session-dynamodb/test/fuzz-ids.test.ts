/**
 * Ids of any kind: no session, tenant, agent, snapshot, turn or owner reaches what belongs to another one.
 *
 * A failure prints a seed and a path: `FUZZ_SEED=<seed> FUZZ_PATH=<path>` plays it again. `FUZZ_SECONDS=600` does more.
 */

import type { Snapshot } from '@strands-agents/sdk'
import fc from 'fast-check'
import { DynamoDBSnapshotStorage, InvalidOptionError, listSessions } from 'strands-session-dynamodb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Ids, REFUSED, twoPlaces } from './support/hostile-ids.ts'
import { type RawItem, rawItemsOf } from './support/raw-items.ts'
import { ScriptedModel } from './support/scripted-model.ts'
import { createTestTable, type TestTable } from './support/table.ts'
import { always, messagesOf, testSession } from './support/test-session.ts'

const SECONDS = Number(process.env['FUZZ_SECONDS'] ?? 6)

/** Pairs of places that are tried at once. */
const LANES = 4

let table: TestTable
let count = 0

beforeAll(async () => {
  table = await createTestTable()
})

afterAll(() => table.drop())

test(
  `random ids never reach another one's items: ${SECONDS} s of ids`,
  async () => {
    const { FUZZ_SEED: seed = String(Date.now() % 0x7fffffff), FUZZ_PATH: path } = process.env
    const property = fc.asyncProperty(twoPlaces(), async ({ mine, theirs }) => {
      // Each run has sessions and owners of its own, which differ in no other way than the two places do.
      const run = ++count
      const own = (ids: Ids): Ids => ({ ...ids, sessionId: `${ids.sessionId}_${run}`, owner: `${ids.owner}_${run}` })
      await meet(own(mine), own(theirs))
    })
    const limits = path === undefined ? { numRuns: 1_000_000, interruptAfterTimeLimit: SECONDS * 1000 } : { path }
    const lanes = Array.from({ length: path === undefined ? LANES : 1 }, (_, lane) =>
      fc.assert(property, { seed: Number(seed) + lane, ...limits }),
    )
    for (const lane of await Promise.allSettled(lanes)) if (lane.status === 'rejected') throw lane.reason
    process.stderr.write(`random ids: ${count} pairs of places\n`)
  },
  SECONDS * 1000 + 60_000,
)

test.each(REFUSED)('%j is no id, and nothing is asked of the table for it', async (id) => {
  let requests = 0
  table.client.middlewareStack.add(
    (next) => (call) => {
      requests += 1
      return next(call)
    },
    { step: 'initialize', name: 'requests' },
  )
  const { tableName, client } = table
  const ids: Ids = { tenantId: undefined, sessionId: 's', agentId: 'a', snapshotId: 'i', turnId: 't', owner: 'o' }
  const attempts: readonly (() => Promise<unknown>)[] = [
    () => take({ ...ids, tenantId: id }, 'Mine'),
    () => take({ ...ids, sessionId: id }, 'Mine'),
    () => take({ ...ids, agentId: id }, 'Mine'),
    () => take({ ...ids, owner: id }, 'Mine'),
    () => checkpoint({ ...ids, snapshotId: id }, 'Mine'),
    () => listSessions({ tableName, client, owner: id }),
  ]
  for (const attempt of attempts) await expect(Promise.resolve().then(attempt)).rejects.toThrow(InvalidOptionError)
  expect(requests).toBe(0)
  await expect(take({ ...ids, turnId: id }, 'Mine')).rejects.toThrow(InvalidOptionError)
  table.client.middlewareStack.remove('requests')
  expect((await rawItemsOf(table, pkOf(ids))).intact.size).toBe(0)
})

/** One place is filled; then the other one is used in every way. Nothing of the first one is read there, or changes. */
async function meet(mine: Ids, theirs: Ids): Promise<void> {
  const [isSameSession, isSameAgent] = [pkOf(mine) === pkOf(theirs), scopeOf(mine) === scopeOf(theirs)]
  await take(mine, 'Mine')
  await checkpoint(mine, 'Mine')
  const before = await rawItemsOf(table, pkOf(mine))

  expect(messagesOf(await restored(theirs))).toEqual(isSameAgent ? ['user: Mine?', 'assistant: Mine.'] : [])
  const isSameSnapshot = isSameAgent && mine.snapshotId === theirs.snapshotId
  expect((await loadCheckpoint(theirs)) !== null).toBe(isSameSnapshot)
  expect(await sessionsOf(theirs)).toEqual(sameOwner(mine, theirs) ? [mine.sessionId] : [])

  const isSameTurn = isSameAgent && mine.turnId === theirs.turnId
  expect(await take(theirs, 'Theirs')).toBe(isSameTurn ? 'Mine.' : 'Theirs.')
  if (!isSameSnapshot) await checkpoint(theirs, 'Theirs')

  // The same agent goes on in its own log; whatever else there was is as it was.
  const changes = changesOf(before.intact, await before.read())
  expect(
    changes.filter((sk) => !(isSameAgent && /#msg#(head|state)$/.test(sk)) && !(isSameSession && sk === 'session')),
  ).toEqual([])
  expect(await loadCheckpoint(mine)).toEqual(snapshotOf('Mine'))
  expect(await take(mine, 'Again')).toBe('Mine.')

  if (isSameSession) return
  await testSession(table, placeOf(theirs)).manager().deleteSession()
  expect(changesOf(before.intact, await before.read())).toEqual([])
}

/** Runs a turn. Returns what the agent answered, which is new or was stored. */
async function take(ids: Ids, text: string): Promise<string> {
  const session = testSession(table, placeOf(ids))
  const agent = session.agent(new ScriptedModel(always(`${text}.`)), { id: ids.agentId })
  const { lastMessage } = await agent.invoke(`${text}?`, { invocationState: { turnId: ids.turnId } })
  return lastMessage.content.map((block) => ('text' in block ? block.text : '')).join('')
}

function restored(ids: Ids): ReturnType<ReturnType<typeof testSession>['restored']> {
  return testSession(table, placeOf(ids)).restored({ id: ids.agentId })
}

async function checkpoint(ids: Ids, text: string): Promise<void> {
  await storageOf(ids).saveSnapshot({ ...locationOf(ids), isLatest: false, snapshot: snapshotOf(text) })
}

function loadCheckpoint(ids: Ids): Promise<Snapshot | null> {
  return storageOf(ids).loadSnapshot(locationOf(ids))
}

async function sessionsOf({ tenantId, owner }: Ids): Promise<string[]> {
  const { tableName, client } = table
  const { sessions } = await listSessions({
    tableName,
    client,
    owner,
    limit: 1000,
    ...(tenantId !== undefined && { tenantId }),
  })
  return sessions.map(({ sessionId }) => sessionId)
}

function storageOf({ tenantId }: Ids): DynamoDBSnapshotStorage {
  const { tableName, client } = table
  return new DynamoDBSnapshotStorage({ tableName, client, ...(tenantId !== undefined && { tenantId }) })
}

function locationOf({ sessionId, agentId: scopeId, snapshotId }: Ids) {
  return { location: { sessionId, scope: 'agent' as const, scopeId }, snapshotId }
}

function snapshotOf(text: string): Snapshot {
  return { scope: 'agent', schemaVersion: '1.0', createdAt: text, data: { state: { text } }, appData: {} }
}

function placeOf({ tenantId, sessionId, owner }: Ids) {
  return { sessionId, owner, ...(tenantId !== undefined && { tenantId }) }
}

function pkOf({ tenantId, sessionId }: Ids): string {
  return `${tenantId === undefined ? '' : `tenant#${encodeURIComponent(tenantId)}#`}session#${sessionId}`
}

function scopeOf(ids: Ids): string {
  return JSON.stringify([ids.tenantId, ids.sessionId, ids.agentId])
}

function sameOwner(one: Ids, other: Ids): boolean {
  return one.tenantId === other.tenantId && one.owner === other.owner
}

/** Sort keys of the items that are not what they were. */
function changesOf(before: ReadonlyMap<string, RawItem>, after: ReadonlyMap<string, RawItem>): string[] {
  return [...before].flatMap(([sk, item]) => (JSON.stringify(item) === JSON.stringify(after.get(sk)) ? [] : [sk]))
}
