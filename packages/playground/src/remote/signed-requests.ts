/** Sends requests to a deployed agent, signed as its URL demands. */

import { DynamoDBClient, type DynamoDBClientResolvedConfig } from '@aws-sdk/client-dynamodb'
import { SignatureV4 } from '@smithy/signature-v4'
import type { Send } from '../dev/page/agent-client.js'
import { isLoopback } from '../engine-choice.ts'
import { type SigningScope, signingScope } from './agent-url.ts'

/** Who signs, and what for. */
export interface Signer extends SigningScope {
  readonly credentials: DynamoDBClientResolvedConfig['credentials']
  readonly sha256: DynamoDBClientResolvedConfig['sha256']
}

/** Environment variables that hold or name credentials. */
const CREDENTIAL_VARIABLES = ['AWS_ACCESS_KEY_ID', 'AWS_PROFILE', 'AWS_WEB_IDENTITY_TOKEN_FILE']

/**
 * Sends to an agent's URL, signed with the AWS SDK's own search for credentials. To this machine the requests go unsigned
 * when the environment names no credentials: `npm run dev` asks for none.
 *
 * @throws {@link UsageError} when the region is not known.
 * @throws Error that says what to set up, when there are no credentials.
 */
export async function agentRequests(
  url: URL,
  region: string | undefined,
  environment: NodeJS.ProcessEnv,
): Promise<Send> {
  if (isLoopback(url.href) && !CREDENTIAL_VARIABLES.some((name) => environment[name])) return sendTo(url, undefined)
  const scope = signingScope(
    url,
    region ?? environment['AWS_REGION'] ?? (isLoopback(url.href) ? 'us-east-1' : undefined),
  )
  const { credentials, sha256 } = new DynamoDBClient({ region: scope.region }).config
  await credentials().catch((cause: unknown) => {
    throw new Error(
      '--url needs AWS credentials, and none were found. Sign in (aws login or aws sso login), set AWS_PROFILE, or set ' +
        'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
      { cause },
    )
  })
  return sendTo(url, { ...scope, credentials, sha256 })
}

/** Sends to paths below a URL; without a signer the requests are not signed. */
export function sendTo(base: URL, signer: Signer | undefined): Send {
  const signature = signer === undefined ? undefined : new SignatureV4(signer)
  return async (path, init) => {
    const url = new URL(base.pathname.replace(/\/$/, '') + path, base)
    const { method = 'GET', body } = init
    const headers = Object.fromEntries(new Headers(init.headers))
    if (signature === undefined) return fetch(url, init)
    const { headers: signed } = await signature.sign({
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: { ...headers, host: url.host },
      ...(body == null ? {} : { body }),
    })
    // The host goes with every request by itself.
    return fetch(url, { ...init, headers: Object.entries(signed).filter(([name]) => name !== 'host') })
  }
}
