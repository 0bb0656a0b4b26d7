/** The model of the chat: Amazon Bedrock when one is named, the offline model otherwise. */

import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { BedrockModel, type Model } from '@strands-agents/sdk'
import { OfflineModel } from './offline-model.ts'

/** How to find out about the user's AWS account; a parameter, so that tests ask nobody. */
export interface AwsAccess {
  /** Rejects when there are no credentials. */
  readonly credentials: () => Promise<unknown>
  /** Rejects when no region is set. */
  readonly region: () => Promise<string>
}

/**
 * Makes the model.
 *
 * @throws Error that says what to set up, when a Bedrock model is named and credentials or region are missing.
 */
export async function chatModel(modelId: string | undefined, access: AwsAccess): Promise<Model> {
  if (modelId === undefined) return new OfflineModel()
  const region = await access.region().catch((cause: unknown) => {
    throw new Error('--model needs an AWS region: give --region, or set AWS_REGION.', { cause })
  })
  await access.credentials().catch((cause: unknown) => {
    throw new Error(
      '--model needs AWS credentials, and none were found. Sign in (aws login or aws sso login), set AWS_PROFILE, or ' +
        'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Without --model the chat runs offline.',
      { cause },
    )
  })
  return new BedrockModel({ modelId, region })
}

/** The AWS SDK's own search for a region and credentials. */
export function awsAccess(region: string | undefined): AwsAccess {
  const { config } = new DynamoDBClient(region === undefined ? {} : { region })
  const hasBedrockKey = Boolean(process.env.AWS_BEARER_TOKEN_BEDROCK)
  return { region: config.region, credentials: async () => hasBedrockKey || config.credentials() }
}
