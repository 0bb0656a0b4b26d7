import { expect, test } from 'vitest'
import { parseDevOptions } from './dev-options.ts'
import { UsageError } from './options.ts'

test.each([
  ['', { port: 8787 }],
  ['--port 0', { port: 0 }],
  ['--model bedrock', { port: 8787, model: 'global.anthropic.claude-sonnet-4-6' }],
  [
    '--port 80 --model m --region eu-west-1 --endpoint http://localhost:8000',
    { port: 80, model: 'm', region: 'eu-west-1', endpoint: 'http://localhost:8000' },
  ],
  ['-h', undefined],
])("reads '%s'", (line, options) => {
  expect(parseDevOptions(line.split(' ').filter((word) => word !== ''))).toEqual(options)
})

test.each([
  [['--port', '65536'], /--port.*65536/],
  [['--port', '-1'], /--port/],
  [['--port', 'http'], /--port.*http/],
  [['--endpoint', 'localhost'], /--endpoint.*localhost/],
  [['--model', ''], /--model needs a value/],
  [['--host', '0.0.0.0'], /--host/],
])('%j is a usage error that names it', (line, message) => {
  expect(() => parseDevOptions(line)).toThrow(UsageError)
  expect(() => parseDevOptions(line)).toThrow(message)
})
