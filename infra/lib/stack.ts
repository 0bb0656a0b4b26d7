/** The stack that `cdk deploy` creates: the session table, and the sample agent that uses it. */
import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { SessionTable, type SessionTableProps } from 'strands-session-dynamodb-cdk'
import { createHost, type HostName } from './agent/hosts.ts'
import { QueueWorker } from './agent/queue-worker.ts'

/** What can be chosen about the stack, beside what any stack takes. */
export interface SessionStackProps extends StackProps {
  /** What can be chosen about its table. @default - a table that is safe to keep conversations in */
  readonly sessions?: SessionTableProps
  /** What can be chosen about the agent. @default - behind a Function URL */
  readonly agent?: SampleAgentProps
}

/** What can be chosen about the sample agent. */
export interface SampleAgentProps {
  /** What it runs on. @default 'function-url' */
  readonly host?: HostName
  /** The model on Amazon Bedrock, or `offline`. @default 'global.anthropic.claude-sonnet-4-6' */
  readonly modelId?: string | undefined
  /** Whether it takes messages from a queue as well. @default false */
  readonly queue?: boolean
}

/** One session table and one agent, with the outputs that people need to try both. */
export class SessionStack extends Stack {
  /** The table and all that belongs to it. */
  readonly sessions: SessionTable

  constructor(scope: Construct, id: string, props: SessionStackProps = {}) {
    const { sessions, agent = {}, ...stackProps } = props
    super(scope, id, { description: 'Sessions of Strands agents', ...stackProps })

    this.sessions = new SessionTable(this, 'Sessions', sessions)
    this.#putOut('TableName', this.sessions.table.tableName, 'The tableName option, or STRANDS_SESSION_TABLE')
    if (this.sessions.offload !== undefined) {
      const { bucketName } = this.sessions.offload.bucket
      this.#putOut('OffloadBucket', bucketName, 'The offload.bucket option of the session manager')
    }
    this.#putOut('Region', this.region, 'Where all of this is')
    this.#createAgent(agent, sessions)
  }

  #createAgent(
    { host = 'function-url', modelId, queue = false }: SampleAgentProps,
    sessions?: SessionTableProps,
  ): void {
    const { ephemeral, alarmTopic } = sessions ?? {}
    const props = {
      sessions: this.sessions,
      ...(modelId !== undefined && { modelId }),
      ...(ephemeral !== undefined && { ephemeral }),
      ...(alarmTopic !== undefined && { alarmTopic }),
    }
    const { url, tryIt } = createHost(this, host, props)
    this.#putOut('AgentUrl', url, 'Where the agent answers signed requests')
    this.#putOut('TryIt', tryIt, 'Asks the agent something')
    if (!queue) return
    const { queue: inbox } = new QueueWorker(this, 'AgentQueue', props)
    this.#putOut('QueueUrl', inbox.queueUrl, 'Takes messages with the body of POST /chat')
  }

  #putOut(name: string, value: string, description: string): void {
    new CfnOutput(this, name, { value, description })
  }
}
