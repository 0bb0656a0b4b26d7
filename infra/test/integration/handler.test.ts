/** The Lambda handler within this process, on DynamoDB Local. */

import { randomUUID } from 'node:crypto'
import { OfflineModel } from 'strands-session-dynamodb-playground/offline-model'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { GatedModel, gate } from '../../../packages/session-dynamodb/test/support/gate.ts'
import { ScriptedModel } from '../../../packages/session-dynamodb/test/support/scripted-model.ts'
import { createTestTable, type TestTable } from '../../../packages/session-dynamodb/test/support/table.ts'
import { always, answers } from '../../../packages/session-dynamodb/test/support/test-session.ts'
import { type BufferedHandler, createHandler, type LambdaService } from '../../agent/lambda.ts'
import { namesOf } from '../../agent/refusals.ts'
import { contextOf, invoke, invokeOn, NotedTelemetry, TestStream, textOf, urlEvent } from '../support/lambda.ts'

let table: TestTable
beforeAll(async () => {
  table = await createTestTable()
})
afterAll(() => table.drop())

/** A service as a cold start makes it. */
function service(model: LambdaService['model'] = new OfflineModel()): LambdaService & { telemetry: NotedTelemetry } {
  return { model, client: table.client, tableName: table.tableName, telemetry: new NotedTelemetry() }
}

describe('a conversation', () => {
  test('streams, resumes in another process, is listed, read and deleted', async () => {
    const caller = randomUUID()
    const first = await invoke(service(), { caller, body: { prompt: 'My name is Ada. What is 6 * 7?' } })
    const [session, ...rest] = first.events()
    const sessionId = String(session?.data['sessionId'])

    expect(first).toMatchObject({ status: 200, headers: { 'content-type': 'text/event-stream; charset=utf-8' } })
    expect(session).toEqual({ event: 'session', data: { sessionId: expect.any(String) } })
    expect(rest.flatMap(({ event, data }) => (event === 'tool' ? [data['status']] : []))).toEqual([
      'started',
      'success',
    ])
    expect(rest.at(-1)).toEqual({ event: 'done', data: { stopReason: 'endTurn' } })

    const second = await invoke(service(), { caller, body: { prompt: 'What is my name?', sessionId } })
    expect(textOf(second)).toContain('Ada')

    const listed = await invoke(service(), { caller, route: 'GET /sessions' })
    const title = 'My name is Ada. What is 6 * 7?'
    const times = { createdAt: expect.any(String), updatedAt: expect.any(String) }
    expect(listed.json()).toEqual({ sessions: [{ sessionId, title, ...times }] })

    const read = await invoke(service(), { caller, route: `GET /sessions/${sessionId}` })
    expect(read.json()).toMatchObject({
      sessionId,
      messages: [
        { role: 'user', text: title },
        { role: 'assistant', tools: ['calculator'] },
        { role: 'assistant', text: expect.stringContaining('42') },
        { role: 'user', text: 'What is my name?' },
        { role: 'assistant', text: expect.stringContaining('Ada') },
      ],
    })

    const deleted = await invoke(service(), { caller, route: `DELETE /sessions/${sessionId}` })
    expect(deleted).toMatchObject({ status: 204, body: '' })
    expect(await invoke(service(), { caller, route: `GET /sessions/${sessionId}` })).toMatchObject({ status: 404 })
    expect((await invoke(service(), { caller, route: 'GET /sessions' })).json()).toEqual({ sessions: [] })
  })

  test('is its caller’s alone: nobody else can list, read, continue or delete it', async () => {
    const [alice, mallory] = [randomUUID(), randomUUID()]
    const sessionId = randomUUID()
    await invoke(service(), { caller: alice, body: { prompt: 'My code word is plum.', sessionId } })

    expect(await invoke(service(), { caller: mallory, route: `GET /sessions/${sessionId}` })).toMatchObject({
      status: 404,
    })
    expect((await invoke(service(), { caller: mallory, route: 'GET /sessions' })).json()).toEqual({ sessions: [] })
    const asked = { prompt: 'What is my code word?', sessionId, tenantId: alice, owner: alice, caller: alice }
    expect(textOf(await invoke(service(), { caller: mallory, body: asked }))).not.toContain('plum')
    await invoke(service(), { caller: mallory, route: `DELETE /sessions/${sessionId}` })

    const read = await invoke(service(), { caller: alice, route: `GET /sessions/${sessionId}` })
    expect(read.status).toBe(200)
    expect(read.body).toContain('plum')
    expect(read.body).not.toContain('What is my code word?')
  })

  test('a retry with the same turn id is answered from the table, in the session that the first try began', async () => {
    const caller = randomUUID()
    const body = { prompt: 'Toss a coin.', turnId: 'toss-1' }
    const first = await invoke(service(new ScriptedModel(answers('Heads.'))), { caller, body })
    const silent = new ScriptedModel([])
    const retry = await invoke(service(silent), { caller, body })

    expect(textOf(retry)).toBe('Heads.')
    expect(retry.body).toBe(first.body)
    expect(silent.calls).toEqual([])
  })

  test('an asynchronous event that Lambda sends again keeps its request id, and is not a second turn', async () => {
    const caller = randomUUID()
    const event = { caller, requestId: randomUUID(), body: { prompt: 'Toss a coin.' } }
    await invoke(service(new ScriptedModel(answers('Tails.'))), event)

    expect(textOf(await invoke(service(new ScriptedModel([])), event))).toBe('Tails.')
  })
})

describe('streaming', () => {
  test('a piece leaves as soon as the model has said it', async () => {
    const at = gate()
    const model = new GatedModel(
      [{ toolUses: [{ name: 'list_notes', input: {} }], text: 'One moment.' }, { text: 'None.' }],
      at,
      1,
    )
    const stream = new TestStream()
    const reply = invokeOn(stream, service(model), { body: { prompt: 'Notes?', sessionId: randomUUID() } })
    await at.reached

    expect(stream.pieces.join('')).toContain('One moment.')
    expect(stream.pieces.join('')).not.toContain('None.')
    at.open()
    expect(textOf(await reply)).toBe('One moment.None.')
  })

  test('a slow client makes the agent wait, and loses nothing', async () => {
    const words = Array.from({ length: 40 }, (_, index) => `word-${index} `).join('')
    const stream = new TestStream(64)
    stream.hold()
    const reply = invokeOn(stream, service(new OfflineModel()), {
      body: { prompt: `Save a note that ${words}`, sessionId: randomUUID() },
    })
    await stream.reached(1)
    await new Promise(setImmediate)

    expect(stream.writableLength).toBeLessThan(512)
    stream.release()
    const { body } = await reply
    expect(body).toContain('event: done')
    expect(textOf(await reply)).toContain('word-39')
  })

  test('a client that goes away ends the turn, and what was said is stored', async () => {
    const at = gate()
    const model = new GatedModel(
      [{ toolUses: [{ name: 'list_notes', input: {} }], text: 'One moment.' }, { text: 'None.' }],
      at,
      1,
    )
    const stream = new TestStream()
    const caller = randomUUID()
    const sessionId = randomUUID()
    const reply = invokeOn(stream, service(model), { caller, body: { prompt: 'Notes?', sessionId } })
    await at.reached
    stream.destroy(new Error('the client has gone'))
    at.open()
    await reply

    expect(stream.pieces.join('')).not.toContain('None.')
    const next = await invoke(service(new ScriptedModel(always('Here you are.'))), {
      caller,
      body: { prompt: 'Again?', sessionId },
    })
    expect(next).toMatchObject({ status: 200 })
    const read = await invoke(service(), { caller, route: `GET /sessions/${sessionId}` })
    expect(read.body).toContain('One moment.')
    expect(read.body).toContain('Here you are.')
  })

  test('a turn whose time is up is ended before the process is, and says so', async () => {
    const model = new ScriptedModel([
      { toolUses: [{ name: 'list_notes', input: {} }], text: 'One moment.' },
      { text: 'None.' },
    ])
    const reply = await invoke(service(model), {
      body: { prompt: 'Notes?', sessionId: randomUUID() },
      remainingMs: 9_000,
    })

    expect(reply.events().at(-1)).toMatchObject({ event: 'error', data: { code: 'timeout' } })
  })

  test('a runtime that does not stream gets the same content whole', async () => {
    const handler = createHandler(service(new ScriptedModel(answers('Hello.'))), {}) as BufferedHandler
    const body = { prompt: 'Hi', sessionId: 'whole' }
    const reply = await handler(urlEvent({ caller: randomUUID(), body }), contextOf())
    const streamed = await invoke(service(new ScriptedModel(answers('Hello.'))), { caller: randomUUID(), body })

    expect(reply).toEqual({ statusCode: streamed.status, headers: streamed.headers, body: streamed.body })
  })
})

describe('errors', () => {
  test('a busy session is a 409 that says when to try again, before a token is spent', async () => {
    const at = gate()
    const caller = randomUUID()
    const body = { prompt: 'Hello', sessionId: randomUUID() }
    const first = invoke(service(new GatedModel(answers('Hello.'), at)), { caller, body })
    await at.reached
    const model = new ScriptedModel([])
    const second = await invoke({ ...service(model), turnWaitMs: 100 }, { caller, body })
    at.open()
    await first

    expect(second).toMatchObject({ status: 409, headers: { 'retry-after': expect.stringMatching(/^[1-9]\d*$/) } })
    expect(second.json()).toMatchObject({ error: { code: 'busy' } })
    expect(model.calls).toEqual([])
  })

  test.each([
    ['not JSON', { body: 'prompt=Hello' }, 400, 'bad_request'],
    ['a prompt of nothing', { body: { prompt: '' } }, 400, 'bad_request'],
    ['a prompt of 1 MB', { body: { prompt: 'x'.repeat(1_048_576) } }, 413, 'too_large'],
    ['a session id that is none', { body: { prompt: 'Hello', sessionId: '../Other#1' } }, 400, 'bad_request'],
    ['a turn id that is none', { body: { prompt: 'Hello', turnId: 'a\nb' } }, 400, 'bad_request'],
    ['a cursor that is none', { route: 'GET /sessions', query: { cursor: 'x' } }, 400, 'bad_request'],
    ['a path that is none', { route: 'GET /admin' }, 404, 'not_found'],
    ['a method that is none', { route: 'PUT /sessions/s-1' }, 404, 'not_found'],
    ['nobody', { caller: null, body: { prompt: 'Hello' } }, 403, 'forbidden'],
    ['nobody’s list', { caller: null, route: 'GET /sessions' }, 403, 'forbidden'],
  ])('%s', async (_, request, status, code) => {
    const asked = service(new ScriptedModel([]))
    const reply = await invoke(asked, request)

    expect(reply).toMatchObject({ status, headers: { 'content-type': 'application/json; charset=utf-8' } })
    expect(reply.json()).toEqual({ error: { code, message: expect.any(String) } })
    expect(asked.telemetry.errors).toEqual([])
    expect(asked.telemetry.writeUnits).toBe(0)
  })

  const denied = Object.assign(new Error('User arn:aws:iam::1:user/x may not use the model'), {
    name: 'AccessDeniedException',
  })
  test.each([
    [
      'no access to the model',
      () => service(new ScriptedModel([{ error: denied }])),
      'ModelError < AccessDeniedException',
    ],
    [
      'a missing table',
      () => ({ ...service(), tableName: 'no-such-table' }),
      'TableNotFoundError < ResourceNotFoundException',
    ],
    ['a table that nobody has named', () => ({ ...service(), tableName: undefined }), 'InvalidOptionError'],
  ])('%s is a 500 that leaks nothing, and is logged by name', async (_, make, name) => {
    const asked = make()
    const reply = await invoke(asked, { body: { prompt: 'Hello', sessionId: randomUUID() } })
    const message = 'Something went wrong. The request can be sent again.'

    expect(reply.status).toBe(500)
    expect(reply.json()).toEqual({ error: { code: 'internal', message } })
    expect(asked.telemetry.errors.map(namesOf)).toEqual([name])
    expect(asked.telemetry.ended).toEqual([{ status: 500, milliseconds: expect.any(Number) }])
  })
})
