/** The agent's routes, the same on every host. */

import { chat } from './chat.ts'
import { type AgentRequest, errorReply, jsonReply, RefusedError, type Reply } from './http.ts'
import { refusalOf } from './refusals.ts'
import type { AgentService } from './service.ts'
import { deleteSession, listOwnSessions, readSession } from './sessions.ts'

/** Answers one request. Never rejects: what fails is a reply that says as much as the caller may know. */
export async function route(service: AgentService, request: AgentRequest): Promise<Reply> {
  try {
    return await routeOrThrow(service, request)
  } catch (error) {
    const refusal = refusalOf(error)
    if (refusal.status >= 500) service.telemetry.noteError(refusal.cause ?? refusal)
    return errorReply(refusal)
  }
}

async function routeOrThrow(service: AgentService, request: AgentRequest): Promise<Reply> {
  const { method, path } = request
  const [, sessionId] = /^\/sessions\/([^/]+)$/.exec(path) ?? []
  if (sessionId !== undefined) {
    if (method === 'GET') return readSession(service, request, sessionId)
    if (method === 'DELETE') return deleteSession(service, request, sessionId)
  }
  switch (`${method} ${path}`) {
    case 'POST /chat':
    case 'POST /invocations':
      return chat(service, request)
    case 'GET /sessions':
      return listOwnSessions(service, request)
    case 'GET /ping':
      return jsonReply(200, { status: 'Healthy' })
    default:
      throw new RefusedError(404, 'not_found', 'Ask POST /chat, GET /sessions, or GET or DELETE /sessions/{sessionId}.')
  }
}
