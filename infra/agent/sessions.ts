/** The caller's sessions: listed, read and deleted. */

import type { Message } from '@strands-agents/sdk'
import { listSessions } from 'strands-session-dynamodb'
import { createAgent } from './agent.ts'
import { type AgentRequest, jsonReply, RefusedError, type Reply } from './http.ts'
import { type AgentService, callerOf, sessionManager, tableOptions } from './service.ts'

/** One message as people read it: without the results that tools hand to the model. */
interface ReadableMessage {
  readonly role: 'user' | 'assistant'
  readonly text: string
  /** Names of the tools that it uses. */
  readonly tools?: readonly string[]
}

/** `GET /sessions`: a page of the caller's sessions, the most recent first. */
export async function listOwnSessions(service: AgentService, request: AgentRequest): Promise<Reply> {
  const caller = callerOf(request)
  const { cursor } = request.query
  const page = await listSessions({ ...tableOptions(service, caller), owner: caller.principal, cursor })
  const sessions = page.sessions.map(({ sessionId, title, createdAt, updatedAt }) => ({
    sessionId,
    title,
    createdAt,
    updatedAt,
  }))
  return jsonReply(200, { sessions, cursor: page.cursor })
}

/** `GET /sessions/{sessionId}`: what the model sees of the conversation. */
export async function readSession(service: AgentService, request: AgentRequest, sessionId: string): Promise<Reply> {
  const manager = sessionManager(service, request, { sessionId })
  if ((await manager.findSession()) === undefined) {
    throw new RefusedError(404, 'not_found', 'There is no such session.')
  }
  const agent = createAgent(service.model, manager)
  await agent.initialize()
  return jsonReply(200, { sessionId, messages: agent.messages.flatMap(readable) })
}

/** `DELETE /sessions/{sessionId}`: the same when there is none, so that a deletion that failed half-way can be repeated. */
export async function deleteSession(service: AgentService, request: AgentRequest, sessionId: string): Promise<Reply> {
  await sessionManager(service, request, { sessionId }).deleteSession()
  return { status: 204, headers: {}, body: '' }
}

function readable({ role, content }: Message): ReadableMessage[] {
  const text = content.flatMap((block) => (block.type === 'textBlock' ? [block.text] : [])).join('\n')
  const tools = content.flatMap((block) => (block.type === 'toolUseBlock' ? [block.name] : []))
  if (text === '' && tools.length === 0) return []
  return [{ role, text, ...(tools.length === 0 ? {} : { tools }) }]
}
