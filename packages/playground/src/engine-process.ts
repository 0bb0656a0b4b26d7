/** Starts a database as a guarded child process and waits until it answers. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { EngineError } from './engine-choice.ts'

/** A database program, described well enough to start it and to know when it is up. */
export interface EngineProgram {
  /** Its name for people. */
  readonly name: string
  readonly command: string
  /** Whether it picks its own free port and announces it; otherwise {@link parameters} gets one to use. */
  readonly picksPort: boolean
  /** The command line for a port. */
  readonly parameters: (port: number) => readonly string[]
  /** Its environment for a port. @defaultValue this process's own */
  readonly environment?: (port: number) => NodeJS.ProcessEnv
  /**
   * How the program proves that it is the one that answers on the port, and no stranger who took the port first:
   * the line that it prints once it listens, or the origin that only it was told to allow.
   */
  readonly proof: { readonly line: RegExp } | { readonly origin: string }
  /** Finds the program's version in what it prints. */
  readonly version?: RegExp
}

/** A database process that answers. */
export interface RunningEngine {
  readonly endpoint: string
  readonly version: string | undefined
  /** Ends the process and waits until it is gone. Safe to call twice. */
  readonly stop: () => Promise<void>
}

/** Attempts to get a port that nobody takes between the moment it was free and the start of the program. */
const PORT_ATTEMPTS = 5
/** Longest start-up, in milliseconds: a cold JVM on a busy machine takes several seconds. */
const START_TIMEOUT = 60_000
/** Pause between two questions whether the program is up, in milliseconds. */
const POLL_INTERVAL = 25
/** Longest wait for a process to end before it is killed, in milliseconds. The guard needs 3 seconds at most. */
const STOP_TIMEOUT = 5_000
/** Characters of the program's output that an error message quotes. */
const OUTPUT_TAIL = 1_500

const GUARD = fileURLToPath(new URL('./engine-guard.ts', import.meta.url))

/**
 * Starts the program; when another process took its port first, tries again on another port.
 *
 * @throws {@link EngineError} when it ends or does not answer in time; nothing is left running then.
 */
export async function startProgram(program: EngineProgram): Promise<RunningEngine> {
  for (let attempt = 1; ; attempt += 1) {
    const port = program.picksPort ? 0 : await freePort()
    const started = await launch(program, port)
    if ('endpoint' in started) return started
    const portTaken = /in use|failed to bind|could not start server on port/i.test(started.output)
    if (!portTaken || attempt === PORT_ATTEMPTS) {
      throw new EngineError(`${program.name} did not start: ${started.reason}\n${started.output.slice(-OUTPUT_TAIL)}`)
    }
  }
}

/** Whether anything speaks HTTP at the endpoint. */
export async function answers(endpoint: string): Promise<boolean> {
  return (await listTables(endpoint)) !== undefined
}

async function launch(
  program: EngineProgram,
  port: number,
): Promise<RunningEngine | { readonly reason: string; readonly output: string }> {
  // A process group of its own: Ctrl-C in the terminal is the caller's to handle, not the database's.
  const child = spawn(process.execPath, [GUARD, program.command, ...program.parameters(port)], {
    detached: true,
    windowsHide: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(program.environment && { env: program.environment(port) }),
  })
  let output = ''
  const collect = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-20_000)
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  child.stdin.on('error', () => {})

  const deadline = Date.now() + START_TIMEOUT
  let reason = `it did not answer within ${START_TIMEOUT / 1000} seconds.`
  while (Date.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null) {
      reason = `it ended with code ${child.exitCode}.`
      break
    }
    const endpoint = await proven(program, port, output)
    if (endpoint !== undefined) {
      child.stdout.off('data', collect).resume()
      child.stderr.off('data', collect).resume()
      letParentEnd(child)
      return { endpoint, version: program.version?.exec(output)?.[1], stop: () => stop(child) }
    }
    await sleep(POLL_INTERVAL)
  }
  await stop(child)
  return { reason, output }
}

/** The endpoint, once the program itself is known to answer there. */
async function proven(program: EngineProgram, port: number, output: string): Promise<string | undefined> {
  if ('line' in program.proof) {
    const endpoint = program.proof.line.exec(output)?.[1]
    return endpoint !== undefined && (await answers(endpoint)) ? endpoint : undefined
  }
  const endpoint = `http://127.0.0.1:${port}`
  const response = await listTables(endpoint, program.proof.origin)
  return response?.headers.get('access-control-allow-origin') === program.proof.origin ? endpoint : undefined
}

/** Asks for the tables without a signature, which embedded databases do not check. */
async function listTables(endpoint: string, origin?: string): Promise<Response | undefined> {
  try {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': 'DynamoDB_20120810.ListTables',
        authorization:
          'AWS4-HMAC-SHA256 Credential=local/20000101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
        ...(origin !== undefined && { origin }),
      },
      body: '{}',
      signal: AbortSignal.timeout(2_000),
    })
    await response.arrayBuffer()
    return response
  } catch {
    return undefined
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new EngineError('The system gave no port.')
  return address.port
}

/** A caller that forgets to stop the engine still ends, and the guard then ends the engine. */
function letParentEnd(child: ChildProcess): void {
  child.unref()
  for (const stream of child.stdio) {
    if (stream && 'unref' in stream && typeof stream.unref === 'function') stream.unref()
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.ref()
  const gone = once(child, 'exit')
  child.stdin?.end()
  const timer = setTimeout(() => killGroup(child), STOP_TIMEOUT)
  await gone
  clearTimeout(timer)
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    child.kill('SIGKILL')
  }
}
