/** A redaction reaches what is stored in chunks: large texts, media, and what a context manager has kept of them. */

import { BeforeModelCallEvent, type ContentBlockData } from '@strands-agents/sdk'
import { verifySession } from 'strands-session-dynamodb'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MemoryBucket } from './support/bucket.ts'
import { noise } from './support/noise.ts'
import { isInTable, refuses, secretText, snapshotBeforeModel } from './support/redaction.ts'
import { createTestTable, type TestTable } from './support/table.ts'
import { answers, messagesOf, type TestSession, testSession } from './support/test-session.ts'

let table: TestTable
const bucket = new MemoryBucket()

beforeAll(async () => {
  table = await createTestTable()
})

afterAll(() => table.drop())

/** A question, and a text that only it holds, as it is stored. */
interface Secret {
  readonly content: ContentBlockData[]
  readonly text: string
}

/** A text that takes several chunks in a state. The secret lies on the seam of two, and again in the middle of one. */
function largeText(): Secret {
  const [text, padding] = [secretText(), noise(90_000)]
  return { content: [{ text: `${padding.slice(0, 119_980)}${text}${padding.slice(0, 1000)}${text}${padding}` }], text }
}

/** An image of 60 KB. The secret begins where a group of three bytes does, so that Base64 shows it whole. */
function image(): Secret {
  const secret = Buffer.from(secretText().padEnd(45))
  const [before, behind] = [30_000, 29_997].map((size) => Buffer.from(noise(size), 'base64'))
  const bytes = Uint8Array.from([...(before ?? []), ...secret, ...(behind ?? [])])
  return { content: [{ image: { format: 'png', source: { bytes } } }], text: secret.toString('base64') }
}

const SECRETS = [
  ['a large text', largeText],
  ['an image', image],
] as const

const PLACES = [
  ['in the table', () => testSession(table)],
  ['in S3', () => testSession(table, { offload: { ...offload(), thresholdBytes: 1024 } })],
] as const

function offload() {
  return { bucket: bucket.name, client: bucket.client() }
}

async function problemsOf({ sessionId }: TestSession): Promise<readonly unknown[]> {
  const { tableName, client } = table
  return (await verifySession({ sessionId, tableName, client, offload: offload() })).problems
}

describe.each(PLACES)('%s', (_place, sessionOf) => {
  test.each(SECRETS)('%s is gone from the log, the stash, and a snapshot that saw both', async (_what, secretOf) => {
    const { content, text } = secretOf()
    const session = sessionOf()
    const manager = session.manager()
    const agent = session.agent([...answers('Hello.'), ...refuses, ...refuses], { manager, contextManager: 'auto' })
    snapshotBeforeModel(agent, manager)
    const seen: boolean[] = []
    agent.addHook(BeforeModelCallEvent, async () => void seen.push(await isInTable(table, text, bucket)))
    await agent.invoke('Hi.')
    await agent.invoke(content)

    expect(seen).toEqual([false, true])
    expect(await isInTable(table, text, bucket)).toBe(false)
    const redacted = ['user: Hi.', 'assistant: Hello.', 'user: [redacted]']
    const another = session.manager()
    const resumed = await session.restored({ manager: another, contextManager: 'auto' })
    expect(messagesOf(resumed)).toEqual([...redacted, 'assistant: I cannot answer that.'])
    const [, snapshotId = ''] = await another.listSnapshotIds({ target: resumed })
    await another.restoreSnapshot({ target: resumed, snapshotId })
    expect(messagesOf(resumed)).toEqual(redacted)
    expect(await problemsOf(session)).toEqual([])
  })

  test.each(SECRETS)('%s that another process had stored is gone', async (_what, secretOf) => {
    const { content, text } = secretOf()
    const session = sessionOf()
    await expect(session.agent([{ error: new Error('gone') }]).invoke(content)).rejects.toThrow('gone')
    expect(await isInTable(table, text, bucket)).toBe(true)
    await session.agent(refuses).invoke([])
    expect(await isInTable(table, text, bucket)).toBe(false)
    expect(await problemsOf(session)).toEqual([])
  })

  test('an image stays as long as one message has it', async () => {
    const { content, text } = image()
    const session = sessionOf()
    await session.agent(answers('I see.')).invoke(content)
    await session.agent(refuses).invoke(content)
    const { messages } = await session.restored()
    expect(JSON.stringify(messages[0])).toContain(text)
    expect(JSON.stringify(messages.slice(1))).not.toContain(text)
    expect(await problemsOf(session)).toEqual([])
  })
})
