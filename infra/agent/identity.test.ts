import { describe, expect, it } from 'vitest'
import { runtimeCaller, sendingCaller, signedCaller } from './identity.ts'

const SESSION_HEADER = 'x-amzn-bedrock-agentcore-runtime-session-id'
const USER_HEADER = 'x-amzn-bedrock-agentcore-runtime-user-id'

describe('signedCaller', () => {
  it('is the same principal at a Function URL, at API Gateway and in a queue', () => {
    const principal = 'AROAEXAMPLE:alice'

    expect(signedCaller({ authorizer: { iam: { userId: principal, accountId: '123456789012' } } })).toEqual({
      principal,
    })
    expect(signedCaller({ identity: { user: principal, sourceIp: '203.0.113.1' } })).toEqual({ principal })
    expect(sendingCaller({ SenderId: principal })).toEqual({ principal })
  })

  it.each([undefined, {}, { authorizer: null }, { authorizer: { iam: { userId: '' } } }, { identity: { user: null } }])(
    'is nobody in %j',
    (requestContext) => {
      expect(signedCaller(requestContext)).toBeUndefined()
    },
  )
})

describe('runtimeCaller', () => {
  it('is the user whom the runtime was invoked for', () => {
    const one = runtimeCaller({ [SESSION_HEADER]: 'Session 1', [USER_HEADER]: 'alice' })
    const two = runtimeCaller({ [SESSION_HEADER]: 'Session 2', [USER_HEADER]: 'alice' })

    expect(one?.principal).toBe('runtime-user:alice')
    expect(two?.principal).toBe(one?.principal)
    expect(two?.sessionId).not.toBe(one?.sessionId)
  })

  it('is nobody but the runtime session without a user', () => {
    const one = runtimeCaller({ [SESSION_HEADER]: 'Session 1' })
    const two = runtimeCaller({ [SESSION_HEADER]: 'Session 2' })

    expect(one?.sessionId).toMatch(/^[0-9a-f]{64}$/)
    expect(one?.principal).toBe(`runtime-session:${one?.sessionId}`)
    expect(two?.principal).not.toBe(one?.principal)
    expect(runtimeCaller({ [USER_HEADER]: 'alice' })).toBeUndefined()
  })
})
