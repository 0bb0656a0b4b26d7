/**
 * Packs the library as `npm publish` would, unpacks it beside the repository's dependencies, and uses it from there as a
 * stranger does: every export is imported, and all declarations and the README's snippets are checked, from a package of
 * its own.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const LIBRARY = 'strands-session-dynamodb'
const REQUIRED_FILES = ['LICENSE', 'README.md', 'dist/index.js', 'dist/index.d.ts', 'dist/schema.js', 'src/index.ts']

// Below node_modules, so that the peers resolve; emptied, so that nothing is left of an earlier run.
const consumer = join('node_modules', '.cache', 'package-check')
const installed = join(consumer, 'node_modules', LIBRARY)

unpackLibrary()
const files = checkFiles()
const exported = checkConsumer()
const { version } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
process.stdout.write(`${LIBRARY} ${version}: ${files.length} files; exports ${exported}`)

function unpackLibrary(): void {
  rmSync(consumer, { recursive: true, force: true })
  mkdirSync(installed, { recursive: true })
  run('npm', ['pack', '--silent', '--workspace', LIBRARY, '--pack-destination', consumer])
  const tarball = readdirSync(consumer).find((file) => file.endsWith('.tgz'))
  run('tar', [
    '-xzf',
    join(consumer, tarball ?? fail('npm pack left no tarball')),
    '-C',
    installed,
    '--strip-components=1',
  ])
}

function checkFiles(): readonly string[] {
  const found = readdirSync(installed, { recursive: true, encoding: 'utf8' })
  const missing = REQUIRED_FILES.filter((file) => !existsSync(join(installed, file)))
  const surplus = found.filter((file) => /\.test\.|tsbuildinfo/.test(file))
  if (missing.length > 0) fail(`the package lacks ${missing.join(', ')}`)
  if (surplus.length > 0) fail(`the package should not hold ${surplus.join(', ')}`)
  return found
}

function checkConsumer(): string {
  writeFileSync(
    join(consumer, 'consumer.mts'),
    `import * as library from '${LIBRARY}'
import * as schema from '${LIBRARY}/schema'
console.log([...Object.keys(library), ...Object.keys(schema).map((name) => 'schema.' + name)].join(', '))
`,
  )
  const options = ['--strict', '--module', 'nodenext', '--target', 'es2024', '--lib', 'esnext,dom', '--types', 'node']
  run('tsc', ['--ignoreConfig', ...options, join(consumer, 'consumer.mts'), ...writeSnippets()])
  return run('node', [join(consumer, 'consumer.mjs')])
}

/** Writes each TypeScript snippet of the README into a module of its own, named by its line. */
function writeSnippets(): readonly string[] {
  const readme = readFileSync('README.md', 'utf8')
  const snippets = [...readme.matchAll(/^```typescript\n(.*?)^```$/gms)]
  if (snippets.length === 0) fail('the README has no TypeScript snippet')
  return snippets.map(({ index, 1: code = '' }) => {
    const file = join(consumer, `readme-line-${readme.slice(0, index).split('\n').length}.mts`)
    writeFileSync(file, code)
    return file
  })
}

function run(command: string, args: readonly string[]): string {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  return status === 0 ? stdout : fail(`${stdout ?? ''}${[command, ...args].join(' ')} failed`)
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}
