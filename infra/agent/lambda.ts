/** The Lambda handler around the routes: it streams where the runtime can, and answers whole where it cannot. */

import type { Context, LambdaFunctionURLResult, StreamifyHandler } from 'aws-lambda'
import type { Reply } from './http.ts'
import { type HttpEvent, type IdentifyEvent, requestOf } from './lambda-event.ts'
import { route } from './routes.ts'
import type { AgentService } from './service.ts'
import { clientOf, wholeBody, writeBody } from './streams.ts'
import type { RequestTelemetry } from './telemetry.ts'

/** Answers in pieces. */
export type StreamingHandler = StreamifyHandler<HttpEvent, void>

/** Answers whole. */
export type BufferedHandler = (event: HttpEvent, context: Context) => Promise<LambdaFunctionURLResult>

/** What Lambda's Node.js runtime adds to the global scope for handlers that stream. */
export interface LambdaStreaming {
  readonly streamifyResponse: (handler: StreamingHandler) => StreamingHandler
  /** `from` has the status and the headers precede what is written to the stream. */
  readonly HttpResponseStream: { readonly from: (typeof awslambda.HttpResponseStream)['from'] }
}

/** What a handler needs of its process. */
export interface LambdaService extends AgentService {
  readonly telemetry: RequestTelemetry
  /** Tells who sent a request over HTTP. @defaultValue whom IAM has authorised */
  readonly identify?: IdentifyEvent
}

/**
 * The handler for this runtime.
 *
 * @param streaming - What the runtime offers. The AWS SDK makes the global too, so that its presence means nothing.
 */
export function createHandler(
  service: LambdaService,
  streaming: Partial<LambdaStreaming> | undefined = globalThis.awslambda,
): StreamingHandler | BufferedHandler {
  if (typeof streaming?.streamifyResponse !== 'function' || streaming.HttpResponseStream === undefined) {
    const answerAtOnce: BufferedHandler = (event, context) => answerWhole(service, event, context)
    return answerAtOnce
  }
  const { HttpResponseStream } = streaming
  const answerInPieces: StreamingHandler = async (event, stream, context) => {
    const gone = clientOf(stream)
    await measured(service, context, async () => {
      const reply = await answer(service, event, context, gone)
      const { status: statusCode, headers } = reply
      await writeBody(HttpResponseStream.from(stream, { statusCode, headers }), reply, gone)
      return reply
    })
  }
  return streaming.streamifyResponse(answerInPieces)
}

async function answerWhole(
  service: LambdaService,
  event: HttpEvent,
  context: Context,
): Promise<LambdaFunctionURLResult> {
  let body = ''
  const { status: statusCode, headers } = await measured(service, context, async () => {
    const reply = await answer(service, event, context, new AbortController().signal)
    body = await wholeBody(reply)
    return reply
  })
  return { statusCode, headers: { ...headers }, body }
}

function answer(service: LambdaService, event: HttpEvent, context: Context, signal: AbortSignal): Promise<Reply> {
  const getRemainingTimeInMillis = (): number => context.getRemainingTimeInMillis()
  return route(service, {
    ...requestOf(event, service.identify),
    requestId: context.awsRequestId,
    signal,
    getRemainingTimeInMillis,
  })
}

async function measured({ telemetry }: LambdaService, context: Context, run: () => Promise<Reply>): Promise<Reply> {
  telemetry.begin(context)
  const started = performance.now()
  let status = 500
  try {
    const reply = await run()
    status = reply.status
    return reply
  } finally {
    telemetry.end({ status, milliseconds: Math.round(performance.now() - started) })
  }
}
