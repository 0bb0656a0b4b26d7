import { expect, test } from 'vitest'
import { UsageError } from '../options.ts'
import { parseAgentUrl, signingScope } from './agent-url.ts'

test.each([
  ['https://abc.lambda-url.eu-west-1.on.aws/', { service: 'lambda', region: 'eu-west-1' }],
  ['https://abc.execute-api.us-gov-west-1.amazonaws.com/prod', { service: 'execute-api', region: 'us-gov-west-1' }],
  ['https://agent.example.com/', { service: 'lambda', region: 'eu-north-1' }],
])('%s is signed for %o', (url, scope) => {
  expect(signingScope(new URL(url), 'eu-north-1')).toEqual(scope)
})

test('a host that does not tell its region needs one', () => {
  expect(() => signingScope(new URL('https://agent.example.com/'), undefined)).toThrow(/agent\.example\.com.*--region/)
})

test.each(['http://127.0.0.1:8787', 'http://localhost:1/', 'https://agent.example.com/prod'])('takes %s', (url) => {
  expect(parseAgentUrl(url).href).toContain(url)
})

test.each([
  ['agent', /'agent'/],
  ['ftp://example.com/', /https/],
  ['http://agent.example.com/', /https:\/\/.*on this machine only/],
  ['https://example.com/?x=1', /query/],
])('refuses %s', (url, message) => {
  expect(() => parseAgentUrl(url)).toThrow(UsageError)
  expect(() => parseAgentUrl(url)).toThrow(message)
})
