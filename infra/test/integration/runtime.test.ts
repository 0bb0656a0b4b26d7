/** The real bundle under Lambda's own runtime client, on DynamoDB Local. */

import { randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  createTestTable,
  type TestTable,
  testClientConfig,
} from '../../../packages/session-dynamodb/test/support/table.ts'
import { type Bundle, bundleFunction } from '../support/bundle.ts'
import { type FunctionProcess, installRuntimeClient, startFunction } from '../support/function-process.ts'
import { type TestRequest, textOf, urlEvent } from '../support/lambda.ts'

const reason = installRuntimeClient()
const suffix = reason === undefined ? '' : ` (not run: the runtime client could not be installed: ${reason})`

describe.runIf(reason === undefined)(`under Lambda's runtime client${suffix}`, () => {
  let table: TestTable
  let offline: Bundle
  let environment: NodeJS.ProcessEnv
  const processes: FunctionProcess[] = []

  beforeAll(async () => {
    table = await createTestTable()
    offline = bundleFunction('handler', 'offline')
    const { region, endpoint, credentials } = testClientConfig()
    environment = {
      AWS_REGION: String(region),
      AWS_ENDPOINT_URL: String(endpoint),
      AWS_ACCESS_KEY_ID: Reflect.get(credentials ?? {}, 'accessKeyId'),
      AWS_SECRET_ACCESS_KEY: Reflect.get(credentials ?? {}, 'secretAccessKey'),
      STRANDS_SESSION_TABLE: table.tableName,
    }
  }, 180_000)
  afterAll(async () => {
    await Promise.all(processes.map((each) => each.stop()))
    rmSync(offline.folder, { recursive: true })
    await table.drop()
  })

  /** Starts a process, as Lambda does for a cold start. */
  async function start(bundle: Bundle, more: NodeJS.ProcessEnv = {}): Promise<FunctionProcess> {
    const started = await startFunction(bundle.folder, { ...environment, ...more })
    processes.push(started)
    return started
  }

  test('streams in frames, and a second process goes on with the conversation', async () => {
    const [caller, sessionId] = [randomUUID(), randomUUID()]
    const ask = (request: TestRequest): unknown => urlEvent({ caller, ...request })
    const first = await start(offline)
    const told = await first.invoke(ask({ body: { prompt: 'My name is Ada. What is 6 * 7?', sessionId } }))
    await first.stop()

    expect(told).toMatchObject({
      contentType: 'application/vnd.awslambda.http-integration-response',
      mode: 'streaming',
      isError: false,
    })
    expect(told.frames.length).toBeGreaterThan(5)
    expect(told.reply()).toMatchObject({ status: 200, headers: { 'content-type': 'text/event-stream; charset=utf-8' } })
    expect(told.reply().events().at(0)).toEqual({ event: 'session', data: { sessionId } })
    expect(textOf(told.reply())).toContain('42')

    const second = await start(offline)
    const resumed = await second.invoke(ask({ body: { prompt: 'What is my name?', sessionId } }))
    const deleted = await second.invoke(ask({ route: `DELETE /sessions/${sessionId}` }))
    expect(textOf(resumed.reply())).toMatch(/^(?!.*42).*Ada/)
    expect(deleted.reply()).toMatchObject({ status: 204, body: '' })

    await second.stop()
    // Metrics and logs are there, and none of them says what was said.
    expect(second.log()).toMatch(/"ConsumedReadUnits":/)
    expect(second.log()).toMatch(/"ConsumedWriteUnits":/)
    expect(second.log()).toMatch(/"ColdStart":1/)
    expect(first.log() + second.log()).not.toMatch(/Ada\b|[Mm]y name/)
  })

  test('without access to the model, to the table or to a region it says nothing but 500', async () => {
    const bedrock = bundleFunction('handler', 'amazon.nova-lite-v1:0')
    const model = { MODEL_ID: 'amazon.nova-lite-v1:0' }
    const failures: [NodeJS.ProcessEnv, RegExp][] = [
      // DynamoDB Local knows nothing of Bedrock, as an account without access does.
      [model, /"reason":"[^"]+"/],
      [{ ...model, STRANDS_SESSION_TABLE: 'no-such-table' }, /"reason":"TableNotFoundError/],
      [{ ...model, AWS_REGION: '' }, /"reason":"TableRequestError/],
    ]
    for (const [more, logged] of failures) {
      const process = await start(bedrock, more)
      const result = await process.invoke(urlEvent({ body: { prompt: 'My secret is plum.' } }))

      expect(result.reply()).toMatchObject({ status: 500 })
      expect(result.reply().json()).toMatchObject({ error: { code: 'internal' } })
      expect(process.log()).toMatch(logged)
      expect(process.log()).not.toContain('plum')
      await process.stop()
    }
    rmSync(bedrock.folder, { recursive: true })
  })

  test('a queue’s message is answered once, and one that fails goes back alone', async () => {
    const worker = bundleFunction('queue-handler', 'offline')
    const sender = randomUUID()
    const message = (messageId: string, body: unknown): unknown => ({
      messageId,
      body: JSON.stringify(body),
      attributes: { SenderId: sender },
    })
    const process = await start(worker)
    const Records = [message('m-1', { prompt: 'My name is Ada.', sessionId: 'inbox' }), message('m-2', { prompt: '' })]
    const results = [await process.invoke({ Records }), await process.invoke({ Records })]
    await process.stop()
    const away = await start(worker, { STRANDS_SESSION_TABLE: 'no-such-table' })
    const failed = await away.invoke({ Records })

    const bodies = [...results, failed].map(({ frames }) => JSON.parse(Buffer.concat(frames).toString()))
    const none = { batchItemFailures: [] }
    // An empty prompt can never be answered: it is not tried again.
    expect(bodies).toEqual([none, none, { batchItemFailures: [{ itemIdentifier: 'm-1' }] }])
    const reader = await start(offline)
    const read = await reader.invoke(urlEvent({ caller: sender, route: 'GET /sessions/inbox' }))
    expect(read.reply().json()).toMatchObject({ messages: [{ role: 'user' }, { role: 'assistant' }] })
    rmSync(worker.folder, { recursive: true })
  })
})
