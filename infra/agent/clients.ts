/** The AWS clients of a process: made while it starts, outside the handler, and shared by all its requests. */

import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { BedrockModel, type Model } from '@strands-agents/sdk'
import type { OffloadOptions } from 'strands-session-dynamodb'
import type { LambdaService } from './lambda.ts'
import { LambdaTelemetry } from './lambda-telemetry.ts'

/** Environment variable that names the Amazon Bedrock model or inference profile. */
export const MODEL_VARIABLE = 'MODEL_ID'

/** Environment variable that names the bucket for large values; without it they are in the table. */
export const BUCKET_VARIABLE = 'OFFLOAD_BUCKET'

/** Environment variable that says how the names of the bucket's objects begin. */
export const PREFIX_VARIABLE = 'OFFLOAD_PREFIX'

/** The model that the environment names. @throws Error when it names none: a deployment without one is of no use. */
export function bedrockModel(environment: NodeJS.ProcessEnv = process.env): Model {
  const modelId = environment[MODEL_VARIABLE]
  if (!modelId) throw new Error(`${MODEL_VARIABLE}: expected the id of a model or an inference profile, got none`)
  return new BedrockModel({ modelId })
}

/** Where the environment puts large values; undefined for the table. */
export function offloadOf(environment: NodeJS.ProcessEnv = process.env): OffloadOptions | undefined {
  const { [BUCKET_VARIABLE]: bucket, [PREFIX_VARIABLE]: prefix } = environment
  return bucket ? { bucket, prefix } : undefined
}

/** What the handlers of this process work with. The session manager finds its table in the environment. */
export function serviceOf(model: Model): LambdaService {
  const telemetry = new LambdaTelemetry()
  return { model, client: new DynamoDBClient({}), offload: offloadOf(), telemetry, logger: telemetry.logger }
}
