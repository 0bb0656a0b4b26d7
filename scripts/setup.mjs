/**
 * Makes a fresh clone ready to run: dependencies first, then the library's build output.
 *
 * Plain JavaScript without dependencies, because it runs before there are any, on whatever Node.js (20 or later) the
 * machine has. Everything after it runs on the Node.js that the lockfile pins, from `node_modules/.bin`.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository's root folder. */
export const root = fileURLToPath(new URL('..', import.meta.url))

/** Holds the hash of the lockfile that `node_modules` was installed from; goes away together with the folder. */
const stampFile = join(root, 'node_modules', '.lockfile-sha256')

/** The environment in which the installed tools, the pinned Node.js among them, come before the machine's own. */
export const toolEnv = {
  ...process.env,
  PATH: [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter),
}

/** Installs the dependencies if they are absent or belong to another lockfile. Progress goes to stderr. */
export async function installDependencies() {
  if (readInstalledHash() === hashOfLockfile()) return
  report('installing dependencies (npm ci)')
  await runOrThrow('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])
  // The root's postinstall script has recorded this already, unless the user's npm ignores scripts.
  recordInstall()
}

/** Builds the library; takes a moment when nothing changed. Compiler messages go to stderr. */
export async function buildLibrary() {
  await runOrThrow('tsc', ['-b', 'packages/session-dynamodb'])
}

/** Builds the construct, and the library that it needs, with the functions that it deploys. */
export async function buildConstruct() {
  await runOrThrow('tsc', ['-b', 'packages/session-table-cdk'])
  await runOrThrow('node', ['scripts/bundle-functions.ts'])
}

/** Notes which lockfile `node_modules` now belongs to. Called by `postinstall`, so after every `npm ci` and `npm install`. */
export function recordInstall() {
  mkdirSync(join(root, 'node_modules'), { recursive: true })
  writeFileSync(stampFile, hashOfLockfile())
}

/**
 * Runs a tool in the root folder and waits for its end. A signal that makes the tool fail ends this process too.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('node:child_process').StdioOptions} stdio
 * @returns {Promise<number>} the exit code; 1 when a signal ended it
 */
export function run(command, args, stdio) {
  return new Promise((resolve, reject) => {
    // On Windows, npm and the tools are .cmd files, which only a shell can start.
    const child = spawn(command, args, { cwd: root, env: toolEnv, stdio, shell: process.platform === 'win32' })
    /** @type {NodeJS.Signals | undefined} */
    let received
    // Ctrl-C reaches the child by itself, and it decides whether to end; a request to terminate is passed on.
    const interrupt = () => {
      received = 'SIGINT'
    }
    const terminate = () => {
      received = 'SIGTERM'
      child.kill('SIGTERM')
    }
    process.on('SIGINT', interrupt).on('SIGTERM', terminate)

    child.once('error', reject)
    child.once('exit', (code) => {
      process.off('SIGINT', interrupt).off('SIGTERM', terminate)
      if (received !== undefined && code !== 0) process.kill(process.pid, received)
      resolve(code ?? 1)
    })
  })
}

/**
 * Writes one line of set-up progress, to stderr: stdout belongs to the command that is being set up.
 *
 * @param {string} message
 */
function report(message) {
  process.stderr.write(`setup: ${message}\n`)
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 */
async function runOrThrow(command, args) {
  const code = await run(command, args, ['ignore', process.stderr, process.stderr])
  if (code !== 0) throw new Error(`${[command, ...args].join(' ')} failed with exit code ${code}`)
}

function hashOfLockfile() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
}

function readInstalledHash() {
  try {
    return readFileSync(stampFile, 'utf8')
  } catch {
    return undefined
  }
}
