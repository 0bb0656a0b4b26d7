/** What a role may ask of Amazon Bedrock, from the id of one model. */

import { Stack } from 'aws-cdk-lib'
import { Grant, type IRole } from 'aws-cdk-lib/aws-iam'
import type { IConstruct } from 'constructs'
import { acknowledgeWildcard } from 'strands-session-dynamodb-cdk'

/** The model of a stack that is only tried: it answers from the conversation, and asks nobody. */
export const OFFLINE_MODEL = 'offline'

/** The SDK's own default, stated so that a new SDK does not change it. */
export const DEFAULT_MODEL = 'global.anthropic.claude-sonnet-4-6'

/** What an inference profile's id begins with: where requests may be routed to. */
const ROUTES = ['global', 'us', 'us-gov', 'eu', 'apac', 'jp', 'au', 'ca']

/** An id of Amazon Bedrock: a route perhaps, a provider, a model and its version. */
const MODEL_ID = /^(?:[a-z-]+\.)?[a-z0-9-]+\.[a-z0-9][a-z0-9.:-]*$/

/** @throws Error for what is no id of a model, naming it. */
export function checkModelId(modelId: string): string {
  if (modelId === OFFLINE_MODEL || MODEL_ID.test(modelId)) return modelId
  const example = `'${DEFAULT_MODEL}', or '${OFFLINE_MODEL}' for a trial without a model`
  throw new Error(`modelId: expected the id of a model or an inference profile, such as ${example}, got '${modelId}'`)
}

/**
 * Lets a grantee ask one model. An inference profile takes two permissions: one on the profile, in this account and region,
 * and one on the model itself in every region that the profile may route to.
 */
export function grantModel(scope: IConstruct, grantee: IRole, modelId: string): void {
  if (checkModelId(modelId) === OFFLINE_MODEL) return
  const stack = Stack.of(scope)
  const [route = '', ...rest] = modelId.split('.')
  const isProfile = ROUTES.includes(route)
  const model = isProfile ? rest.join('.') : modelId
  const profileArn = stack.formatArn({ service: 'bedrock', resource: 'inference-profile', resourceName: modelId })
  const modelArn = `arn:${stack.partition}:bedrock:*::foundation-model/${model}`
  Grant.addToPrincipal({
    grantee,
    actions: ['bedrock:InvokeModel', 'bedrock:InvokeModelWithResponseStream'],
    resourceArns: [modelArn, ...(isProfile ? [profileArn] : [])],
  })
  acknowledgeWildcard(grantee, modelArn, 'The inference profile chooses the region; the model is the same in each.')
}
