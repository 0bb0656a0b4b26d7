/** The sample agent's function behind a queue with the offline model. */

import { serviceOf } from 'strands-session-dynamodb-infra/clients'
import { createQueueHandler } from 'strands-session-dynamodb-infra/queue'
import { OfflineModel } from '../offline-model.ts'

export const handler = createQueueHandler(serviceOf(new OfflineModel()))
