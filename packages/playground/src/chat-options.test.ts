import { expect, test } from 'vitest'
import { parseChatOptions } from './chat-options.ts'
import { UsageError } from './options.ts'

test('has a default for everything', () => {
  expect(parseChatOptions([], {})).toEqual({ session: 'chat', table: 'strands-sessions', isAwsTable: false })
})

test('reads every option', () => {
  const line =
    '--session s1 --model m --region eu-west-1 --table t-1 --endpoint http://localhost:8000 --tenant acme --owner ada'
  expect(parseChatOptions(line.split(' '), {})).toEqual({
    session: 's1',
    model: 'm',
    region: 'eu-west-1',
    table: 't-1',
    endpoint: 'http://localhost:8000',
    tenant: 'acme',
    owner: 'ada',
    isAwsTable: false,
  })
})

test.each([
  [['--model', 'm', '--table', 't-1'], {}, true],
  [['--model', 'm'], {}, false],
  [['--table', 't-1'], {}, false],
  [['--model', 'm', '--table', 't-1', '--endpoint', 'http://localhost:1'], {}, false],
  [['--model', 'm', '--table', 't-1'], { AWS_ENDPOINT_URL_DYNAMODB: 'http://localhost:1' }, false],
])(
  '%j uses a table in AWS only when a model and a table are named and no endpoint',
  (line, environment, isAwsTable) => {
    expect(parseChatOptions(line, environment)?.isAwsTable).toBe(isAwsTable)
  },
)

test('takes the URL of an agent, and no option that the agent decides on', () => {
  expect(parseChatOptions(['--url', 'https://abc.lambda-url.eu-west-1.on.aws/'], {})?.url?.hostname).toBe(
    'abc.lambda-url.eu-west-1.on.aws',
  )
})

test.each([
  [['--url', 'http://127.0.0.1:1', '--model', 'm'], /--model.*--url/],
  [['--url', 'http://127.0.0.1:1', '--owner', 'ada'], /--owner.*--url/],
  [['--url', 'localhost'], /--url.*localhost/],
  [['--url', 'http://example.com/'], /--url.*https.*example/],
  [['--url', 'https://example.com/?a=b'], /--url.*query/],
  [['--colour', 'red'], /--colour/],
  [['hello'], /hello/],
  [['--session'], /--session/],
  [['--session', ''], /--session needs a value/],
  [['--session', 'Bad Id!'], /sessionId.*Bad Id!/],
  [['--table', 'a b'], /tableName.*a b/],
  [['--tenant', 'x'.repeat(3_000)], /tenantId/],
  [['--endpoint', 'localhost'], /--endpoint.*localhost/],
])('%j is a usage error that names it', (line, message) => {
  expect(() => parseChatOptions(line, {})).toThrow(UsageError)
  expect(() => parseChatOptions(line, {})).toThrow(message)
})

test('a request for help is no error', () => {
  expect(parseChatOptions(['-h'], {})).toBeUndefined()
})
