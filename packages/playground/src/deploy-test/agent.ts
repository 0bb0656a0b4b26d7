/** The deployed agent, as the emulator serves its Function URL. */

import { AgentClient } from '../dev/page/agent-client.js'
import { sendTo } from '../remote/signed-requests.ts'
import { signerFor } from './stack.ts'

/** A client of the agent. @param options - Whether its requests are signed; they are by default. */
export function agentAt(endpoint: string, agentUrl: string, { isSigned = true } = {}): AgentClient {
  const send = sendTo(emulatedUrl(endpoint, agentUrl), isSigned ? signerFor('lambda') : undefined)
  return new AgentClient(async (path, init) => unwrap(await send(path, init)))
}

/** Asks the agent something, and waits for all of its answer. */
export async function ask(agent: AgentClient, sessionId: string, prompt: string): Promise<string> {
  let answer = ''
  for await (const event of agent.chat({ prompt, sessionId, turnId: crypto.randomUUID() })) {
    if (event.type === 'text') answer += event.text
  }
  return answer
}

/** Where the emulator serves a Function URL, whose own name leads nowhere. */
export function emulatedUrl(endpoint: string, agentUrl: string): URL {
  const [id = ''] = new URL(agentUrl).hostname.split('.')
  return new URL(`/_aws/lambda-url/${id}/`, endpoint)
}

/** What the agent's handler returns where it cannot stream. */
interface WholeReply {
  readonly statusCode: number
  readonly headers: Record<string, string>
  readonly body: string
}

/** The emulator cannot stream, and hands out all that a handler has returned, as JSON. */
async function unwrap(response: Response): Promise<Response> {
  if (!response.ok) return response
  const { statusCode, headers, body } = (await response.json()) as WholeReply
  return new Response(body === '' ? null : body, { status: statusCode, headers })
}
