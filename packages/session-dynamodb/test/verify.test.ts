/** verifySession: finds nothing wrong with a whole session, names every item that is damaged, and changes nothing. */

import { randomUUID } from 'node:crypto'
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { Graph } from '@strands-agents/sdk'
import {
  DynamoDBSnapshotStorage,
  InvalidOptionError,
  type SessionReport,
  verifySession,
} from 'strands-session-dynamodb'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { noise } from './support/noise.ts'
import { type RawItem, type RawItems, rawItemsOf } from './support/raw-items.ts'
import { countRequests, createTestTable, type TestTable } from './support/table.ts'
import { always, type TestSession, testSession } from './support/test-session.ts'

let table: TestTable
let session: TestSession
let items: RawItems

beforeAll(async () => {
  table = await createTestTable()
  session = await filledSession()
  items = await rawItemsOf(table, pk())
})

afterAll(() => table.drop())

describe('of a session that is whole', () => {
  test('says what it holds, and that nothing is wrong', async () => {
    expect(await report()).toEqual({
      sessionId: session.sessionId,
      items: items.intact.size,
      messages: 6 + 2 + 2,
      snapshots: 2,
      problems: [],
    })
  })

  test('reads, strongly consistent, and writes nothing', async () => {
    const inputs: object[] = []
    table.client.middlewareStack.add(
      (next) => (call) => {
        inputs.push(call.input)
        return next(call)
      },
      { step: 'initialize', name: 'inputs' },
    )
    const counter = countRequests(table.client)
    await report()
    table.client.middlewareStack.remove('countRequests')
    table.client.middlewareStack.remove('inputs')
    const requests = counter.reset()
    expect(new Set(requests.map(({ operation }) => operation))).toEqual(new Set(['Query']))
    expect(requests.map(({ writeUnits }) => writeUnits)).toEqual(requests.map(() => 0))
    expect(inputs).toEqual(inputs.map(() => expect.objectContaining({ ConsistentRead: true })))
    expect(await items.read()).toEqual(items.intact)
  })

  test.each([
    ['that does not exist', 'no-such-session'],
    ['whose id another one begins with', 'x'],
  ])('or of one %s', async (_what, sessionId) => {
    expect(await report(sessionId)).toEqual({ sessionId, items: 0, messages: 0, snapshots: 0, problems: [] })
  })

  test.each(['part', 'agent', 'msg', 'head', 'snapshot', '0000000001', 'a#msg#head', '100%'])(
    'whose agent is called %s',
    async (id) => {
      const named = testSession(table)
      const manager = named.manager({ snapshotTrigger: () => true })
      const agent = named.agent(always('Yes.'), { id, manager })
      for (const turnId of ['1', '0000000002']) await agent.invoke('1?', { invocationState: { turnId } })
      expect(await report(named.sessionId)).toMatchObject({ messages: 4, snapshots: 2, problems: [] })
    },
  )

  test('also after a deletion, when it was started again', async () => {
    const again = testSession(table)
    await again.agent(always('Yes.')).invoke('1?')
    await again.manager().deleteSession()
    expect(await report(again.sessionId)).toMatchObject({ items: 0, problems: [] })
    await again.agent(always('Yes.')).invoke('2?')
    expect(await report(again.sessionId)).toMatchObject({ messages: 2, problems: [] })
  })

  test('within its tenant', async () => {
    const tenantId = 'a#session#b'
    const ofTenant = testSession(table, { tenantId })
    await ofTenant.agent(always('Yes.')).invoke('1?')
    const { sessionId } = ofTenant
    const { tableName, client } = table
    expect(await verifySession({ sessionId, tenantId, tableName, client })).toMatchObject({ messages: 2, problems: [] })
    expect(await report(sessionId)).toMatchObject({ items: 0 })
  })
})

const ROW = /^agent#agent#msg#0000000002$/
const TAIL = /^agent#agent#msg#0000000005$/
const LARGE_ROW = /^agent#agent#msg#0000000003$/
const CHUNK = /^agent#agent#chunk#[^#]+#[^#]+$/
const PART = /^agent#agent#chunk#[^#]+#[^#]+#part#.*#0001$/
const HEAD = /^agent#agent#msg#head$/
const STATE = /^agent#agent#msg#state$/
const MARK = /^agent#agent#snapshot#/
const SNAPSHOT_STATE = /^agent#agent#snapstate#[^#]+$/
const GRAPH_HEAD = /^multiagent#graph#msg#head$/

/** Kinds of items of which none goes without anybody noticing. */
const kinds: readonly (readonly [kind: string, sk: RegExp])[] = [
  ['a message of the window', ROW],
  ['a message of the tail', TAIL],
  ['a message with a chunk', LARGE_ROW],
  ['a chunk', CHUNK],
  ['a part', PART],
  ['a head', HEAD],
  ['a state', STATE],
  ['a snapshot’s mark', MARK],
  ['a snapshot’s state', SNAPSHOT_STATE],
  ['a turn', /^agent#agent#turn#event-1$/],
  ['a manifest', /^agent#agent#manifest$/],
  ['another agent’s message', /^agent#other#msg#0000000001$/],
  ['a graph’s head', GRAPH_HEAD],
  ['a graph’s state', /^multiagent#graph#msg#state$/],
]

describe('of a session with damage, names the item:', () => {
  afterEach(() => items.reset())

  test.each(kinds)('%s of which an attribute has changed', async (_kind, sk) => {
    const item = itemAt(sk)
    for (const [name, value] of Object.entries(item)) {
      if (name === 'pk' || name === 'sk') continue
      await items.put({ ...item, [name]: anotherValue(value) })
      expect([name, await problemKeys()]).toEqual([name, expect.arrayContaining([item['sk']?.S])])
    }
  })

  test.each(kinds)('%s that has lost an attribute', async (_kind, sk) => {
    const item = itemAt(sk)
    for (const name of Object.keys(item)) {
      if (name === 'pk' || name === 'sk') continue
      const { [name]: _, ...rest } = item
      await items.put(rest)
      expect([name, await problemKeys()]).toEqual([name, expect.arrayContaining([item['sk']?.S])])
    }
  })

  test.each(kinds)('%s of a newer release', async (_kind, sk) => {
    const item = itemAt(sk)
    await items.put({ ...item, v: { N: '2' } })
    const { problems } = await report()
    expect(problems).toContainEqual({ key: keyOf(item), problem: expect.stringContaining('Update') })
  })

  test.each(kinds)('%s that is another one’s', async (_kind, sk) => {
    const item = itemAt(sk)
    const other = itemAt(sk === ROW ? TAIL : ROW)
    await items.put({ ...other, ...rawKeyOf(item) })
    expect(await problemKeys()).toContain(item['sk']?.S)
  })

  const gone: readonly (readonly [kind: string, sk: RegExp, named: RegExp])[] = [
    ['a part', PART, CHUNK],
    ...(
      [
        ['a message of the window', ROW],
        ['a message of the tail', TAIL],
        ['a message with a chunk', LARGE_ROW],
        ['a chunk', CHUNK],
        ['a head', HEAD],
        ['a state', STATE],
        ['a snapshot’s state', SNAPSHOT_STATE],
        ['a graph’s head', GRAPH_HEAD],
        ['a graph’s state', /^multiagent#graph#msg#state$/],
        ['the session’s item', /^session$/],
      ] as const
    ).map(([kind, sk]) => [kind, sk, sk] as const),
  ]
  test.each(gone)('%s that is gone', async (_kind, sk, named) => {
    const expected = itemAt(named)
    await items.delete(itemAt(sk)['sk']?.S ?? '')
    const { problems } = await report()
    expect(problems.map(({ key }) => key)).toContainEqual(keyOf(expected))
  })

  test('the session’s item that lacks what it must have, or is another session’s', async () => {
    const item = itemAt(/^session$/)
    const damaged: Record<string, AttributeValue>[] = [
      ...['v', 'sessionId', 'createdAt', 'updatedAt'].map((name) => ({ [name]: { NULL: true } })),
      { sessionId: { S: 'another' } },
    ]
    for (const attributes of damaged) {
      const { ownerKey: _, ...rest } = item
      await items.put({ ...rest, ...attributes })
      expect([attributes, await problemKeys()]).toEqual([attributes, ['session']])
    }
  })

  test.each([
    'agent#%ZZ#msg#head',
    'agent#%00#msg#head',
    'agent#agent#snapshot#%ZZ',
    'agent#agent#other',
    'Agent',
    `agent#${'x'.repeat(257)}#msg#head`,
  ])('one whose key no id makes: %s', async (sk) => {
    await items.put({ ...itemAt(HEAD), sk: { S: sk } })
    expect(await problemKeys()).toContain(sk)
  })

  test('every one of several, each with a sentence that says what is wrong', async () => {
    const damaged = [ROW, PART, STATE, SNAPSHOT_STATE, GRAPH_HEAD].map(itemAt)
    for (const item of damaged) await items.put({ ...item, createdAt: { S: 'another time' } })
    await items.delete(itemAt(TAIL)['sk']?.S ?? '')
    const { problems } = await report()
    const keys = problems.map(({ key }) => key.sk)
    expect(keys).toEqual(expect.arrayContaining([...damaged, itemAt(TAIL)].map((item) => item['sk']?.S)))
    for (const { key, problem } of problems)
      expect(problem).toMatch(new RegExp(`^Item \\{ pk: '${key.pk}', sk: '${key.sk}' \\} `))
  })
})

test('wants a session id that is one', async () => {
  await expect(report('a#b')).rejects.toThrow(InvalidOptionError)
})

function report(sessionId = session.sessionId): Promise<SessionReport> {
  const { tableName, client } = table
  return verifySession({ sessionId, tableName, client })
}

async function problemKeys(): Promise<string[]> {
  return (await report()).problems.map(({ key }) => key.sk)
}

function pk(): string {
  return `session#${session.sessionId}`
}

function itemAt(sk: RegExp): RawItem {
  const found = [...items.intact.values()].find((item) => sk.test(item['sk']?.S ?? ''))
  if (found === undefined) throw new Error(`There is no item ${sk}`)
  return found
}

function keyOf(item: RawItem): { pk: string; sk: string } {
  return { pk: item['pk']?.S ?? '', sk: item['sk']?.S ?? '' }
}

function rawKeyOf(item: RawItem): RawItem {
  return { pk: { S: keyOf(item).pk }, sk: { S: keyOf(item).sk } }
}

function anotherValue(value: AttributeValue): AttributeValue {
  if (value.N !== undefined) return { N: String(Number(value.N) + 1) }
  if (value.B !== undefined) return { B: Buffer.concat([value.B, Buffer.from('x')]) }
  return value.S === undefined ? { S: 'another' } : { S: `${value.S}x` }
}

/** Two agents and a graph, a message with a chunk of several parts, two snapshots, turns with ids and a manifest. */
async function filledSession(): Promise<TestSession> {
  const filled = testSession(table, { sessionId: `x-${randomUUID()}`, owner: 'ada' })
  const manager = filled.manager()
  const agent = filled.agent(always('Yes.'), { manager })
  await agent.invoke('1?', { invocationState: { turnId: 'event-1' } })
  await agent.invoke(`2? ${noise(400_000)}`)
  await manager.saveSnapshot({ target: agent, isLatest: false })
  agent.appState.set('step', 3)
  await agent.invoke('3?')
  await manager.saveSnapshot({ target: agent, isLatest: false })
  await filled.agent(always('No.'), { id: 'other' }).invoke('Other?')
  const node = filled.agent(always('I am a node.'), { id: 'node' })
  await new Graph({ id: 'graph', nodes: [node], edges: [], maxSteps: 5, sessionManager: filled.manager() }).invoke(
    'Hi.',
  )
  const location = { sessionId: filled.sessionId, scope: 'agent', scopeId: 'agent' } as const
  const storage = new DynamoDBSnapshotStorage({ tableName: table.tableName, client: table.client })
  await storage.saveManifest({ location, manifest: { schemaVersion: '1.0', updatedAt: 'now' } })
  return filled
}
