/** The agent behind a queue: for turns that nobody waits for. The answers are read from the sessions. */

import { Duration } from 'aws-cdk-lib'
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources'
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { AgentAlarms, ALARM_PERIOD, functionWatches } from './agent-alarms.ts'
import { AGENT_TIMEOUT, AgentFunction } from './agent-function.ts'
import type { HostProps } from './hosts.ts'

/** How often a message is tried before it is put aside. */
const TRIES = 5

/** How long what was put aside is kept. */
const KEPT_FOR = Duration.days(14)

/** Most turns at once: a burst waits in the queue, not in throttled models. */
const CONCURRENCY = 5

/** A queue whose messages are the bodies of `POST /chat`, in the sender's own sessions. */
export class QueueWorker extends Construct {
  /** Where to send them. */
  readonly queue: Queue

  constructor(scope: Construct, id: string, { alarmTopic, ...props }: HostProps) {
    super(scope, id)
    const agent = new AgentFunction(this, 'Worker', { ...props, entry: 'queue-handler' }).function
    const shared = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true }
    const deadLetters = new Queue(this, 'DeadLetters', { ...shared, retentionPeriod: KEPT_FOR })
    this.queue = new Queue(this, 'Queue', {
      ...shared,
      // While a message is worked on, nobody else gets it; AWS advises six times the function's time.
      visibilityTimeout: Duration.seconds(6 * AGENT_TIMEOUT.toSeconds()),
      deadLetterQueue: { queue: deadLetters, maxReceiveCount: TRIES },
    })
    agent.addEventSource(
      // One at a time: turns take long, and a batch would have to share the function's time.
      new SqsEventSource(this.queue, { batchSize: 1, reportBatchItemFailures: true, maxConcurrency: CONCURRENCY }),
    )
    const description = 'Messages could not be answered: they are in the dead-letter queue.'
    const metric = deadLetters.metricApproximateNumberOfMessagesVisible({ period: ALARM_PERIOD })
    const watches = { ...functionWatches(agent), DeadLetters: { metric, threshold: 1, description } }
    new AgentAlarms(this, 'Alarms', watches, alarmTopic)
  }
}
