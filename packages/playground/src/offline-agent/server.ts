/** The sample agent's server for Bedrock AgentCore Runtime with the offline model. */

import { serviceOf } from 'strands-session-dynamodb-infra/clients'
import { serve } from 'strands-session-dynamodb-infra/server'
import { OfflineModel } from '../offline-model.ts'

serve(serviceOf(new OfflineModel()))
