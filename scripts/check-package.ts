/**
 * Packs what is published as `npm publish` would, unpacks it beside the repository's dependencies, and uses it from there
 * as a stranger does: every export is imported, and all declarations and the READMEs' snippets are checked, from a package
 * of its own.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

interface Published {
  readonly name: string
  /** Names of what can be imported. */
  readonly modules: readonly string[]
  readonly requiredFiles: readonly string[]
  /** A program that shows that what is loaded while it is used is there too. */
  readonly probe?: string
}

const PACKAGES: readonly Published[] = [
  {
    name: 'strands-session-dynamodb',
    modules: [
      'strands-session-dynamodb',
      'strands-session-dynamodb/delete-offloaded',
      'strands-session-dynamodb/schema',
    ],
    requiredFiles: ['dist/index.js', 'dist/index.d.ts', 'dist/schema.js', 'src/index.ts'],
  },
  {
    name: 'strands-session-dynamodb-cdk',
    modules: ['strands-session-dynamodb-cdk'],
    requiredFiles: ['dist/index.js', 'dist/index.d.ts', 'dist/reclaim/index.mjs', 'src/index.ts'],
    probe: `
      import { App, Stack } from 'aws-cdk-lib'
      import { SessionTable } from 'strands-session-dynamodb-cdk'
      new SessionTable(new Stack(new App(), 'Probe'), 'Sessions', { offload: true })`,
  },
]

// Below node_modules, so that the peers resolve; emptied, so that nothing is left of an earlier run.
const consumer = join('node_modules', '.cache', 'package-check')
rmSync(consumer, { recursive: true, force: true })

for (const published of PACKAGES) unpack(published)
const exported = checkConsumer()
const lines = PACKAGES.map((published) => {
  const { version } = JSON.parse(readFileSync(join(folderOf(published), 'package.json'), 'utf8'))
  return `${published.name} ${version}: ${checkFiles(published)} files`
})
process.stdout.write(`${[...lines, exported].join('\n')}`)

/** Where a stranger finds the package. */
function folderOf({ name }: Published): string {
  return join(consumer, 'node_modules', name)
}

function unpack(published: Published): void {
  const folder = folderOf(published)
  const tarballs = join(consumer, 'tarballs', published.name)
  mkdirSync(folder, { recursive: true })
  mkdirSync(tarballs, { recursive: true })
  run('npm', ['pack', '--silent', '--workspace', published.name, '--pack-destination', tarballs])
  const [tarball = fail('npm pack left no tarball')] = readdirSync(tarballs)
  run('tar', ['-xzf', join(tarballs, tarball), '-C', folder, '--strip-components=1'])
}

/** @returns how many files the package has */
function checkFiles(published: Published): number {
  const folder = folderOf(published)
  const found = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const required = ['LICENSE', 'README.md', ...published.requiredFiles]
  const missing = required.filter((file) => !existsSync(join(folder, file)))
  const surplus = found.filter((file) => /\.test\.|tsbuildinfo/.test(file))
  if (missing.length > 0) fail(`${published.name} lacks ${missing.join(', ')}`)
  if (surplus.length > 0) fail(`${published.name} should not hold ${surplus.join(', ')}`)
  return found.length
}

/** @returns the names that are exported, one line for each module */
function checkConsumer(): string {
  const modules = PACKAGES.flatMap((published) => published.modules)
  const imports = modules.map((module, index) => `import * as module${index} from '${module}'`)
  const prints = modules.map((module, index) => `console.log('${module}:', Object.keys(module${index}).join(', '))`)
  writeFileSync(join(consumer, 'consumer.mts'), `${[...imports, ...prints].join('\n')}\n`)
  const options = ['--strict', '--module', 'nodenext', '--target', 'es2024', '--lib', 'esnext,dom', '--types', 'node']
  const snippets = PACKAGES.flatMap((published) => writeSnippets(published))
  run('tsc', ['--ignoreConfig', ...options, join(consumer, 'consumer.mts'), ...snippets])
  for (const { name, probe } of PACKAGES) if (probe !== undefined) runProbe(name, probe)
  return run('node', [join(consumer, 'consumer.mjs')])
}

function runProbe(name: string, probe: string): void {
  const file = join(consumer, `${name}-probe.mjs`)
  writeFileSync(file, probe)
  run('node', [file])
}

/** Writes each TypeScript snippet of a package's README into a module of its own, named by its line. */
function writeSnippets(published: Published): readonly string[] {
  const readme = readFileSync(join(folderOf(published), 'README.md'), 'utf8')
  const snippets = [...readme.matchAll(/^```typescript\n(.*?)^```$/gms)]
  if (snippets.length === 0) fail(`the README of ${published.name} has no TypeScript snippet`)
  return snippets.map(({ index, 1: code = '' }) => {
    const line = readme.slice(0, index).split('\n').length
    const file = join(consumer, `${published.name}-readme-line-${line}.mts`)
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
