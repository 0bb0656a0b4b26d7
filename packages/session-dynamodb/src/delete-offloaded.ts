/** `deleteOffloaded`: deletes the objects of a session that is gone, for whoever learns that it has expired. */

import { InvalidOptionError } from './errors.ts'
import { ObjectStore } from './objects.ts'
import type { OffloadOptions } from './options.ts'
import { parseOffload } from './parse-offload.ts'

/** Options of {@link deleteOffloaded}. */
export interface DeleteOffloadedOptions {
  /** The option that the session's managers had. */
  readonly offload: OffloadOptions
  /** Name or ARN of the table. */
  readonly tableName: string
  /** Partition key of the session, as its items and the table's stream have it. */
  readonly pk: string
  /**
   * Leave alone objects that were not written before then: those of a session that has begun anew under the same id.
   *
   * @defaultValue none: all objects are deleted
   */
  readonly before?: Date | undefined
}

/**
 * Deletes the objects of a session whose items are gone: DynamoDB's time to live deletes items only. `deleteSession()` does
 * so by itself.
 *
 * @returns How many objects there were.
 * @throws `InvalidOptionError` for an option that is wrong; `OffloadError` when the bucket is missing or access is denied.
 */
export async function deleteOffloaded(options: DeleteOffloadedOptions): Promise<number> {
  const { offload, tableName, pk, before } = options
  const named = { tableName, pk }
  for (const [field, value] of Object.entries(named)) {
    if (typeof value !== 'string' || value === '') throw new InvalidOptionError(field, value, 'expected a text')
  }
  if (before !== undefined && !(before instanceof Date)) {
    throw new InvalidOptionError('before', before, 'expected a Date')
  }
  return new ObjectStore(parseOffload(offload), { tableName }).deleteAll(pk, before)
}
