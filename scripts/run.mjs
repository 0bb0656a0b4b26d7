/**
 * Starts one of the repository's commands on a clone in any state: `node scripts/run.mjs <command> [arguments]`.
 *
 * Sets up what is missing, then hands over to the command, on the Node.js that the lockfile pins.
 */
import { buildConstruct, buildLibrary, installDependencies, run } from './setup.mjs'

/** Each command's entry point. The test command builds for itself, as its type check; the races run from sources. */
const COMMANDS = new Map([
  ['test', { entry: 'scripts/test.ts', needsBuild: false }],
  ['demo', { entry: 'packages/playground/src/demo.ts', needsBuild: true }],
  ['chat', { entry: 'packages/playground/src/chat.ts', needsBuild: true }],
  ['bench', { entry: 'packages/playground/src/bench.ts', needsBuild: true }],
  ['dev', { entry: 'packages/playground/src/dev.ts', needsBuild: true }],
  ['test:deploy', { entry: 'packages/playground/src/deploy-test.ts', needsBuild: true, needsConstruct: true }],
  ['screenshot', { entry: 'packages/playground/src/screenshot.ts', needsBuild: true }],
  ['bench:capacity', { entry: 'packages/playground/src/bench-capacity.ts', needsBuild: true }],
  ['bench:codecs', { entry: 'packages/playground/src/bench-codecs.ts', needsBuild: false }],
  ['bench:faults', { entry: 'packages/session-dynamodb/test/bench-faults.ts', needsBuild: true }],
  ['bench:cold-start', { entry: 'infra/test/bench-cold-start.ts', needsBuild: true, needsConstruct: true }],
  ['bench:races', { entry: 'packages/playground/src/bench-races.ts', needsBuild: false }],
])

const [name = '', ...args] = process.argv.slice(2)
const command = COMMANDS.get(name)

if (command === undefined) {
  process.stderr.write(`unknown command '${name}'; known: ${[...COMMANDS.keys()].join(', ')}\n`)
  process.exitCode = 2
} else {
  try {
    await installDependencies()
    if (command.needsBuild) await (command.needsConstruct ? buildConstruct() : buildLibrary())
    // Node.js 22 still calls type stripping experimental; the notice would only be noise.
    process.exitCode = await run('node', ['--disable-warning=ExperimentalWarning', command.entry, ...args], 'inherit')
  } catch (error) {
    process.stderr.write(`setup: ${error instanceof Error ? error.message : error}\n`)
    process.exitCode = 1
  }
}
