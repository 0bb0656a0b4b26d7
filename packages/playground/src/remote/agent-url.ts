/** Reads from the URL of a deployed agent what its requests are signed for. Pure. */

import { isLoopback } from '../engine-choice.ts'
import { UsageError } from '../options.ts'

/** What a signature is valid for. */
export interface SigningScope {
  readonly region: string
  /** `lambda` for a Function URL, `execute-api` for API Gateway. */
  readonly service: string
}

/** Hosts that tell their region: Function URLs, and API Gateway's own. */
const FUNCTION_URL = /\.lambda-url\.([a-z0-9-]+)\.on\.aws(?:\.cn)?$/
const API_GATEWAY = /\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$/

/**
 * What requests to a URL are signed for. A host that does not tell is taken for a Function URL behind a name of its own.
 *
 * @param region - For a host that does not tell it.
 * @throws {@link UsageError} when the region is not known.
 */
export function signingScope(url: URL, region: string | undefined): SigningScope {
  const [, ofFunction] = FUNCTION_URL.exec(url.hostname) ?? []
  if (ofFunction !== undefined) return { service: 'lambda', region: ofFunction }
  const [, ofGateway] = API_GATEWAY.exec(url.hostname) ?? []
  if (ofGateway !== undefined) return { service: 'execute-api', region: ofGateway }
  if (region === undefined) throw new UsageError(`--url ${url.href} does not tell its AWS region: give --region`)
  return { service: 'lambda', region }
}

/**
 * Reads `--url`.
 *
 * @throws {@link UsageError} for what is no URL, and for one that would send conversations over a network unencrypted.
 */
export function parseAgentUrl(text: string): URL {
  if (!URL.canParse(text)) throw new UsageError(`--url must be the URL of a deployed agent, got '${text}'`)
  const url = new URL(text)
  const isSafe = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(text))
  if (!isSafe) throw new UsageError(`--url must begin with https:// (http:// on this machine only), got '${text}'`)
  if (url.search !== '' || url.hash !== '') throw new UsageError(`--url must not have a query or a fragment: '${text}'`)
  return url
}
