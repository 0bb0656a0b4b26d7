/** The Runtime API that Lambda's runtime client asks for work, on loopback. */

import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { replyOf, type TestReply } from './lambda.ts'

/** What a function has answered. */
export interface FunctionResult {
  /** The response's own content type, and whether it is a stream. */
  readonly contentType: string
  readonly mode: string
  /** What came at once each time. */
  readonly frames: readonly Buffer[]
  /** Whether it is an error of the function. */
  readonly isError: boolean
  /** The HTTP reply in it: metadata, eight zero bytes, then the body. */
  readonly reply: () => TestReply
}

interface Work {
  readonly id: string
  readonly event: unknown
  readonly settle: (result: FunctionResult) => void
}

const METADATA_END = Buffer.alloc(8)
const BASE = '/2018-06-01/runtime'

/** Hands events to one runtime client, and collects what it answers. */
export class RuntimeApi {
  readonly #server: Server
  readonly #waiting: ServerResponse[] = []
  readonly #queue: Work[] = []
  readonly #running = new Map<string, Work>()
  readonly #ready = Promise.withResolvers<void>()

  private constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response))
  }

  static async start(): Promise<RuntimeApi> {
    const api = new RuntimeApi()
    api.#server.listen(0, '127.0.0.1')
    await once(api.#server, 'listening')
    return api
  }

  /** Host and port, as the runtime client wants them. */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Resolves when the function has been loaded and waits for work; rejects when it could not be. */
  get ready(): Promise<void> {
    return this.#ready.promise
  }

  /** Has the function work on an event. */
  invoke(event: unknown): Promise<FunctionResult> {
    const { promise, resolve } = Promise.withResolvers<FunctionResult>()
    this.#queue.push({ id: randomUUID(), event, settle: resolve })
    this.#handOut()
    return promise
  }

  stop(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url?.slice(BASE.length) ?? ''
    if (path === '/invocation/next') {
      this.#waiting.push(response)
      this.#ready.resolve()
      this.#handOut()
      return
    }
    const frames: Buffer[] = []
    for await (const frame of request) frames.push(frame)
    if (path === '/init/error') this.#ready.reject(new Error(Buffer.concat(frames).toString()))
    const [, id = '', kind] = /^\/invocation\/([^/]+)\/(response|error)$/.exec(path) ?? []
    this.#running.get(id)?.settle(resultOf(request, frames, kind === 'error'))
    response.writeHead(202).end()
  }

  #handOut(): void {
    if (this.#queue.length === 0 || this.#waiting.length === 0) return
    const work = this.#queue.shift()
    if (work === undefined) return
    this.#running.set(work.id, work)
    this.#waiting.shift()?.writeHead(200, headersOf(work.id)).end(JSON.stringify(work.event))
  }
}

function headersOf(id: string): Record<string, string> {
  return {
    'content-type': 'application/json',
    'lambda-runtime-aws-request-id': id,
    'lambda-runtime-deadline-ms': String(Date.now() + 300_000),
    'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:us-east-1:123456789012:function:agent',
    'lambda-runtime-trace-id': 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0',
  }
}

function resultOf({ headers }: IncomingMessage, frames: readonly Buffer[], isError: boolean): FunctionResult {
  const whole = Buffer.concat(frames)
  return {
    contentType: headers['content-type'] ?? '',
    mode: String(headers['lambda-runtime-function-response-mode'] ?? ''),
    frames,
    isError,
    reply: () => {
      const end = whole.indexOf(METADATA_END)
      const { statusCode, headers } = JSON.parse(whole.subarray(0, end).toString())
      return replyOf(statusCode, headers, whole.subarray(end + METADATA_END.length).toString())
    },
  }
}
