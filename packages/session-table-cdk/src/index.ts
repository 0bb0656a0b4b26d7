/** The public interface of strands-session-dynamodb-cdk. */

export { acknowledgeWildcard } from './acknowledge.ts'
export { InvalidPropError } from './prop-error.ts'
export type { OffloadProps, SessionTableProps, SessionTableReplica } from './props.ts'
export type { SessionMonitoring } from './session-monitoring.ts'
export { SessionTable, type SessionTableAttributes } from './session-table.ts'
export type { GrantSessionOptions, ISessionTable, Offload } from './session-table-base.ts'
