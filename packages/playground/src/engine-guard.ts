/**
 * Runs a program for as long as whoever started this process lives: `node engine-guard.ts PROGRAM ARGUMENT…`.
 *
 * The system closes our standard input when the parent dies, also by SIGKILL, so no database stays behind.
 */

import { spawn } from 'node:child_process'

/** Time that the program gets to end by itself, in milliseconds. */
const GRACE = 3_000

const [program, ...parameters] = process.argv.slice(2)
if (program === undefined) throw new Error('engine-guard needs a program to run')

const child = spawn(program, parameters, { stdio: ['ignore', 'inherit', 'inherit'] })
child.on('error', (error) => {
  console.error(error.message)
  process.exit(127)
})
child.on('exit', (code) => process.exit(code ?? 1))

process.stdin.on('end', stop).on('error', stop).resume()
process.on('SIGTERM', stop)
process.on('SIGINT', stop)
process.on('SIGHUP', stop)

function stop(): void {
  child.kill('SIGTERM')
  setTimeout(() => child.kill('SIGKILL'), GRACE).unref()
}
