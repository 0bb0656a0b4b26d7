/** The server of Bedrock AgentCore Runtime, on DynamoDB Local. */

import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { OfflineModel } from 'strands-session-dynamodb-playground/offline-model'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestTable, type TestTable } from '../../../packages/session-dynamodb/test/support/table.ts'
import { serve } from '../../agent/serve.ts'
import { NotedTelemetry, replyOf, type TestReply, textOf } from '../support/lambda.ts'

let table: TestTable
let server: Server
beforeAll(async () => {
  table = await createTestTable()
  const { client, tableName } = table
  server = serve({ model: new OfflineModel(), client, tableName, telemetry: new NotedTelemetry() }, 0)
  await once(server, 'listening')
})
afterAll(async () => {
  server.close()
  await table.drop()
})

async function send(path: string, headers: Record<string, string>, body?: string): Promise<TestReply> {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`
  const response = await fetch(url, body === undefined ? { headers } : { method: 'POST', headers, body })
  return replyOf(response.status, Object.fromEntries(response.headers), await response.text())
}

function invoke(session: string, prompt: string, user?: string): Promise<TestReply> {
  const headers = {
    'X-Amzn-Bedrock-AgentCore-Runtime-Session-Id': session,
    ...(user === undefined ? {} : { 'X-Amzn-Bedrock-AgentCore-Runtime-User-Id': user }),
  }
  return send('/invocations', headers, JSON.stringify({ prompt }))
}

test('is healthy, whoever asks', async () => {
  const reply = await send('/ping', {})

  expect(reply.status).toBe(200)
  expect(reply.json()).toEqual({ status: 'Healthy' })
})

test('a runtime session is a conversation of its own, and of its user', async () => {
  const session = randomUUID()
  const told = await invoke(session, 'My name is Ada.', 'ada')

  expect(told).toMatchObject({ status: 200 })
  expect(told.headers['content-type']).toBe('text/event-stream; charset=utf-8')
  expect(textOf(await invoke(session, 'What is my name?', 'ada'))).toContain('Ada')
  expect(textOf(await invoke(randomUUID(), 'What is my name?', 'ada'))).not.toContain('Ada')
  expect(textOf(await invoke(session, 'What is my name?', 'eve'))).not.toContain('Ada')
  expect(textOf(await invoke(session, 'What is my name?'))).not.toContain('Ada')
})

test('refuses whom the runtime does not name, and what is too large', async () => {
  expect(await send('/invocations', {}, '{"prompt":"Hello"}')).toMatchObject({ status: 403 })
  expect(await invoke(randomUUID(), 'x'.repeat(1_048_576))).toMatchObject({ status: 413 })
})
