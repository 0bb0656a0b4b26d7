import type { HttpEvent } from 'strands-session-dynamodb-infra/lambda-event'
import { expect, test } from 'vitest'
import { trialCaller } from './trial-caller.ts'

const SIGNED =
  'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0'

function eventWith(authorization: string | undefined, authorizer?: unknown): HttpEvent {
  const headers = authorization === undefined ? {} : { authorization }
  return { rawPath: '/chat', headers, isBase64Encoded: false, requestContext: { authorizer } } as unknown as HttpEvent
}

test('is whom IAM has authorised, whatever key the request names', () => {
  expect(trialCaller(eventWith(SIGNED, { iam: { userId: 'AIDAALICE' } }))).toEqual({ principal: 'AIDAALICE' })
})

test('is the key that signed, where nobody has authorised anything', () => {
  expect(trialCaller(eventWith(SIGNED))).toEqual({ principal: 'access-key/AKIDEXAMPLE' })
})

test.each([undefined, '', 'Bearer AKIDEXAMPLE/x', 'AWS4-HMAC-SHA256 Credential=/x'])('is nobody for %j', (header) => {
  expect(trialCaller(eventWith(header))).toBeUndefined()
})
