/** Large values in S3: written before what names them, read and checked, and deleted with what needs them. */

import { deleteOffloaded, OffloadError, SessionCorruptedError, verifySession } from 'strands-session-dynamodb'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { MemoryBucket, named } from './support/bucket.ts'
import { noise } from './support/noise.ts'
import { refuses } from './support/redaction.ts'
import { createTestTable, type TestTable } from './support/table.ts'
import { always, answers, messagesOf, type TestSession, testSession } from './support/test-session.ts'

const LARGE = 40_000
const QUESTION = `A large question ${noise(LARGE)}`

let table: TestTable
let bucket: MemoryBucket

beforeAll(async () => {
  table = await createTestTable()
})
beforeEach(() => {
  bucket = new MemoryBucket()
})
afterAll(() => table.drop())

function offloading(around?: Parameters<MemoryBucket['client']>[0]): TestSession {
  return testSession(table, { offload: { bucket: bucket.name, prefix: 'sessions/', client: bucket.client(around) } })
}

/** A session with a message, a state and the state of a snapshot that are offloaded. */
async function filled(session: TestSession): Promise<void> {
  const manager = session.manager({ snapshotTrigger: () => true })
  await session.agent(answers('Yes.'), { manager, appState: { large: noise(LARGE + 1) } }).invoke(QUESTION)
}

const sizesOf = async (session: TestSession): Promise<number[]> =>
  (await session.items()).map((item) => JSON.stringify(item).length)

describe('a value over the threshold', () => {
  test('is one object, named by table, session, item and content; its item names it', async () => {
    const session = offloading()
    await filled(session)

    const names = [...bucket.objects.keys()]
    const prefix = `sessions/${table.tableName}/session%23${session.sessionId}/agent%23agent%23`
    expect(
      names.map((name) => name.replace(/\/[\w-]{20}$/, '/<digest>').replace(/chunk%23\w+%23[\w-]{20}/, 'chunk')),
    ).toEqual([`${prefix}msg%23state%23chunk/<digest>`, `${prefix}chunk/<digest>`, `${prefix}chunk/<digest>`])
    expect((await session.items()).filter(({ sk }) => sk.includes('#part#'))).toEqual([])
    expect(Math.max(...(await sizesOf(session)))).toBeLessThan(1_000)
    expect(messagesOf(await session.restored())).toEqual([`user: ${QUESTION}`, 'assistant: Yes.'])
    expect(await report(session)).toEqual([])
  })

  test('that is not over it stays in the table', async () => {
    const session = offloading()
    await session.agent(answers('Yes.')).invoke(noise(LARGE / 2))
    expect(bucket.requests).toEqual([])
  })

  test('is an object before its item is written, and the same one when its row was taken and it is said again', async () => {
    const session = offloading()
    const first = session.agent(always('Yes.'))
    await first.invoke('One?')
    const second = await session.restored({ manager: { turnExclusion: false } })
    await first.invoke('Two?')
    await expect(second.invoke(QUESTION)).rejects.toThrow('was changed by another writer')
    expect(bucket.requests).toEqual(['PutObject'])
    await session.agent(always('Yes.')).invoke(QUESTION)
    expect(bucket.objects.size).toBe(1)
  })

  test('goes when another takes its place', async () => {
    const session = offloading()
    const agent = session.agent(always('Yes.'), { appState: { large: noise(LARGE) } })
    await agent.invoke('One?')
    const before = [...bucket.objects.keys()]
    agent.appState.set('large', noise(LARGE + 1))
    await agent.invoke('Two?')
    const after = [...bucket.objects.keys()]
    expect([before.length, after.length]).toEqual([1, 1])
    expect(after).not.toEqual(before)
  })

  test('that is redacted goes, and what a failure has left of it goes with the next process', async () => {
    const failing = { now: true }
    const session = offloading(async (name, send) => {
      if (failing.now && name === 'DeleteObjects') throw named('SlowDown')
      return send()
    })
    await expect(session.agent(refuses).invoke(QUESTION)).rejects.toThrow(OffloadError)
    expect(bucket.objects.size).toBe(1)

    failing.now = false
    await session.agent(answers('Yes.')).invoke('Two?')
    expect(bucket.objects.size).toBe(0)
    expect(messagesOf(await session.restored()).slice(0, 1)).toEqual(['user: [redacted]'])

    await session.agent(refuses).invoke(QUESTION)
    expect(bucket.objects.size).toBe(0)
  })
})

describe('what is wrong with the bucket', () => {
  test.each([
    ['an object that is gone', () => bucket.objects.clear(), 'names an object that is gone'],
    [
      'an object that was changed',
      () => {
        for (const { bytes } of bucket.objects.values()) bytes[100] = (bytes[100] ?? 0) ^ 1
      },
      'names an object that has another content than was written',
    ],
  ])('%s is corruption, and names the item', async (_, damage, problem) => {
    const session = offloading()
    await session.agent(answers('Yes.')).invoke(QUESTION)
    damage()
    const error = await session.restored().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(SessionCorruptedError)
    expect(error).toMatchObject({
      key: { pk: `session#${session.sessionId}`, sk: expect.stringMatching(/^agent#agent#chunk#/) },
      message: expect.stringContaining(problem),
    })
    expect(await report(session)).toEqual([expect.stringContaining(problem)])
  })

  test.each([
    ['NoSuchBucket', "bucket 'values' failed: it does not exist. Create it", false],
    ['AccessDenied', "bucket 'values' failed: access is denied. Grant s3:PutObject", false],
    ['PermanentRedirect', 'is in another region', false],
    ['SlowDown', 'SlowDown (injected)', true],
  ])('%s is an error that says what to do, and nothing is written', async (name, message, retryable) => {
    const session = offloading(async () => {
      throw named(name)
    })
    const agent = session.agent(always('Yes.'))
    await agent.invoke('One?')
    const before = await session.items()
    const error = await agent.invoke(QUESTION).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(OffloadError)
    expect(error).toMatchObject({ bucket: 'values', operation: 'PutObject', retryable, cause: { name } })
    expect(String(error)).toContain(message)
    expect(await session.items()).toEqual(before)
  })

  test('a manager without the option says that it needs it, and leaves everything as it is', async () => {
    const session = offloading()
    await filled(session)
    const plain = testSession(table, { sessionId: session.sessionId })
    const before = await session.items()
    await expect(plain.restored()).rejects.toMatchObject({ name: 'InvalidOptionError', field: 'offload' })
    await expect(plain.manager().deleteSession()).rejects.toMatchObject({
      name: 'InvalidOptionError',
      field: 'offload',
    })
    expect(await session.items()).toEqual(before)
    expect(bucket.objects.size).toBe(3)
  })
})

describe('deleting a session', () => {
  test('deletes its objects, and nobody else’s', async () => {
    const [session, other] = [offloading(), offloading()]
    await filled(session)
    await filled(other)
    await session.manager().deleteSession()
    expect(await session.items()).toEqual([])
    expect([...bucket.objects.keys()].filter((name) => name.includes(session.sessionId))).toEqual([])
    expect(messagesOf(await other.restored())).toHaveLength(2)
  })

  test.each([
    ['the objects named by items', 'DeleteObjects'],
    ['the listing', 'ListObjectsV2'],
  ])('is completed by another process when it fails at %s', async (_, operation) => {
    const fails = { now: true }
    const session = offloading(async (name, send) => {
      if (fails.now && name === operation) throw named('InternalError')
      return send()
    })
    await filled(session)
    // What a crash between an object and its item has left.
    await bucket.client().send({
      constructor: { name: 'PutObjectCommand' },
      input: { Bucket: bucket.name, Key: `sessions/${table.tableName}/session%23${session.sessionId}/x/y` },
    } as never)
    await expect(session.manager().deleteSession()).rejects.toThrow(OffloadError)
    fails.now = false
    expect(await session.manager().findSession()).toBeUndefined()
    await session.manager().deleteSession()
    expect(await session.items()).toEqual([])
    expect(bucket.objects.size).toBe(0)
  })
})

describe('deleteOffloaded()', () => {
  const sweep = (session: TestSession, before?: Date): Promise<number> =>
    deleteOffloaded({
      offload: { bucket: bucket.name, prefix: 'sessions/', client: bucket.client() },
      tableName: `arn:aws:dynamodb:eu-west-1:123456789012:table/${table.tableName}`,
      pk: `session#${session.sessionId}`,
      before,
    })

  test('deletes the objects of a session that has expired, but not those of one that has begun anew', async () => {
    const session = offloading()
    await filled(session)
    expect(await sweep(session, new Date(0))).toBe(0)
    expect(await sweep(session, new Date(Date.now() + 1_000))).toBe(3)
    expect(bucket.objects.size).toBe(0)
  })

  test.each([
    ['pk', { pk: '' }],
    ['tableName', { tableName: 7 }],
    ['before', { before: 'now' }],
    ['offload.bucket', { offload: { bucket: '' } }],
  ])('refuses a wrong %s', async (field, wrong) => {
    const options = { offload: { bucket: 'values', client: bucket.client() }, tableName: 'sessions', pk: 'session#s' }
    const call = deleteOffloaded({ ...options, ...wrong } as never)
    await expect(call).rejects.toMatchObject({ name: 'InvalidOptionError', field })
    expect(bucket.requests).toEqual([])
  })
})

async function report({ sessionId }: TestSession): Promise<string[]> {
  const offload = { bucket: bucket.name, prefix: 'sessions/', client: bucket.client() }
  const { problems } = await verifySession({ sessionId, tableName: table.tableName, client: table.client, offload })
  return problems.map(({ problem }) => problem)
}
