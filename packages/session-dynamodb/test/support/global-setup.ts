/** Starts DynamoDB once for a whole run of the integration tests, and tells them where it is. */

import { startEngine } from 'strands-session-dynamodb-playground/engine'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the DynamoDB of this test run answers. */
    dynamoDBEndpoint: string
  }
}

/** Called by vitest before the first test file; what it returns runs after the last one, also when tests failed. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const engine = await startEngine()
  const version = engine.version === undefined ? '' : ` ${engine.version}`
  process.stderr.write(`integration tests on ${engine.name}${version} at ${engine.endpoint}\n`)
  project.provide('dynamoDBEndpoint', engine.endpoint)
  return () => engine.stop()
}
