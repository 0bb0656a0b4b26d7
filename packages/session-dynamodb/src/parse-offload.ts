/** The option `offload`: checked and defaulted. */

import { checkObject, isCount, isFunction, isString, optional } from './checks.ts'
import { VALUE_LIMIT } from './codec.ts'
import { InvalidOptionError } from './errors.ts'
import type { ObjectStoreOptions } from './objects.ts'
import type { OffloadOptions } from './options.ts'

/** A bucket's name, or the ARN of an access point. */
const BUCKET = /^[a-zA-Z0-9._:/-]{3,255}$/

/** Characters that S3 calls safe in names. */
const PREFIX = /^[a-zA-Z0-9!/_.*'()-]{0,256}$/

/** @throws {@link InvalidOptionError} naming the first option that is wrong. */
export function parseOffload(offload: OffloadOptions): ObjectStoreOptions {
  checkObject(offload, 'offload')
  const { bucket, prefix, client, thresholdBytes } = offload
  const isBucket = (value: unknown): boolean => isString(value) && BUCKET.test(value)
  if (!isBucket(bucket)) throw new InvalidOptionError('offload.bucket', bucket, "expected a bucket's name")
  const isPrefix = (value: unknown): boolean => isString(value) && PREFIX.test(value)
  const isThreshold = isCount(1024, VALUE_LIMIT)
  return {
    bucket,
    prefix: optional('offload.prefix', prefix, isPrefix, "at most 256 characters of A-Z, a-z, 0-9 and !/_.*'()-") ?? '',
    client: optional('offload.client', client, isClient, 'an S3Client'),
    thresholdBytes:
      optional('offload.thresholdBytes', thresholdBytes, isThreshold, `from 1024 to ${VALUE_LIMIT}`) ?? 32_768,
  }
}

function isClient(value: unknown): boolean {
  return typeof value === 'object' && value !== null && isFunction(Reflect.get(value, 'send'))
}
