/** The options of `npm run chat`, and where they send its sessions. */

import { DynamoDBSessionManager, InvalidOptionError } from 'strands-session-dynamodb'
import { checkUrl, parseOptions, UsageError } from './options.ts'
import { parseAgentUrl } from './remote/agent-url.ts'

/** What the user asked for. */
export interface ChatOptions {
  readonly session: string
  /** Amazon Bedrock model; absent for the offline model. */
  readonly model?: string
  readonly region?: string
  readonly table: string
  readonly endpoint?: string
  readonly tenant?: string
  readonly owner?: string
  /** Whether the table is a deployed one in AWS; otherwise it is on an endpoint, or embedded. */
  readonly isAwsTable: boolean
  /** A deployed agent to talk to; absent for one in this process. */
  readonly url?: URL
}

/** What a deployed agent decides for itself. */
const NOT_WITH_URL = ['model', 'table', 'endpoint', 'tenant', 'owner'] as const

/** Table of the embedded engine. */
const LOCAL_TABLE = 'strands-sessions'

export const CHAT_USAGE = `Usage: npm run chat -- [options]

Talks to an agent whose conversation is in DynamoDB: leave, come back, and it remembers.

  --session NAME   the conversation to begin or go on with (default: chat)
  --model ID       an Amazon Bedrock model; needs AWS credentials (default: an offline model)
  --region REGION  AWS region (default: AWS_REGION, or that of the AWS profile)
  --table NAME     session table (default: ${LOCAL_TABLE}); with --model, a table that is deployed in AWS
  --endpoint URL   a DynamoDB that runs already (default: AWS_ENDPOINT_URL_DYNAMODB, else an embedded one)
  --tenant ID      tenant whom the session belongs to
  --owner ID       user whom the session belongs to; /sessions lists that user's sessions
  --url URL        a deployed agent, or that of npm run dev, instead of one in this process; requests are signed
                   with your AWS credentials (not with --model, --table, --endpoint, --tenant, --owner)
  --help           print this text`

/**
 * Reads the command line. `undefined` when the user asked for help.
 *
 * @throws {@link UsageError} for an option that is unknown or wrong.
 */
export function parseChatOptions(
  parameters: readonly string[],
  environment: NodeJS.ProcessEnv,
): ChatOptions | undefined {
  const text = { type: 'string' } as const
  const { help, url, ...given } = parseOptions(parameters, {
    session: text,
    model: text,
    region: text,
    table: text,
    endpoint: text,
    tenant: text,
    owner: text,
    url: text,
    help: { type: 'boolean', short: 'h' },
  })
  if (help) return undefined
  checkUrl('endpoint', given.endpoint)
  const hasEndpoint = given.endpoint !== undefined || Boolean(environment.AWS_ENDPOINT_URL_DYNAMODB)
  const excluded = url === undefined ? undefined : NOT_WITH_URL.find((name) => given[name] !== undefined)
  if (excluded !== undefined) throw new UsageError(`--${excluded} is for an agent in this process, not for --url`)
  const options = {
    ...given,
    ...(url !== undefined && { url: parseAgentUrl(url) }),
    session: given.session ?? 'chat',
    table: given.table ?? LOCAL_TABLE,
    isAwsTable: given.model !== undefined && given.table !== undefined && !hasEndpoint,
  }
  checkNames(options)
  return options
}

/** Lets the library refuse names before anything is started; its constructor sends no request. */
function checkNames({ session, table, tenant, owner }: ChatOptions): void {
  try {
    new DynamoDBSessionManager({ sessionId: session, tableName: table, tenantId: tenant, owner, clientConfig: {} })
  } catch (error) {
    throw error instanceof InvalidOptionError ? new UsageError(error.message, { cause: error }) : error
  }
}
