/** Deletes the objects of one session that are older than its end. */

import { DeleteObjectsCommand, ListObjectsV2Command, type ObjectIdentifier, type S3Client } from '@aws-sdk/client-s3'

/** Where the objects are, and which of them go. */
export interface ObjectsToDelete {
  readonly bucket: string
  /** How the names of all of the session's objects begin. */
  readonly prefix: string
  /** Objects written at this time or later stay: they belong to a session that has begun anew under the same id. */
  readonly before: Date
}

/** Deletes them, page by page; S3 lists and deletes 1,000 at once. @returns how many there were */
export async function deleteObjects(client: S3Client, { bucket, prefix, before }: ObjectsToDelete): Promise<number> {
  let deleted = 0
  let ContinuationToken: string | undefined
  do {
    const page = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken }))
    const Objects = (page.Contents ?? [])
      .filter(({ LastModified }) => LastModified !== undefined && LastModified < before)
      .map(({ Key }): ObjectIdentifier => ({ Key }))
    if (Objects.length > 0) {
      const Delete = { Objects, Quiet: true }
      const { Errors = [] } = await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete }))
      const [first] = Errors
      if (first !== undefined) throw new Error(`${Errors.length} objects were not deleted: ${first.Code}`)
    }
    deleted += Objects.length
    ContinuationToken = page.NextContinuationToken
  } while (ContinuationToken !== undefined)
  return deleted
}
