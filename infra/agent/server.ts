/** Entry point on Bedrock AgentCore Runtime. */

import { bedrockModel, serviceOf } from './clients.ts'
import { serve } from './serve.ts'

serve(serviceOf(bedrockModel()))
