/** Entry point of the Lambda function that a queue invokes. */

import { bedrockModel, serviceOf } from './clients.ts'
import { createQueueHandler } from './queue.ts'

export const handler = createQueueHandler(serviceOf(bedrockModel()))
