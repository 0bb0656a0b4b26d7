/** The agent's code as `cdk deploy` would upload it. */

import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { App, Stack } from 'aws-cdk-lib'
import { SessionTable } from 'strands-session-dynamodb-cdk'
import { type AgentEntry, PROJECT_ROOT } from '../../lib/agent/agent-code.ts'
import { AgentFunction } from '../../lib/agent/agent-function.ts'

/** Code that has been bundled. */
export interface Bundle {
  /** Folder of the code, in a temporary one. */
  readonly folder: string
  /** The code's size in bytes. */
  readonly size: number
}

let isBuilt = false

/** Bundles one function, from the library's build as it is now. */
export function bundleFunction(entry: AgentEntry, modelId: string): Bundle {
  buildLibrary()
  const app = new App({ outdir: mkdtempSync(join(tmpdir(), 'agent-bundle-')) })
  const stack = new Stack(app, 'Bundle')
  const sessions = SessionTable.fromTableName(stack, 'Sessions', 'sessions')
  new AgentFunction(stack, 'Agent', { sessions, entry, modelId })
  const { directory } = app.synth()
  const folder = globSync('asset.*', { cwd: directory }).map((name) => join(directory, name))[0] ?? directory
  return { folder, size: statSync(join(folder, 'index.mjs')).size }
}

/** Bundles hold what is built, not the sources that other tests see. */
function buildLibrary(): void {
  if (isBuilt) return
  const { status, stdout } = spawnSync('tsc', ['-b', 'packages/session-dynamodb'], {
    cwd: PROJECT_ROOT,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`the library could not be built:\n${stdout}`)
  isBuilt = true
}
