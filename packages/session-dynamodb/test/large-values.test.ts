/** Values of many parts, and values that are too large. */

import type { Snapshot } from '@strands-agents/sdk'
import { DynamoDBSnapshotStorage, ValueTooLargeError } from 'strands-session-dynamodb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { noise } from './support/noise.ts'
import { createTestTable, type TestTable } from './support/table.ts'
import { testSession } from './support/test-session.ts'

/** Bytes of the large value; `LARGE_BYTES` asks for another size. */
const { LARGE_BYTES = '3000000' } = process.env

let table: TestTable

beforeAll(async () => {
  table = await createTestTable()
})

afterAll(() => table.drop())

const snapshotOf = (text: string): Snapshot => ({
  ...{ scope: 'agent', schemaVersion: '1.0', createdAt: '2026-01-01T00:00:00.000Z', appData: {} },
  data: {
    messages: [
      { role: 'user', content: [{ text: 'Hi.' }] },
      { role: 'assistant', content: [{ text }] },
    ],
  },
})

function storageFor() {
  const { tableName, client } = table
  const session = testSession(table)
  const location = { sessionId: session.sessionId, scope: 'agent', scopeId: 'agent' } as const
  const storage = (): DynamoDBSnapshotStorage => new DynamoDBSnapshotStorage({ tableName, client })
  const save = (snapshot: Snapshot): Promise<void> =>
    storage().saveSnapshot({ location, snapshotId: 'latest', isLatest: true, snapshot })
  return { session, save, load: () => storage().loadSnapshot({ location }) }
}

test(`a value of ${LARGE_BYTES} bytes is written and read in parts`, async () => {
  const { save, load, session } = storageFor()
  const text = noise(Number(LARGE_BYTES))
  await save(snapshotOf(text))
  expect((await session.items()).filter(({ sk }) => sk.includes('#part#'))).toHaveLength(
    Math.ceil((1.001 * Number(LARGE_BYTES)) / 390_000),
  )

  const loaded = await load()
  expect(JSON.stringify(loaded?.data['messages']) === JSON.stringify(snapshotOf(text).data['messages'])).toBe(true)
})

test('a value over the limit is an error that names it, before anything is written', async () => {
  const { save, session } = storageFor()
  const error = await save(snapshotOf('x'.repeat(64 * 2 ** 20))).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(ValueTooLargeError)
  const size = 64 * 2 ** 20 + '{"role":"assistant","content":[{"text":""}]}'.length
  const key = { pk: `session#${session.sessionId}`, sk: 'agent#agent#msg#0000000002' }
  expect(error).toMatchObject({ key, size, limit: 64 * 2 ** 20 })
  expect(await session.items()).toEqual([])
})
