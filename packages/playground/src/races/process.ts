/** A process that writes to sessions, for races. */

import { fileURLToPath } from 'node:url'
import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import { type OrderProcess, startOrderProcess } from '../order-process.ts'

/** The writers are part of the library's tests: they run from its sources, not from what is built. */
const SCRIPT = fileURLToPath(new URL('../../../session-dynamodb/test/support/race-writer.ts', import.meta.url))

/** Starts a process that writes to sessions. */
export function startRaceProcess(clientConfig: DynamoDBClientConfig): OrderProcess {
  return startOrderProcess(SCRIPT, { RACE_CLIENT: JSON.stringify(clientConfig) })
}
