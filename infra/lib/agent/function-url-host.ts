/** The agent behind a Function URL: no other service, and an answer that streams. */

import { Stack } from 'aws-cdk-lib'
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch'
import { FunctionUrlAuthType, InvokeMode } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import { AgentAlarms, ALARM_PERIOD, failureWatch, functionWatches } from './agent-alarms.ts'
import { AgentFunction } from './agent-function.ts'
import type { Host, HostProps } from './hosts.ts'
import { signedRequest } from './signed-request.ts'

/** A function with a URL that takes signed requests. */
export class FunctionUrlHost extends Construct implements Host {
  readonly url: string
  readonly tryIt: string

  constructor(scope: Construct, id: string, { alarmTopic, ...props }: HostProps) {
    super(scope, id)
    const agent = new AgentFunction(this, 'Http', props).function
    const { url } = agent.addFunctionUrl({
      authType: FunctionUrlAuthType.AWS_IAM,
      invokeMode: InvokeMode.RESPONSE_STREAM,
    })
    const failures = new Metric({
      namespace: 'AWS/Lambda',
      metricName: 'Url5xxCount',
      dimensionsMap: { FunctionName: agent.functionName },
      statistic: Stats.SUM,
      period: ALARM_PERIOD,
    })
    new AgentAlarms(this, 'Alarms', { ...functionWatches(agent), Failures: failureWatch(failures) }, alarmTopic)
    this.url = url
    this.tryIt = signedRequest(url, Stack.of(this).region, 'lambda')
  }
}
