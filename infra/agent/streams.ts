/** Writes a reply to a stream as fast as the client reads it, and notices when the client has gone. */

import { once } from 'node:events'
import type { Writable } from 'node:stream'
import type { Reply } from './http.ts'

/**
 * A signal that aborts when the client goes away before the reply is complete.
 *
 * Listens from the start, so that an error of the stream is never an unhandled one.
 */
export function clientOf(stream: Writable): AbortSignal {
  const gone = new AbortController()
  stream.on('error', () => gone.abort())
  stream.on('close', () => {
    if (!stream.writableFinished) gone.abort()
  })
  return gone.signal
}

/**
 * Writes a reply's body and ends the stream. Waits whenever the stream is full; nothing more is asked of the agent
 * meanwhile. Once the client has gone the rest is read and dropped: a turn is always brought to its end, and stored.
 */
export async function writeBody(stream: Writable, { body }: Reply, gone: AbortSignal): Promise<void> {
  for await (const piece of typeof body === 'string' ? [body] : body) {
    if (gone.aborted) continue
    if (!stream.write(piece)) await once(stream, 'drain', { signal: gone }).catch(() => undefined)
  }
  if (!gone.aborted) stream.end()
}

/** A reply's whole body, for hosts that do not stream. */
export async function wholeBody({ body }: Reply): Promise<string> {
  if (typeof body === 'string') return body
  let whole = ''
  for await (const piece of body) whole += piece
  return whole
}
