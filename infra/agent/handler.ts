/** Entry point of the Lambda function: requests over HTTP. */

import { bedrockModel, serviceOf } from './clients.ts'
import { createHandler } from './lambda.ts'

export const handler = createHandler(serviceOf(bedrockModel()))
