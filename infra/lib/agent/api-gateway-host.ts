/** The agent behind API Gateway: for stages, usage plans, a firewall or a domain of your own; it streams as well. */

import { Stack, Validations } from 'aws-cdk-lib'
import {
  AuthorizationType,
  EndpointType,
  LambdaIntegration,
  ResponseTransferMode,
  RestApi,
} from 'aws-cdk-lib/aws-apigateway'
import { Construct } from 'constructs'
import { AgentAlarms, ALARM_PERIOD, failureWatch, functionWatches } from './agent-alarms.ts'
import { AGENT_TIMEOUT, AgentFunction } from './agent-function.ts'
import type { Host, HostProps } from './hosts.ts'
import { signedRequest } from './signed-request.ts'

/** What cdk-nag asks of every API, and why this one is without it. */
const ACKNOWLEDGED = {
  APIG1: 'Access logs need a role that an account has only once; the agent logs every request itself.',
  APIG2: 'The agent validates requests, with messages that say what is wrong.',
  APIG3: 'Only requests that IAM has authorised get in.',
  APIG6: 'Execution logs need a role that an account has only once; they would hold what people say.',
  COG4: 'IAM authorises callers.',
}

/** A regional REST API that takes signed requests, and hands each of them to the function as it is. */
export class ApiGatewayHost extends Construct implements Host {
  readonly url: string
  readonly tryIt: string

  constructor(scope: Construct, id: string, { alarmTopic, ...props }: HostProps) {
    super(scope, id)
    const agent = new AgentFunction(this, 'Http', props).function
    const api = new RestApi(this, 'Api', {
      description: 'A Strands agent whose conversations are in DynamoDB',
      // Edge endpoints end a stream that is silent for 30 seconds; regional ones wait for five minutes.
      endpointTypes: [EndpointType.REGIONAL],
      defaultMethodOptions: { authorizationType: AuthorizationType.IAM },
      defaultIntegration: new LambdaIntegration(agent, {
        responseTransferMode: ResponseTransferMode.STREAM,
        timeout: AGENT_TIMEOUT,
      }),
      deployOptions: { tracingEnabled: true },
      cloudWatchRole: false,
    })
    api.root.addProxy()
    const failures = api.metricServerError({ period: ALARM_PERIOD })
    new AgentAlarms(this, 'Alarms', { ...functionWatches(agent), Failures: failureWatch(failures) }, alarmTopic)
    for (const [rule, reason] of Object.entries(ACKNOWLEDGED)) {
      Validations.of(api).acknowledge({ id: `AwsSolutions-${rule}`, reason })
    }
    this.url = api.url
    this.tryIt = signedRequest(api.url, Stack.of(this).region, 'execute-api')
  }
}
