/** Where the agent can run, and what of the stack's outputs depends on it. */

import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { Construct } from 'constructs'
import type { AgentProps } from './agent-function.ts'
import { AgentCoreHost } from './agentcore-host.ts'
import { ApiGatewayHost } from './api-gateway-host.ts'
import { FunctionUrlHost } from './function-url-host.ts'

/** Names of the hosts, as the context value `host` takes them; the first is the default. */
export const HOSTS = ['function-url', 'api-gateway', 'agentcore'] as const

/** A host. */
export type HostName = (typeof HOSTS)[number]

/** What can be chosen about a host. */
export interface HostProps extends AgentProps {
  /** Where alarms and their ends are reported. @default - nowhere: they show in the console */
  readonly alarmTopic?: ITopic
}

/** What a host has to tell whoever deployed it. */
export interface Host {
  /** Where the agent answers. */
  readonly url: string
  /** A command that asks it something. */
  readonly tryIt: string
}

/** Puts the agent on a host. */
export function createHost(scope: Construct, name: HostName, props: HostProps): Host {
  switch (name) {
    case 'function-url':
      return new FunctionUrlHost(scope, 'Agent', props)
    case 'api-gateway':
      return new ApiGatewayHost(scope, 'Agent', props)
    case 'agentcore':
      return new AgentCoreHost(scope, 'Agent', props)
  }
}
