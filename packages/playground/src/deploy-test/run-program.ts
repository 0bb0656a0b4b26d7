/** Runs a program to its end, quietly: what it writes is shown only when it fails. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** Where and for how long a program runs. */
export interface RunOptions {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  /** Ends the program, and all that it has started. */
  readonly signal: AbortSignal
}

/** Characters of a failed program's output that an error quotes. */
const OUTPUT_TAIL = 2_000

/**
 * Runs a program.
 *
 * @throws Error with the end of its output when it fails, cannot be started, or was ended by the signal.
 */
export async function runProgram(command: string, args: readonly string[], options: RunOptions): Promise<void> {
  const { cwd, env, signal } = options
  signal.throwIfAborted()
  // A process group of its own, so that its own children end with it.
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (piece: string) => {
      output = (output + piece).slice(-OUTPUT_TAIL)
    })
  }
  const end = (): void => endGroup(child.pid)
  signal.addEventListener('abort', end, { once: true })
  try {
    const [code] = await once(child, 'close')
    if (signal.aborted) throw new Error(`${reasonOf(signal)}:\n${output.trim()}`)
    if (code !== 0) throw new Error(`it ended with code ${code}:\n${output.trim()}`)
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`${[command, ...args].join(' ')}: ${problem}`, { cause })
  } finally {
    signal.removeEventListener('abort', end)
  }
}

function reasonOf({ reason }: AbortSignal): string {
  return reason instanceof Error && reason.name === 'TimeoutError' ? 'it took too long' : 'it was interrupted'
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGTERM')
  } catch {
    // It has ended by itself.
  }
}
