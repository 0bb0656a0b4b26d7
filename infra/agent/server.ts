/** Entry point on Bedrock AgentCore Runtime: a server on port 8080 with `POST /invocations` and `GET /ping`. */

import { createServer } from 'node:http'
import { bedrockModel, serviceOf } from './clients.ts'
import { runtimeCaller } from './identity.ts'
import { createListener } from './node-http.ts'

/** Where the runtime looks for the agent. */
const PORT = 8080

createServer(createListener(serviceOf(bedrockModel()), runtimeCaller)).listen(PORT, '0.0.0.0')
