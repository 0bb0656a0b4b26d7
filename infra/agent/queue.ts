/** Turns that come from a queue: the same routes, asked by messages; the answers are read from the sessions. */

import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda'
import { sendingCaller } from './identity.ts'
import type { LambdaService } from './lambda.ts'
import { route } from './routes.ts'
import { wholeBody } from './streams.ts'

/** Answers a batch of messages, each with the body of a `POST /chat`. */
export type QueueHandler = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>

/**
 * The handler of a queue. A message's id names its turn: one that is delivered twice is answered once. What a later try
 * may mend goes back to the queue; a message that can never be answered is reported and taken as done.
 */
export function createQueueHandler(service: LambdaService): QueueHandler {
  return async ({ Records }, context) => {
    service.telemetry.begin(context)
    const batchItemFailures: SQSBatchResponse['batchItemFailures'] = []
    // One after another: messages of one session would only wait for each other.
    for (const record of Records) {
      if (!(await isDone(service, record, context))) batchItemFailures.push({ itemIdentifier: record.messageId })
    }
    return { batchItemFailures }
  }
}

async function isDone(service: LambdaService, record: SQSRecord, context: Context): Promise<boolean> {
  const started = performance.now()
  const reply = await route(service, {
    method: 'POST',
    path: '/chat',
    query: {},
    body: record.body,
    caller: sendingCaller(record.attributes),
    requestId: record.messageId,
    signal: new AbortController().signal,
    getRemainingTimeInMillis: () => context.getRemainingTimeInMillis(),
  })
  const told = await wholeBody(reply)
  const milliseconds = Math.round(performance.now() - started)
  service.telemetry.end({ status: reply.status, milliseconds })
  const hasFailed = reply.status === 409 || reply.status >= 500 || /^event: error$/m.test(told)
  return !hasFailed
}
