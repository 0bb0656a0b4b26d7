/** The Lambda function behind the table's stream: deletes the S3 objects of sessions that DynamoDB has expired. */

import { deleteOffloaded } from 'strands-session-dynamodb/delete-offloaded'
import { ATTRIBUTE } from 'strands-session-dynamodb/schema'

/** What the function reads of a stream record: the removed item's key, and when it was removed. */
export interface Removal {
  readonly dynamodb: {
    readonly Keys: Readonly<Record<string, { readonly S: string }>>
    /** Seconds since the epoch. */
    readonly ApproximateCreationDateTime: number
    readonly SequenceNumber: string
  }
}

/** From which record on Lambda sends the batch again; none when all is done. */
export interface BatchResult {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[]
}

/** Reclaims one session after the other. The first that fails is where the next try begins. */
export async function handler(event: { readonly Records: readonly Removal[] }): Promise<BatchResult> {
  const { TABLE_NAME: tableName = '', BUCKET: bucket = '', PREFIX: prefix } = process.env
  for (const { dynamodb } of event.Records) {
    const pk = dynamodb.Keys[ATTRIBUTE.partitionKey]?.S ?? ''
    // A session that has begun anew under the same id keeps what it has written since.
    const before = new Date(dynamodb.ApproximateCreationDateTime * 1000)
    try {
      const objects = await deleteOffloaded({ offload: { bucket, prefix }, tableName, pk, before })
      console.info({ message: 'reclaimed', pk, objects })
    } catch (error) {
      console.error({ message: 'not reclaimed', pk, error })
      return { batchItemFailures: [{ itemIdentifier: dynamodb.SequenceNumber }] }
    }
  }
  return { batchItemFailures: [] }
}
