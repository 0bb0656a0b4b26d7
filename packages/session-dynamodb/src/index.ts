/** The public interface of strands-session-dynamodb. */

export type { ClientOptions } from './client.ts'
export { createSessionTable } from './create-session-table.ts'
export { type DeleteOffloadedOptions, deleteOffloaded } from './delete-offloaded.ts'
export {
  AnswerNotSavedError,
  type BusyFacts,
  type ConflictFacts,
  DynamoDBSessionError,
  InvalidOptionError,
  NewerFormatError,
  OffloadError,
  SdkMismatchError,
  SessionBusyError,
  SessionConflictError,
  SessionCorruptedError,
  SessionNotFoundError,
  TableNotFoundError,
  TableRequestError,
  TableSchemaError,
  ValueTooLargeError,
} from './errors.ts'
export { type ListSessionsOptions, listSessions } from './list-sessions.ts'
export type {
  DynamoDBSessionManagerOptions,
  DynamoDBSnapshotStorageOptions,
  ObjectClient,
  OffloadOptions,
  RepairMode,
  Retention,
  TableOptions,
} from './options.ts'
export type { CapacityUsage, Retry } from './requests.ts'
export { ATTRIBUTE, FORMAT_VERSION, OWNER_INDEX, TABLE_SCHEMA } from './schema.ts'
export type { SessionPage } from './session-directory.ts'
export type { SessionInfo } from './session-item.ts'
export { DynamoDBSessionManager } from './session-manager.ts'
export type { DeleteProgress } from './session-removal.ts'
export { DynamoDBSnapshotStorage } from './snapshot-storage.ts'
export { type SessionProblem, type SessionReport, type VerifySessionOptions, verifySession } from './verify-session.ts'
