/** Turns whatever was thrown into what a caller may know of it. Pure. */

import { InvalidOptionError, SessionBusyError, SessionConflictError } from 'strands-session-dynamodb'
import { RefusedError } from './http.ts'

/** Options of the library that come from the request; a wrong value of any other is a fault of the deployment. */
const FIELDS_OF_REQUESTS = ['sessionId', 'invocationState.turnId', 'turnId', 'cursor']

/** How soon to try again after another writer was faster, in seconds. */
const CONFLICT_RETRY_SECONDS = 1

/** The refusal for an error. What is not the caller's own doing is a 500 that says nothing. */
export function refusalOf(error: unknown): RefusedError {
  if (error instanceof RefusedError) return error
  if (error instanceof InvalidOptionError && FIELDS_OF_REQUESTS.includes(error.field)) {
    return new RefusedError(400, 'bad_request', error.message, { cause: error })
  }
  if (error instanceof SessionBusyError) {
    const seconds = Math.max(1, Math.ceil(error.retryAfterMs / 1000))
    const message = `Another turn of this session is under way. Try again in ${seconds} s at the latest.`
    return new RefusedError(409, 'busy', message, { cause: error, headers: { 'retry-after': String(seconds) } })
  }
  if (error instanceof SessionConflictError) {
    const headers = { 'retry-after': String(CONFLICT_RETRY_SECONDS) }
    return new RefusedError(409, 'busy', 'The session has gone on meanwhile. Try again.', { cause: error, headers })
  }
  return new RefusedError(500, 'internal', 'Something went wrong. The request can be sent again.', { cause: error })
}

/** The names of an error and of what caused it: all that a log may say, for messages of others may quote a prompt. */
export function namesOf(error: unknown): string {
  const names: string[] = []
  for (let each = error; each instanceof Error && names.length < 5; each = each.cause) names.push(each.name)
  return names.length === 0 ? typeof error : names.join(' < ')
}
