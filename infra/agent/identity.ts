/** Who the caller is, from what each host's authentication has found out. Pure. */

import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Caller } from './http.ts'

/**
 * The caller of a Function URL or an API Gateway with IAM authorisation: the unique id of the user, or of the role and
 * the name of its session (`AROA…:alice`), which no request can choose.
 *
 * Undefined when the request was not signed.
 */
export function signedCaller(requestContext: unknown): Caller | undefined {
  const principal = textAt(requestContext, 'authorizer', 'iam', 'userId') ?? textAt(requestContext, 'identity', 'user')
  return principal === undefined ? undefined : { principal }
}

/** The sender of a queue's message: the same unique id, so that answers are in the sender's own sessions. */
export function sendingCaller(attributes: { readonly SenderId?: string }): Caller | undefined {
  const principal = textAt(attributes, 'SenderId')
  return principal === undefined ? undefined : { principal }
}

/**
 * The caller of a Bedrock AgentCore Runtime: the user on whose behalf it was invoked, which takes the permission
 * `bedrock-agentcore:InvokeAgentRuntimeForUser`. Without one, whoever knows the runtime session shares it, and no more.
 */
export function runtimeCaller(headers: IncomingHttpHeaders): Caller | undefined {
  const session = textAt(headers, 'x-amzn-bedrock-agentcore-runtime-session-id')
  if (session === undefined) return undefined
  const user = textAt(headers, 'x-amzn-bedrock-agentcore-runtime-user-id')
  // Runtime sessions may have other characters than a session id takes.
  const sessionId = createHash('sha256').update(session).digest('hex')
  return { principal: user === undefined ? `runtime-session:${sessionId}` : `runtime-user:${user}`, sessionId }
}

/** The text that lies at the end of a path of properties, if there is one. */
function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  let found = value
  for (const name of path) found = typeof found === 'object' && found !== null ? Reflect.get(found, name) : undefined
  return typeof found === 'string' && found !== '' ? found : undefined
}
