/** The options of `npm run dev`. */

import { checkUrl, parseOptions, parseWholeNumber } from './options.ts'

/** What the user asked for. */
export interface DevOptions {
  readonly port: number
  /** Amazon Bedrock model; absent for the offline model. */
  readonly model?: string
  readonly region?: string
  readonly endpoint?: string
}

/** What `--model bedrock` stands for: the model of the deployed agent, when no other is chosen there. */
const BEDROCK_DEFAULT = 'global.anthropic.claude-sonnet-4-6'
const DEFAULT_PORT = 8787
const HIGHEST_PORT = 65_535

export const DEV_USAGE = `Usage: npm run dev -- [options]

Serves the sample agent and a chat page on this machine: the handler of infra/, on an embedded DynamoDB.

  --port NUMBER    port to listen on, on 127.0.0.1 only; 0 for any free one (default: ${DEFAULT_PORT})
  --model ID       an Amazon Bedrock model, or 'bedrock' for ${BEDROCK_DEFAULT};
                   needs AWS credentials (default: an offline model)
  --region REGION  AWS region of the model (default: AWS_REGION, or that of the AWS profile)
  --endpoint URL   a DynamoDB that runs already (default: AWS_ENDPOINT_URL_DYNAMODB, else an embedded one)
  --help           print this text`

/**
 * Reads the command line. `undefined` when the user asked for help.
 *
 * @throws {@link UsageError} for an option that is unknown or wrong.
 */
export function parseDevOptions(parameters: readonly string[]): DevOptions | undefined {
  const text = { type: 'string' } as const
  const { help, port, model, ...given } = parseOptions(parameters, {
    port: text,
    model: text,
    region: text,
    endpoint: text,
    help: { type: 'boolean', short: 'h' },
  })
  if (help) return undefined
  checkUrl('endpoint', given.endpoint)
  return {
    ...given,
    port: port === undefined ? DEFAULT_PORT : port === '0' ? 0 : parseWholeNumber('port', port, HIGHEST_PORT),
    ...(model !== undefined && { model: model === 'bedrock' ? BEDROCK_DEFAULT : model }),
  }
}
