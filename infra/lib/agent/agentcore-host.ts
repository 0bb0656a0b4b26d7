/** The agent on Amazon Bedrock AgentCore Runtime: a process for each runtime session, deployed as code without a container. */

import { fileURLToPath } from 'node:url'
import { AssetHashType, DockerImage, Validations } from 'aws-cdk-lib'
import { AgentCoreRuntime, AgentRuntimeArtifact, Runtime } from 'aws-cdk-lib/aws-bedrockagentcore'
import { Construct } from 'constructs'
import { AgentAlarms, ALARM_PERIOD, failureWatch } from './agent-alarms.ts'
import { bundleServer } from './agent-code.ts'
import { environmentOf } from './agent-function.ts'
import type { Host, HostProps } from './hosts.ts'
import { checkModelId, DEFAULT_MODEL, grantModel } from './model-access.ts'

/** Where the agent's code is, for the asset's source; what is deployed is the bundle of it. */
const AGENT_FOLDER = fileURLToPath(new URL('../../agent', import.meta.url))

const LOGS = 'Resource::arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group'

/** Wildcards in the role that the CDK makes for a runtime, as cdk-nag prints them. */
const OWN_PERMISSIONS = [
  'Resource::*',
  `${LOGS}:*`,
  `${LOGS}:/aws/bedrock-agentcore/runtimes/*`,
  `${LOGS}:/aws/bedrock-agentcore/runtimes/*:log-stream:*`,
  'Resource::arn:<AWS::Partition>:bedrock-agentcore:<AWS::Region>:<AWS::AccountId>:workload-identity-directory/default/workload-identity/*',
  'Action::s3:GetObject*',
  'Action::s3:GetBucket*',
  'Action::s3:List*',
  'Resource::arn:<AWS::Partition>:s3:::cdk-hnb659fds-assets-<AWS::AccountId>-<AWS::Region>/*',
]

/** A runtime that serves `POST /invocations` and `GET /ping` on port 8080. */
export class AgentCoreHost extends Construct implements Host {
  readonly url: string
  readonly tryIt: string

  constructor(scope: Construct, id: string, { sessions, modelId = DEFAULT_MODEL, alarmTopic }: HostProps) {
    super(scope, id)
    checkModelId(modelId)
    const runtime = new Runtime(this, 'Runtime', {
      description: 'A Strands agent whose conversations are in DynamoDB',
      agentRuntimeArtifact: AgentRuntimeArtifact.fromCodeAsset({
        path: AGENT_FOLDER,
        runtime: AgentCoreRuntime.NODE_22,
        entrypoint: ['index.mjs'],
        assetHashType: AssetHashType.OUTPUT,
        bundling: {
          // Never used: esbuild is a dependency of this repository.
          image: DockerImage.fromRegistry('none'),
          local: {
            tryBundle: (folder) => {
              bundleServer(folder, modelId, sessions)
              return true
            },
          },
        },
      }),
      environmentVariables: environmentOf(sessions, modelId),
    })
    sessions.grantSession(runtime.role)
    grantModel(this, runtime.role, modelId)
    for (const finding of OWN_PERMISSIONS) {
      Validations.of(runtime).acknowledge({
        id: `AwsSolutions-IAM5[${finding}]`,
        reason: 'What AgentCore Runtime itself needs: to read its code, to log, to trace, to know whom it works for.',
      })
    }
    const failures = runtime.metricSystemErrors({ period: ALARM_PERIOD })
    new AgentAlarms(this, 'Alarms', { Failures: failureWatch(failures) }, alarmTopic)
    this.url = runtime.agentRuntimeArn
    this.tryIt = invocation(runtime.agentRuntimeArn)
  }
}

/** A command that asks the runtime something; the runtime session has at least 33 characters. */
function invocation(arn: string): string {
  return [
    `aws bedrock-agentcore invoke-agent-runtime --agent-runtime-arn '${arn}'`,
    '--runtime-session-id "$(uuidgen)" --cli-binary-format raw-in-base64-out',
    `--payload '{"prompt":"What is 6 * 7?"}' /dev/stdout`,
  ].join(' ')
}
