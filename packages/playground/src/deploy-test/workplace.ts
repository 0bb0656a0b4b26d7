/** A temporary folder with an environment of its own, in which nothing of the user's is reached by mistake. */

import { mkdtempSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Where a deployment is tried. */
export interface Workplace {
  readonly folder: string
  /** Nothing of the user's but the path to programs: no profile, no credentials, no proxy. */
  readonly environment: NodeJS.ProcessEnv
  /** Aborts when the user interrupts, and when it has all taken too long. */
  readonly signal: AbortSignal
  /** Removes the folder. */
  readonly remove: () => Promise<void>
}

/** The region that everything is in. */
export const REGION = 'us-east-1'

/** Credentials of an account that does not exist: AWS itself would refuse them. */
export const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' }

/** Makes the folder. */
export async function makeWorkplace(signal: AbortSignal): Promise<Workplace> {
  const folder = mkdtempSync(join(tmpdir(), 'deploy-test-'))
  const home = join(folder, 'home')
  await mkdir(home)
  const environment = {
    PATH: process.env['PATH'],
    // The CDK remembers accounts in the home folder.
    HOME: home,
    TMPDIR: folder,
    CI: 'true',
    CDK_DISABLE_CLI_TELEMETRY: 'true',
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    AWS_REGION: REGION,
    AWS_EC2_METADATA_DISABLED: 'true',
    // The emulator keeps what it stores in files here.
    S3_DATA_DIR: join(folder, 's3'),
    STATE_DIR: join(folder, 'state'),
  }
  return { folder, environment, signal, remove: () => rm(folder, { recursive: true, force: true, maxRetries: 3 }) }
}
