import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest'
import { startAgentServer } from '../src/dev/agent-server.ts'
import type { DevServer } from '../src/dev/server.ts'
import { localClientConfig } from '../src/engine.ts'
import { OfflineModel } from '../src/offline-model.ts'
import { runScript } from './processes.ts'

let server: DevServer

beforeAll(async () => {
  const clientConfig = localClientConfig(inject('dynamoDBEndpoint'))
  const model = new OfflineModel()
  server = await startAgentServer({ model, clientConfig, tableName: `remote-${randomUUID()}`, port: 0 })
})
afterAll(() => server?.close())

/** A server that answers with this status and body, and notes the headers that it was sent. */
async function stranger(
  status: number,
  body: string,
  knowsSessions = false,
): Promise<{ url: string; seen: IncomingHttpHeaders[] }> {
  const seen: IncomingHttpHeaders[] = []
  const other = createServer((request, response) => {
    seen.push(request.headers)
    if (knowsSessions && request.method === 'GET') response.writeHead(200).end('{"messages":[]}')
    else response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  }).listen(0, '127.0.0.1')
  await once(other, 'listening')
  onTestFinished(() => void other.close())
  const address = other.address()
  return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/prod`, seen }
}

test('a conversation with an agent elsewhere goes on where it was', async () => {
  const options = ['--url', server.url, '--session', 's1']
  const first = await runScript('chat', options, 'My name is Ada. What is 17 * 23?\n/sessions\n')
  expect([first.code, first.stdout]).toEqual([
    0,
    expect.stringMatching(
      /Session s1: new.*tool {2}calculator → success\nagent Noted: .* 17 \* 23 = 391\..*\* {2}s1 /s,
    ),
  ])
  const second = await runScript('chat', options, 'Who am I?\n/history\n/delete\n/quit\n')
  expect(second.stdout).toMatch(/Session s1: resumed with \d messages.*agent Your name is Ada\..*tool {2}calculator/s)
  const third = await runScript('chat', options, '/quit\n')
  expect(third.stdout).toMatch(/Session s1: new/)
})

test('requests are signed for Lambda, and a refused signature says what is missing', async () => {
  const { url, seen } = await stranger(403, '{"Message":"Forbidden"}')
  const environment = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret', AWS_SESSION_TOKEN: 'token' }
  const { code, stderr } = await runScript('chat', ['--url', url, '--region', 'eu-west-1'], '', environment)
  expect([code, stderr]).toEqual([1, expect.stringMatching(/403.*lambda:InvokeFunctionUrl/)])
  expect(seen[0]).toMatchObject({
    authorization: expect.stringMatching(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/lambda\/aws4_request, SignedHeaders=host;.*Signature=/,
    ),
    'x-amz-security-token': 'token',
  })
})

test.each([
  [409, '{"error":{"code":"busy","message":"The session is busy."}}', /The session is busy\. Say the same again/],
  [500, '{"error":{"code":"internal","message":"Something is wrong."}}', /Something is wrong\. Say the same again/],
  [400, '{"error":{"code":"bad_request","message":"prompt: too long"}}', /prompt: too long\n/],
])('a turn that is refused with %d %s is explained', async (status, body, message) => {
  const { url, seen } = await stranger(status, body, true)
  const { code, stdout } = await runScript('chat', ['--url', url], 'Hello\n')
  expect([code, stdout]).toEqual([0, expect.stringMatching(message)])
  expect(seen.map(({ authorization }) => authorization)).toEqual([undefined, undefined])
})

test.each([
  [502, '<html>', /HTTP 502\. Is this the URL of the sample agent\?/],
  [200, '<html>', /something else than JSON\. Is this the URL/],
])('an answer of %d %s is explained', async (status, body, message) => {
  const { url } = await stranger(status, body)
  const { code, stderr } = await runScript('chat', ['--url', url])
  expect([code, stderr]).toEqual([1, expect.stringMatching(message)])
})

test('nothing that answers is explained too', async () => {
  const { code, stderr } = await runScript('chat', ['--url', 'http://127.0.0.1:9/'])
  expect([code, stderr]).toEqual([1, expect.stringMatching(/cannot be reached\. Is the URL right/)])
})
