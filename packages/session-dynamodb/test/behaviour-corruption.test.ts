/** Damaged items: each is an error that names its key, never an empty or shorter session, and is left as it is. */

import { DeleteCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import type { Agent } from '@strands-agents/sdk'
import { listSessions, NewerFormatError, SessionCorruptedError } from 'strands-session-dynamodb'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { noise } from './support/noise.ts'
import type { StoredItem } from './support/stored-items.ts'
import { createTestTable, type TestTable } from './support/table.ts'
import { always, messagesOf, type TestSession, testSession } from './support/test-session.ts'

let table: TestTable
let session: TestSession

beforeAll(async () => {
  table = await createTestTable()
  session = await filledSession()
})

afterAll(() => table.drop())

/** What happens to an item: it is changed, or goes. */
type Damage = (item: StoredItem) => Record<string, unknown> | undefined

const isDeleted: Damage = () => undefined
const has =
  (changes: Record<string, unknown>): Damage =>
  (item) => ({ ...item, ...changes })
const hasAnotherByte: Damage = (item) => ({
  ...item,
  data: Uint8Array.from(item['data'] as Uint8Array, (byte, index) => (index === 7 ? byte ^ 1 : byte)),
})
const lacks =
  (name: string): Damage =>
  (item) => ({ ...item, [name]: undefined })

const MESSAGE = 'agent#agent#msg#0000000002'
const TAIL_MESSAGE = 'agent#agent#msg#0000000005'
const LARGE_MESSAGE = 'agent#agent#msg#0000000003'
const CHUNK = /^agent#agent#chunk#[^#]+#[^#]+$/
const PART = /^agent#agent#chunk#[^#]+#[^#]+#part#.*1$/
const HEAD = 'agent#agent#msg#head'
const STATE = 'agent#agent#msg#state'

const latest: readonly (readonly [what: string, sk: string | RegExp, damage: Damage, named?: RegExp])[] = [
  ['a message that is gone', MESSAGE, isDeleted],
  ['a message in the middle of the tail that is gone', TAIL_MESSAGE, isDeleted],
  ['a message that is no JSON', MESSAGE, has({ data: '{"role":"user","content":[{"te' })],
  ['a message without data', MESSAGE, lacks('data')],
  ['a message whose data is of another type', MESSAGE, has({ data: 7 })],
  ['a message of an unknown encoding', MESSAGE, has({ enc: 'rot13' })],
  ['a message without format version', MESSAGE, lacks('v')],
  ['a message without writer', MESSAGE, lacks('writer')],
  ['a message without time', MESSAGE, lacks('createdAt')],
  ['a large message without its digest', LARGE_MESSAGE, lacks('whole')],
  ['a large message whose digest is another', LARGE_MESSAGE, has({ whole: 'x'.repeat(20) })],
  ['a chunk that is gone', CHUNK, isDeleted],
  ['a chunk without its number of parts', CHUNK, lacks('parts')],
  ['a chunk without its digest', CHUNK, lacks('digest')],
  ['a chunk whose digest is another', CHUNK, has({ digest: 'x'.repeat(20) })],
  ['a chunk without version', CHUNK, lacks('version')],
  ['a part that is gone', PART, isDeleted, CHUNK],
  ['a part that was cut', PART, has({ data: Buffer.from('x') })],
  ['a part in which a byte is another', PART, hasAnotherByte],
  ['a part without bytes', PART, lacks('data')],
  ['a head that is gone', HEAD, isDeleted],
  ['a head whose window is none', HEAD, has({ window: '1-x' })],
  ['a head whose window runs backwards', HEAD, has({ window: '5-1' })],
  ['a head whose window is endless', HEAD, has({ window: '1-9999999999' })],
  ['a head without version', HEAD, lacks('version')],
  ['a head without incarnation', HEAD, lacks('incarnation')],
  ['a head whose last message is no number', HEAD, has({ last: 'many' })],
  ['a state that is gone', STATE, isDeleted],
  ['a state that is no JSON', STATE, has({ data: 'undefined' })],
  ['a state that is not that of a snapshot', STATE, has({ data: '"text"' })],
  ['a state without data', STATE, lacks('data')],
  ['a state without version', STATE, lacks('version')],
]

describe('a session resumes with a SessionCorruptedError that names', () => {
  const cases = latest.map(([what, sk, damage, named]) => ({ what, sk, damage, named }))
  test.each(cases)('$what', async ({ sk, damage, named }) => {
    await withDamage(sk, damage, async (item) => {
      const agent = session.agent(always('never said'))
      const error = await agent.invoke('Still there?').catch((thrown: unknown) => thrown)
      const { pk, sk: at } = (named && (await session.items()).find((each) => named.test(each.sk))) ?? item
      const key = { pk, sk: at }
      expect(error).toBeInstanceOf(SessionCorruptedError)
      expect(error).toMatchObject({ key, message: expect.stringContaining(key.sk) })
      expect(messagesOf(agent)).toEqual([])
      // Trying again does not help.
      await expect(agent.invoke('Still there?')).rejects.toThrow(SessionCorruptedError)
    })
  })
})

const MARK = /^agent#agent#snapshot#/
const SNAPSHOT_STATE = /^agent#agent#snapstate#[^#]+$/

const immutable: readonly (readonly [what: string, sk: string | RegExp, damage: Damage])[] = [
  ['a message that is gone', MESSAGE, isDeleted],
  ['a message that is no JSON', MESSAGE, has({ data: 'x' })],
  ['a mark without its state', MARK, lacks('stateDigest')],
  ['a mark without incarnation', MARK, lacks('incarnation')],
  ['a mark whose window is none', MARK, has({ window: '0' })],
  ['a state that is gone', SNAPSHOT_STATE, isDeleted],
  ['a state that is no JSON', SNAPSHOT_STATE, has({ data: '{' })],
  ['a state that is not that of a snapshot', SNAPSHOT_STATE, has({ data: '{"data":null}' })],
]

describe('an immutable snapshot is restored with a SessionCorruptedError that names', () => {
  test.each(immutable)('%s', async (_what, sk, damage) => {
    const manager = session.manager()
    const agent = await session.restored({ manager })
    const messages = messagesOf(agent)
    const [snapshotId = ''] = await manager.listSnapshotIds({ target: agent })
    await withDamage(sk, damage, async ({ pk, sk }) => {
      const error = await manager.restoreSnapshot({ target: agent, snapshotId }).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(SessionCorruptedError)
      expect(error).toMatchObject({ key: { pk, sk } })
      expect(messagesOf(agent)).toEqual(messages)
    })
  })
})

describe('a newer release wrote', () => {
  const kinds = [MESSAGE, HEAD, STATE, CHUNK, PART]
  test.each(kinds)('%s: a NewerFormatError says so', async (sk) => {
    await withDamage(sk, has({ v: 2 }), async ({ pk, sk }) => {
      const error = await session
        .agent(always('never said'))
        .invoke('Hi.')
        .catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(NewerFormatError)
      expect(error).toMatchObject({ key: { pk, sk }, version: 2, message: expect.stringContaining('Update') })
    })
  })

  test.each([MARK, SNAPSHOT_STATE])('%s of an immutable snapshot: a NewerFormatError says so', async (sk) => {
    const manager = session.manager()
    const agent = await session.restored({ manager })
    const [snapshotId = ''] = await manager.listSnapshotIds({ target: agent })
    await withDamage(sk, has({ v: 2 }), async () => {
      await expect(manager.restoreSnapshot({ target: agent, snapshotId })).rejects.toThrow(NewerFormatError)
    })
  })
})

test.each([
  ['its session id', lacks('sessionId')],
  ['the time of its creation', lacks('createdAt')],
] as const)(
  'a session item without %s is a SessionCorruptedError when sessions are listed or found',
  async (_what, damage) => {
    const { tableName, client } = table
    await withDamage('session', damage, async () => {
      await expect(listSessions({ tableName, client, owner: 'ada' })).rejects.toThrow(SessionCorruptedError)
      await expect(session.manager().findSession()).rejects.toThrow(SessionCorruptedError)
    })
  },
)

/** Messages 1 and 2 by the head's own word, 3 with a chunk of several parts, 4 to 6 as the log's tail; and an immutable snapshot. */
async function filledSession(): Promise<TestSession> {
  const filled = testSession(table, { owner: 'ada' })
  const manager = filled.manager()
  const agent: Agent = filled.agent(always('Yes.'), { manager })
  await agent.invoke('1?')
  await agent.invoke(`2? ${noise(400_000)}`)
  await manager.saveSnapshot({ target: agent, isLatest: false })
  await agent.invoke('3?')
  expect((await filled.items()).filter(({ sk }) => /#msg#\d+$/.test(sk))).toHaveLength(6)
  return filled
}

/** Damages an item for as long as something runs, and checks that nobody has written anything meanwhile. */
async function withDamage(
  sk: string | RegExp,
  damage: Damage,
  run: (item: StoredItem) => Promise<void>,
): Promise<void> {
  const intact = await session.items()
  const item = intact.find((each) => (typeof sk === 'string' ? each.sk === sk : sk.test(each.sk)))
  if (item === undefined) throw new Error(`there is no item ${sk}`)
  const { documentClient, tableName: TableName } = table
  const damaged = damage(item)
  if (damaged === undefined) {
    await documentClient.send(new DeleteCommand({ TableName, Key: { pk: item.pk, sk: item.sk } }))
  } else {
    const entries = Object.entries(damaged).filter(([, value]) => value !== undefined)
    await documentClient.send(new PutCommand({ TableName, Item: Object.fromEntries(entries) }))
  }
  try {
    await run(item)
  } finally {
    await documentClient.send(new PutCommand({ TableName, Item: item }))
  }
  expect(await session.items()).toEqual(intact)
}
