/** A Lambda function that runs the sample agent: its code, its role, its log. */

import { Duration, RemovalPolicy } from 'aws-cdk-lib'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Architecture, LoggingFormat, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda'
import { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import { acknowledgeWildcard, type ISessionTable } from 'strands-session-dynamodb-cdk'
import { type AgentEntry, bundlingFor, entryFile, LOCKFILE, PROJECT_ROOT } from './agent-code.ts'
import { checkModelId, DEFAULT_MODEL, grantModel } from './model-access.ts'

/** What can be chosen about the agent, wherever it runs. */
export interface AgentProps {
  /** Where its sessions are. */
  readonly sessions: ISessionTable
  /**
   * The model or inference profile on Amazon Bedrock, or `offline` for a trial without one. The permissions follow from it.
   *
   * @default 'global.anthropic.claude-sonnet-4-6'
   */
  readonly modelId?: string
  /**
   * Whether the logs go away with the stack.
   *
   * @default false
   */
  readonly ephemeral?: boolean
}

/** What can be chosen about a function of the agent. */
export interface AgentFunctionProps extends AgentProps {
  /** What invokes it. @default 'handler' - HTTP */
  readonly entry?: AgentEntry
  /**
   * Most executions at once, which is also a limit to what a mistake can cost.
   *
   * @default - the account's
   */
  readonly reservedConcurrentExecutions?: number
}

/** How long a turn may take: a model, and several tools. */
export const AGENT_TIMEOUT = Duration.minutes(5)

/** Buys more than half a virtual CPU, which shortens cold starts. */
const MEMORY_MB = 1024

/** A function of the agent, with a role that may do what its code does, and no more. */
export class AgentFunction extends Construct {
  /** The function itself. */
  readonly function: NodejsFunction

  /** @throws Error for a `modelId` that is none. */
  constructor(scope: Construct, id: string, props: AgentFunctionProps) {
    super(scope, id)
    const {
      sessions,
      modelId = DEFAULT_MODEL,
      ephemeral = false,
      entry = 'handler',
      reservedConcurrentExecutions,
    } = props
    checkModelId(modelId)

    const logGroup = new LogGroup(this, 'Logs', {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: ephemeral ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
    })
    // A role of its own, because the one that the CDK would make has a managed policy with every log group in it.
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
    logGroup.grantWrite(role)
    sessions.grantSession(role)
    grantModel(this, role, modelId)
    acknowledgeWildcard(role, '*', 'X-Ray takes traces for no resource in particular.')

    this.function = new NodejsFunction(this, 'Function', {
      description: 'A Strands agent whose conversations are in DynamoDB',
      entry: entryFile(entry, modelId),
      projectRoot: PROJECT_ROOT,
      depsLockFilePath: LOCKFILE,
      bundling: bundlingFor(sessions),
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: MEMORY_MB,
      timeout: AGENT_TIMEOUT,
      tracing: Tracing.ACTIVE,
      role,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      environment: environmentOf(sessions, modelId),
      ...(reservedConcurrentExecutions !== undefined && { reservedConcurrentExecutions }),
    })
  }
}

/** What the agent reads from its environment. */
export function environmentOf(sessions: ISessionTable, modelId: string): Record<string, string> {
  const { environment, offload } = sessions
  return {
    ...environment,
    ...(offload !== undefined && { OFFLOAD_BUCKET: offload.bucket.bucketName, OFFLOAD_PREFIX: offload.prefix }),
    MODEL_ID: modelId,
    NODE_OPTIONS: '--enable-source-maps',
  }
}
