/** What other hosts need to run the sample agent: development servers, tests, a trial without a model. */

export type { AgentRequest, Caller, Reply } from './http.ts'
export { createListener, type Identify } from './node-http.ts'
export { route } from './routes.ts'
export type { AgentService } from './service.ts'
export { silentTelemetry, type Telemetry } from './telemetry.ts'
