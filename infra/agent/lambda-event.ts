/** Reads the events of Function URLs and of API Gateway's REST APIs. Pure. */

import type { APIGatewayProxyEvent, LambdaFunctionURLEvent } from 'aws-lambda'
import type { AgentRequest } from './http.ts'
import { signedCaller } from './identity.ts'

/** An HTTP request as Lambda hands it over: from a Function URL, or from API Gateway. */
export type HttpEvent =
  | Pick<LambdaFunctionURLEvent, 'rawPath' | 'queryStringParameters' | 'body' | 'isBase64Encoded' | 'requestContext'>
  | Pick<
      APIGatewayProxyEvent,
      'httpMethod' | 'path' | 'queryStringParameters' | 'body' | 'isBase64Encoded' | 'requestContext'
    >

/** The request in an event. */
export function requestOf(event: HttpEvent): Omit<AgentRequest, 'signal' | 'requestId'> {
  const body = event.body ?? ''
  return {
    ...('rawPath' in event
      ? { method: event.requestContext.http.method, path: event.rawPath }
      : { method: event.httpMethod, path: event.path }),
    query: event.queryStringParameters ?? {},
    body: event.isBase64Encoded ? Buffer.from(body, 'base64').toString() : body,
    caller: signedCaller(event.requestContext),
  }
}
