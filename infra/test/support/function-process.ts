/** A function's process, as Lambda starts it: the real bundle under Lambda's own runtime client. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type FunctionResult, RuntimeApi } from './runtime-api.ts'

const folder = fileURLToPath(new URL('../runtime-client/', import.meta.url))
const client = `${folder}node_modules/aws-lambda-ric/index.mjs`
const preload = new URL('without-native-client.ts', import.meta.url).href

/** A process that waits for events. */
export interface FunctionProcess {
  readonly invoke: (event: unknown) => Promise<FunctionResult>
  /** Milliseconds from the start of the process until it asked for its first event. */
  readonly startedMs: number
  /** What it has written to its log; the log is complete once it is stopped. */
  readonly log: () => string
  /** Ends the process, as Lambda does when it needs it no longer. */
  readonly stop: () => Promise<void>
}

/**
 * Installs the runtime client unless it is there. It has a lockfile of its own, because its install scripts compile C++:
 * `npm ci` of the workspace must not need a compiler.
 *
 * @returns why it could not be installed; undefined when it is there
 */
export function installRuntimeClient(): string | undefined {
  if (existsSync(client)) return undefined
  const options = { cwd: folder, encoding: 'utf8', timeout: 60_000 } as const
  const { status, stderr } = spawnSync('npm', ['ci', '--ignore-scripts', '--loglevel=error'], options)
  return status === 0 ? undefined : (stderr.split('\n').find((line) => line !== '') ?? 'npm ci failed')
}

/** Starts a process. @param code - The folder of the bundle. */
export async function startFunction(code: string, environment: NodeJS.ProcessEnv): Promise<FunctionProcess> {
  const api = await RuntimeApi.start()
  const started = performance.now()
  const child = spawn(process.execPath, ['--import', preload, client], {
    env: { ...lambdaEnvironment(code, api.address), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece) => (log += piece))
  const closed = once(child, 'close')
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    api.stop()
    await closed
  }
  try {
    await Promise.race([api.ready, exited(child)])
  } catch (error) {
    await stop()
    throw new Error(`the function did not start:\n${log}`, { cause: error })
  }
  const startedMs = performance.now() - started
  return { invoke: (event) => Promise.race([api.invoke(event), exited(child)]), startedMs, log: () => log, stop }
}

async function exited(child: ChildProcess): Promise<never> {
  const code = child.exitCode ?? (await new Promise((resolve) => child.once('exit', resolve)))
  throw new Error(`the function's process has ended with ${code}`)
}

function lambdaEnvironment(code: string, address: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    _HANDLER: 'index.handler',
    LAMBDA_TASK_ROOT: code,
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_RUNTIME_API: address,
    AWS_LAMBDA_NODEJS_USE_ALTERNATIVE_CLIENT_1: 'true',
    AWS_LAMBDA_LOG_FORMAT: 'JSON',
    AWS_LAMBDA_FUNCTION_NAME: 'agent',
    AWS_LAMBDA_FUNCTION_VERSION: '1',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1024',
    AWS_LAMBDA_LOG_GROUP_NAME: 'agent',
    AWS_LAMBDA_LOG_STREAM_NAME: 'stream',
  }
}
