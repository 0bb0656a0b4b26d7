/** The sample agent's Lambda function with the offline model: for trials, and for tests of what is deployed. */

import { serviceOf } from 'strands-session-dynamodb-infra/clients'
import { createHandler } from 'strands-session-dynamodb-infra/lambda'
import { OfflineModel } from '../offline-model.ts'
import { trialCaller } from './trial-caller.ts'

export const handler = createHandler({ ...serviceOf(new OfflineModel()), identify: trialCaller })
