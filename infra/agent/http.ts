/** What goes in and out of the agent's routes, whatever host they run on. */

/** Who asks: the host's authentication says so, never the request's body. */
export interface Caller {
  /** Whose sessions these are: the tenant of every session that the caller makes, and its owner. */
  readonly principal: string
  /** The session that the host itself assigns, where it does so (Bedrock AgentCore Runtime). */
  readonly sessionId?: string | undefined
}

/** One request to the agent. */
export interface AgentRequest {
  /** HTTP method, in capitals. */
  readonly method: string
  /** Path without a stage or a query. */
  readonly path: string
  readonly query: Readonly<Record<string, string | undefined>>
  /** The body as it came, decoded from Base64. */
  readonly body: string
  /** Undefined when the host names none: then the request is refused. */
  readonly caller: Caller | undefined
  /** Names this request; the same again when the host itself sends the request again. */
  readonly requestId: string
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal
  /** Time left for this process in milliseconds. @defaultValue none: as long as it takes */
  readonly getRemainingTimeInMillis?: (() => number) | undefined
}

/** The answer to a request: whole, or in pieces that follow while the agent is at work. */
export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | AsyncIterable<string>
}

/** What went wrong, as callers are told. `timeout` comes only within a stream. */
export type ErrorCode = 'bad_request' | 'forbidden' | 'not_found' | 'busy' | 'too_large' | 'timeout' | 'internal'

/** A request that is refused, with what the caller may know of it. */
export class RefusedError extends Error {
  override name = 'RefusedError'
  readonly status: number
  readonly code: ErrorCode
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, code: ErrorCode, message: string, options: RefusedErrorOptions = {}) {
    super(message, options)
    this.status = status
    this.code = code
    this.headers = options.headers ?? {}
  }
}

/** What a {@link RefusedError} may carry. */
export interface RefusedErrorOptions extends ErrorOptions {
  readonly headers?: Readonly<Record<string, string>>
}

/** A reply of JSON. */
export function jsonReply(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  const shared = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' }
  return { status, headers: { ...shared, ...headers }, body: JSON.stringify(value) }
}

/** A reply that says why a request was refused. */
export function errorReply({ status, code, message, headers }: RefusedError): Reply {
  return jsonReply(status, { error: { code, message } }, headers)
}
