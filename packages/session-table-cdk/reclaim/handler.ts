/** The Lambda function behind the table's stream: deletes the S3 objects of sessions that DynamoDB has expired. */

import { S3Client } from '@aws-sdk/client-s3'
import { ATTRIBUTE, objectPrefixOf } from 'strands-session-dynamodb/schema'
import { deleteObjects } from './delete-objects.ts'

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

const client = new S3Client({})

/** Reclaims one session after the other. The first that fails is where the next try begins. */
export async function handler(event: { readonly Records: readonly Removal[] }): Promise<BatchResult> {
  for (const { dynamodb } of event.Records) {
    const partitionKey = dynamodb.Keys[ATTRIBUTE.partitionKey]?.S
    try {
      const objects = await reclaim(partitionKey, new Date(dynamodb.ApproximateCreationDateTime * 1000))
      console.info({ message: 'reclaimed', partitionKey, objects })
    } catch (error) {
      console.error({ message: 'not reclaimed', partitionKey, error })
      return { batchItemFailures: [{ itemIdentifier: dynamodb.SequenceNumber }] }
    }
  }
  return { batchItemFailures: [] }
}

async function reclaim(partitionKey: string | undefined, before: Date): Promise<number> {
  const { TABLE_NAME, BUCKET: bucket, PREFIX = '' } = process.env
  if (partitionKey === undefined || TABLE_NAME === undefined || bucket === undefined) {
    throw new Error('a removal without a partition key, or a function without TABLE_NAME and BUCKET')
  }
  return deleteObjects(client, { bucket, prefix: `${PREFIX}${objectPrefixOf(TABLE_NAME, partitionKey)}`, before })
}
