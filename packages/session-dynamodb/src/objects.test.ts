import { expect, test, vi } from 'vitest'
import { MemoryBucket } from '../test/support/bucket.ts'
import { rejectionOf } from '../test/support/mocked-client.ts'
import { ObjectStore } from './objects.ts'

const owner = { pk: 'tenant#a%20b#session#s', sk: 'agent#a#msg#0000000001' }

function storeFor(prefix = '') {
  const bucket = new MemoryBucket()
  const options = { bucket: bucket.name, prefix, client: bucket.client(), thresholdBytes: 1024 }
  return { bucket, objects: new ObjectStore(options, { tableName: 'sessions' }) }
}

test('objects are named by table, session, item and content', () => {
  const { objects } = storeFor('p/')
  expect(objects.nameOf(owner, 'digest')).toBe(
    'p/sessions/tenant%23a%2520b%23session%23s/agent%23a%23msg%230000000001/digest',
  )
})

test('a digest stands for a sort key that is long, and nothing for a session whose name is too long', () => {
  const { objects } = storeFor()
  const long = { ...owner, sk: `agent#${'x'.repeat(300)}#msg#0000000001` }
  expect(objects.nameOf(long, 'digest')).toMatch(/^sessions\/tenant%23a%2520b%23session%23s\/[\w-]{20}\/digest$/)
  expect(objects.nameOf(long, 'digest')).not.toBe(objects.nameOf({ ...long, sk: `${long.sk}0` }, 'digest'))
  expect(objects.nameOf({ ...owner, pk: 'x'.repeat(1024) }, 'digest')).toBeUndefined()
})

test('objects are deleted a thousand at once, and all of a session page by page', async () => {
  const { bucket, objects } = storeFor()
  const names = Array.from({ length: 1001 }, (_, index) => `n${index}`)
  await objects.delete(names)
  expect(bucket.requests).toEqual(['DeleteObjects', 'DeleteObjects'])
  for (const digest of ['a', 'b', 'c']) {
    await objects.put(objects.nameOf(owner, digest) ?? '', Uint8Array.of(1))
    await objects.put(objects.nameOf({ ...owner, pk: `${owner.pk}2` }, digest) ?? '', Uint8Array.of(1))
  }
  expect(await objects.deleteAll(owner.pk)).toBe(3)
  expect([...bucket.objects.keys()].filter((name) => !name.includes('session%23s2/'))).toEqual([])
  expect(bucket.objects.size).toBe(3)
})

test('an object that S3 says it could not delete is an error', async () => {
  const send = async (): Promise<object> => ({ Errors: [{ Key: 'n', Code: 'AccessDenied', Message: 'no' }] })
  const options = { bucket: 'values', prefix: '', client: { send }, thresholdBytes: 1024 }
  const objects = new ObjectStore(options, { tableName: 'sessions' })
  expect(await rejectionOf(objects.delete(['n']))).toMatchObject({
    ...{ name: 'OffloadError', bucket: 'values', operation: 'DeleteObjects', retryable: false },
    message: expect.stringContaining('Grant s3:PutObject, s3:GetObject and s3:DeleteObject'),
  })
})

test('a package that is not installed is an error that says so', async () => {
  vi.doMock('@aws-sdk/client-s3', () => {
    throw new Error('Cannot find package')
  })
  try {
    expect(await rejectionOf(storeFor().objects.put('n', Uint8Array.of(1)))).toMatchObject({
      ...{ name: 'InvalidOptionError', field: 'offload' },
      message: expect.stringContaining("expected the package '@aws-sdk/client-s3' to be installed"),
    })
  } finally {
    vi.doUnmock('@aws-sdk/client-s3')
  }
})
