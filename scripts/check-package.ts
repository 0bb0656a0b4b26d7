/**
 * Packs the library as `npm publish` would, installs the tarball beside the repository's dependencies, and uses it from
 * there as a stranger does: every export is imported, and its types are checked, in a package of their own.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const LIBRARY = 'strands-session-dynamodb'
const REQUIRED_FILES = ['LICENSE', 'README.md', 'dist/index.js', 'dist/index.d.ts', 'dist/schema.js', 'src/index.ts']

// Below node_modules, so that the peers resolve; emptied, so that nothing is left of an earlier run.
const consumer = join('node_modules', '.cache', 'package-check')
rmSync(consumer, { recursive: true, force: true })

const installed = join(consumer, 'node_modules', LIBRARY)
mkdirSync(installed, { recursive: true })
run('npm', ['pack', '--silent', '--workspace', LIBRARY, '--pack-destination', consumer])
const tarball = readdirSync(consumer).find((file) => file.endsWith('.tgz'))
if (tarball === undefined) throw new Error(`npm pack left no tarball in ${consumer}`)
run('tar', ['-xzf', join(consumer, tarball), '-C', installed, '--strip-components=1'])

const files = readdirSync(installed, { recursive: true, encoding: 'utf8' })
const missing = REQUIRED_FILES.filter((file) => !existsSync(join(installed, file)))
const surplus = files.filter((file) => /\.test\.|tsbuildinfo/.test(file))
if (missing.length > 0) throw new Error(`the package lacks ${missing.join(', ')}`)
if (surplus.length > 0) throw new Error(`the package should not hold ${surplus.join(', ')}`)

writeFileSync(
  join(consumer, 'consumer.mts'),
  `import * as library from '${LIBRARY}'
import * as schema from '${LIBRARY}/schema'
console.log(JSON.stringify({ library: Object.keys(library), schema: Object.keys(schema) }))
`,
)
run('tsc', ['--ignoreConfig', '--strict', '--module', 'nodenext', '--target', 'es2024', join(consumer, 'consumer.mts')])
const exported = run('node', [join(consumer, 'consumer.mjs')])

const { version } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
process.stdout.write(`${LIBRARY} ${version}: ${files.length} files; exports ${exported}`)

function run(command: string, args: readonly string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
}
