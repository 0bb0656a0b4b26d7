/** The bucket of large values: private, encrypted, TLS only, and empty once its sessions are. */

import { CfnResource, Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import { BlockPublicAccess, Bucket, BucketEncryption, type LifecycleRule, ObjectOwnership } from 'aws-cdk-lib/aws-s3'
import type { Construct } from 'constructs'

/** What a bucket of large values is made of. */
export interface OffloadBucketProps {
  readonly ephemeral: boolean
  readonly encryptionKey: IKey | undefined
  /** For how many days a deleted object can be restored; undefined for not at all. */
  readonly recoverableDays: number | undefined
}

/** After how many days S3 removes what an upload that was broken off has left. */
const ABORT_UPLOADS_DAYS = 1

/** A bucket for the large values of one table. */
export class OffloadBucket extends Bucket {
  constructor(scope: Construct, id: string, { ephemeral, encryptionKey, recoverableDays }: OffloadBucketProps) {
    super(scope, id, {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      ...(encryptionKey === undefined
        ? { encryption: BucketEncryption.S3_MANAGED }
        : { encryption: BucketEncryption.KMS, encryptionKey, bucketKeyEnabled: true }),
      versioned: recoverableDays !== undefined,
      lifecycleRules: lifecycle(recoverableDays),
      removalPolicy: ephemeral ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
      autoDeleteObjects: ephemeral,
    })
    if (ephemeral) this.#takeLogsAlong()
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-S1',
      reason:
        'Access logs would be a second bucket to pay for and to protect; CloudTrail data events can be switched on.',
    })
  }

  /** The CDK's function that empties the bucket would leave its log group behind. */
  #takeLogsAlong(): void {
    const provider = Stack.of(this).node.tryFindChild('Custom::S3AutoDeleteObjectsCustomResourceProvider')
    const emptier = provider?.node.tryFindChild('Handler')
    if (!CfnResource.isCfnResource(emptier)) throw new Error('the function that empties a bucket has another name now')
    const logGroup = new LogGroup(this, 'EmptierLogs', {
      retention: RetentionDays.ONE_DAY,
      removalPolicy: RemovalPolicy.DESTROY,
    })
    emptier.addPropertyOverride('LoggingConfig.LogGroup', logGroup.logGroupName)
  }
}

function lifecycle(recoverableDays: number | undefined): LifecycleRule[] {
  const uploads = { id: 'uploads', abortIncompleteMultipartUploadAfter: Duration.days(ABORT_UPLOADS_DAYS) }
  if (recoverableDays === undefined) return [uploads]
  const deleted = {
    id: 'deleted',
    noncurrentVersionExpiration: Duration.days(recoverableDays),
    expiredObjectDeleteMarker: true,
  }
  return [uploads, deleted]
}
