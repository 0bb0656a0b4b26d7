/** Lambda as a handler sees it, within this process: events, a context, and a stream that a test reads. */

import { randomUUID } from 'node:crypto'
import { Writable } from 'node:stream'
import type { Context } from 'aws-lambda'
import type { LambdaService } from '../../agent/lambda.ts'
import { createHandler, type LambdaStreaming, type StreamingHandler } from '../../agent/lambda.ts'
import type { HttpEvent } from '../../agent/lambda-event.ts'
import type { RequestTelemetry } from '../../agent/telemetry.ts'

/** A request, as a test states it. */
export interface TestRequest {
  /** Method and path, such as `GET /sessions`. @defaultValue `POST /chat` */
  readonly route?: string
  readonly query?: Record<string, string>
  /** Sent as JSON, unless it is a text. */
  readonly body?: unknown
  /** The IAM principal who signed it; null for nobody. @defaultValue `AIDAALICE` */
  readonly caller?: string | null
  readonly requestId?: string
  /** @defaultValue five minutes */
  readonly remainingMs?: number
}

/** A server-sent event. */
export interface SentEvent {
  readonly event: string
  readonly data: Record<string, unknown>
}

/** What came back. */
export interface TestReply {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: string
  /** The body as JSON. */
  readonly json: () => unknown
  /** The body as server-sent events. */
  readonly events: () => SentEvent[]
}

/** The event of a Function URL. */
export function urlEvent({ route = 'POST /chat', query, body, caller = 'AIDAALICE' }: TestRequest): HttpEvent {
  const [method = '', rawPath = ''] = route.split(' ')
  const authorizer = caller === null ? {} : { authorizer: { iam: { userId: caller } } }
  return {
    rawPath,
    requestContext: { http: { method }, ...authorizer },
    isBase64Encoded: false,
    ...(query === undefined ? {} : { queryStringParameters: query }),
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  } as unknown as HttpEvent
}

/** A context of Lambda. */
export function contextOf({ requestId = randomUUID(), remainingMs = 300_000 }: TestRequest = {}): Context {
  const ends = Date.now() + remainingMs
  return {
    awsRequestId: requestId,
    functionName: 'agent',
    getRemainingTimeInMillis: () => ends - Date.now(),
  } as unknown as Context
}

/** A stream that a test reads. */
export class TestStream extends Writable {
  metadata: { statusCode: number; headers: Record<string, string> } | undefined
  readonly pieces: string[] = []
  #isHeld = false
  #release: (() => void) | undefined
  readonly #reached = new Map<number, () => void>()

  constructor(highWaterMark = 16_384) {
    super({ highWaterMark, decodeStrings: false })
  }

  override _write(piece: string, _encoding: string, done: () => void): void {
    this.pieces.push(piece)
    this.#reached.get(this.pieces.length)?.()
    if (this.#isHeld) this.#release = done
    else done()
  }

  /** Stops reading, as a slow client does. */
  hold(): void {
    this.#isHeld = true
  }

  /** Goes on reading. */
  release(): void {
    this.#isHeld = false
    this.#release?.()
  }

  /** Resolves when so many pieces have come. */
  async reached(count: number): Promise<void> {
    if (this.pieces.length < count) await new Promise<void>((resolve) => this.#reached.set(count, resolve))
  }
}

/** What Lambda's runtime offers to handlers that stream. */
export const fakeStreaming = {
  streamifyResponse: (handler: StreamingHandler) => handler,
  HttpResponseStream: {
    from: (stream: TestStream, metadata: TestStream['metadata']) => Object.assign(stream, { metadata }),
  },
} as unknown as LambdaStreaming

/** Sends a request to the streaming handler, and reads the reply as it comes. */
export async function invokeOn(stream: TestStream, service: LambdaService, request: TestRequest): Promise<TestReply> {
  const handler = createHandler(service, fakeStreaming) as StreamingHandler
  await handler(urlEvent(request), stream as never, contextOf(request))
  return replyOf(stream.metadata?.statusCode ?? 0, stream.metadata?.headers ?? {}, stream.pieces.join(''))
}

/** Sends a request to the streaming handler. */
export function invoke(service: LambdaService, request: TestRequest): Promise<TestReply> {
  return invokeOn(new TestStream(), service, request)
}

/** A reply, for a test to look at. */
export function replyOf(status: number, headers: Record<string, string>, body: string): TestReply {
  return { status, headers, body, json: () => JSON.parse(body), events: () => parseEvents(body) }
}

/** The text that a reply's events make up. */
export function textOf(reply: TestReply): string {
  const texts = reply.events().flatMap(({ event, data }) => (event === 'text' ? [data['text']] : []))
  return texts.join('')
}

/** Telemetry that keeps what it is told. */
export class NotedTelemetry implements RequestTelemetry {
  readonly errors: unknown[] = []
  readonly ended: { status: number; milliseconds: number }[] = []
  writeUnits = 0
  readonly noteCapacity: RequestTelemetry['noteCapacity'] = ({ writeUnits }) => {
    this.writeUnits += writeUnits
  }
  readonly noteRetry = (): void => {}
  readonly noteError = (error: unknown): void => {
    this.errors.push(error)
  }
  readonly begin = (): void => {}
  readonly end: RequestTelemetry['end'] = (facts) => {
    this.ended.push(facts)
  }
}

function parseEvents(body: string): SentEvent[] {
  return body.split('\n\n').flatMap((block) => {
    const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? []
    return event === undefined || data === undefined ? [] : [{ event, data: JSON.parse(data) }]
  })
}
