/** Serves the sample agent and the chat page to this machine, and to nobody else. */

import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isLoopback } from '../engine-choice.ts'
import { pageFile } from './page-files.ts'

const HOST = '127.0.0.1'

/** A server that listens. */
export interface DevServer {
  readonly url: string
  /** Takes no more requests, and resolves when those that came before have been answered. */
  readonly close: () => Promise<void>
  /** Drops the connections that are still open. */
  readonly abandon: () => void
}

/**
 * Starts the server.
 *
 * @param agent - Answers what is not a file of the page.
 * @param port - 0 for any free one.
 * @throws Error that names the port, when another program has it or it takes more rights.
 */
export async function startServer(agent: RequestListener, port: number): Promise<DevServer> {
  const server = createServer((request, response) => {
    answer(agent, request, response).catch((error: unknown) => {
      console.error(error)
      response.destroy()
    })
  })
  await listen(server, port)
  const { port: given } = server.address() as AddressInfo
  return {
    url: `http://${HOST}:${given}/`,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      await closed
    },
    abandon: () => server.closeAllConnections(),
  }
}

async function listen(server: Server, port: number): Promise<void> {
  const listening = once(server, 'listening')
  server.listen(port, HOST)
  try {
    await listening
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    const reason = code === 'EADDRINUSE' ? 'Another program listens there' : String(code ?? cause)
    throw new Error(`Port ${port} cannot be used: ${reason}. Give another one with --port.`, { cause })
  }
}

async function answer(agent: RequestListener, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const refusal = refusalOf(request)
  if (refusal !== undefined) {
    response.writeHead(403, { 'content-type': 'text/plain; charset=utf-8' }).end(`${refusal}\n`)
    return
  }
  const isReading = request.method === 'GET' || request.method === 'HEAD'
  const file = isReading ? await pageFile(new URL(request.url ?? '/', `http://${HOST}`).pathname) : undefined
  if (file === undefined) agent(request, response)
  else response.writeHead(200, file.headers).end(file.content)
}

/**
 * Why a request is refused. The port is this machine's, but pages of other sites run on it too: such a page would reach
 * the server under its own name, by a name service that points to 127.0.0.1, or by a form.
 */
function refusalOf({ headers }: IncomingMessage): string | undefined {
  const own = `http://${headers.host}`
  if (!URL.canParse(own) || !isLoopback(own)) return 'This server answers to 127.0.0.1 and localhost only.'
  if (headers.origin !== undefined && headers.origin !== own) return 'Pages of other sites may not use this server.'
  return undefined
}
