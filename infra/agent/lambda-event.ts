/** Reads the events of Function URLs and of API Gateway's REST APIs. Pure. */

import type { APIGatewayProxyEvent, LambdaFunctionURLEvent } from 'aws-lambda'
import type { AgentRequest, Caller } from './http.ts'
import { signedCaller } from './identity.ts'

/** An HTTP request as Lambda hands it over: from a Function URL, or from API Gateway. */
export type HttpEvent =
  | Pick<
      LambdaFunctionURLEvent,
      'rawPath' | 'headers' | 'queryStringParameters' | 'body' | 'isBase64Encoded' | 'requestContext'
    >
  | Pick<
      APIGatewayProxyEvent,
      'httpMethod' | 'path' | 'headers' | 'queryStringParameters' | 'body' | 'isBase64Encoded' | 'requestContext'
    >

/** Tells who sent the request in an event. */
export type IdentifyEvent = (event: HttpEvent) => Caller | undefined

/** Whom IAM has authorised. */
export const authorisedCaller: IdentifyEvent = ({ requestContext }) => signedCaller(requestContext)

/** The request in an event. */
export function requestOf(
  event: HttpEvent,
  identify: IdentifyEvent = authorisedCaller,
): Omit<AgentRequest, 'signal' | 'requestId'> {
  const body = event.body ?? ''
  return {
    ...('rawPath' in event
      ? { method: event.requestContext.http.method, path: event.rawPath }
      : { method: event.httpMethod, path: event.path }),
    query: event.queryStringParameters ?? {},
    body: event.isBase64Encoded ? Buffer.from(body, 'base64').toString() : body,
    caller: identify(event),
  }
}
