import { expect, test } from 'vitest'
import { errorOf } from '../test/support/mocked-client.ts'
import { parseOffload } from './parse-offload.ts'

const client = { config: {}, send: () => undefined }

test('has defaults', () => {
  expect(parseOffload({ bucket: 'values' })).toEqual({
    bucket: 'values',
    prefix: '',
    client: undefined,
    thresholdBytes: 32_768,
  })
})

test('is taken as it is', () => {
  const bucket = 'arn:aws:s3:eu-west-1:123456789012:accesspoint/values'
  const options = { bucket, prefix: 'sessions/', client, thresholdBytes: 1024 }
  expect(parseOffload(options)).toEqual(options)
})

test.each([
  ['offload', [null, 'values', true]],
  ['offload.bucket', [undefined, null, '', 'ab', 'a b', 7, 'x'.repeat(256)]],
  ['offload.prefix', [null, 7, 'a b', 'ü', '#', 'x'.repeat(257)]],
  ['offload.client', [null, 'client', {}, { send: true }]],
  ['offload.thresholdBytes', [null, 0, 1023, 1.5, '65536', 64 * 2 ** 20 + 1, Number.NaN]],
] as const)('a wrong %s is an error that names it', (field, values) => {
  const [, name] = field.split('.')
  for (const value of values) {
    const options = name === undefined ? value : { bucket: 'values', [name]: value }
    const error = errorOf(() => parseOffload(options as never))
    expect(error, String(value)).toMatchObject({ name: 'InvalidOptionError', field, value })
  }
})
