/** Serves the agent as Bedrock AgentCore Runtime expects it: `POST /invocations` and `GET /ping` on port 8080. */

import { createServer, type Server } from 'node:http'
import { runtimeCaller } from './identity.ts'
import { createListener } from './node-http.ts'
import type { AgentService } from './service.ts'

/** Where the runtime looks for the agent. */
const PORT = 8080

/** Starts the server. @param port - Another port than the runtime's, for tests. */
export function serve(service: AgentService, port = PORT): Server {
  return createServer(createListener(service, runtimeCaller)).listen(port, '0.0.0.0')
}
