/** Runs the playground's commands as a user does, on the DynamoDB of the test run. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

/** What a command left behind. */
export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs `src/<name>.ts` with these options, this input, and this environment beside our own. */
export async function runScript(
  name: string,
  options: readonly string[],
  input = '',
  environment: NodeJS.ProcessEnv = {},
): Promise<Finished> {
  const script = fileURLToPath(new URL(`../src/${name}.ts`, import.meta.url))
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, ...options], {
    env: { ...process.env, ...environment },
  })
  child.stdin.end(input)
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code: child.exitCode, stdout, stderr }
}
