/** The routes behind Node.js's own HTTP server: for Bedrock AgentCore Runtime, and for development. */

import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Caller, Reply } from './http.ts'
import { MAX_BODY_BYTES } from './request.ts'
import { route } from './routes.ts'
import type { AgentService } from './service.ts'
import { clientOf, writeBody } from './streams.ts'

/** Tells from its headers who sent a request. */
export type Identify = (headers: IncomingHttpHeaders) => Caller | undefined

/** A listener for `http.createServer` that answers with the agent's routes. */
export function createListener(
  service: AgentService,
  identify: Identify,
): (incoming: IncomingMessage, response: ServerResponse) => void {
  return (incoming, response) => {
    answer(service, identify, incoming, response).catch((error: unknown) => {
      service.telemetry.noteError(error)
      response.destroy()
    })
  }
}

async function answer(
  service: AgentService,
  identify: Identify,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = clientOf(response)
  const url = new URL(incoming.url ?? '/', 'http://host')
  const reply: Reply = await route(service, {
    method: incoming.method ?? 'GET',
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    body: await readBody(incoming),
    caller: identify(incoming.headers),
    requestId: randomUUID(),
    signal: gone,
  })
  response.writeHead(reply.status, reply.headers)
  await writeBody(response, reply, gone)
}

/** A request's body, or as much of it as shows that it is too large. */
async function readBody(incoming: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of incoming) {
    if (size <= MAX_BODY_BYTES) pieces.push(piece)
    size += piece.length
  }
  return Buffer.concat(pieces).toString()
}
