/** What the library adds to a minified Lambda function: its bytes, and the time to import them. */

import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import type { BundleFacts, FileSize } from './facts.ts'

/** The library's sources: what is measured is what is there, not what was built last. */
const LIBRARY = fileURLToPath(new URL('../../../session-dynamodb/src/index.ts', import.meta.url))
const FOLDER = fileURLToPath(new URL('.', import.meta.url))

/** Most that the library may add to a function on top of the SDKs, gzipped, in bytes: so that it does not grow unnoticed. */
export const MOST_BYTES_ADDED = 32 * 1024

/** A Lambda function with an agent, and with the clients that any session store in DynamoDB needs. */
const AGENT = `
import { Agent } from '@strands-agents/sdk'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
const client = DynamoDBDocumentClient.from(new DynamoDBClient({}))
export const handler = (prompt, options) => new Agent({ printer: false, ...options }).invoke(prompt, { client })
`
/** The same with a session manager. */
const WITH_LIBRARY = `${AGENT}
import { DynamoDBSessionManager } from ${JSON.stringify(LIBRARY)}
export const manager = (options) => new DynamoDBSessionManager({ ...options, client })
`
/** Peers that few functions bring. */
const OPTIONAL = ['@aws-sdk/client-s3']
/** The AWS SDK's CommonJS modules ask for \`require\`, which ES modules do not have. */
const BANNER = `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`

const run = promisify(execFile)

/** The three functions as minified ES modules. */
interface Bundles {
  readonly agent: Uint8Array
  readonly sdks: Uint8Array
  readonly library: Uint8Array
}

/** Sizes of the function with the library and without. */
export async function measureSizes(): Promise<Omit<BundleFacts, 'importTime'>> {
  return sizesOf(await bundleAll())
}

/** Sizes of the function with the library and without, and the time that so many new processes need to import each. */
export async function measureBundle(runs: number): Promise<BundleFacts> {
  const bundles = await bundleAll()
  const folder = await mkdtemp(join(tmpdir(), 'bench-bundle-'))
  try {
    const times = { agent: [] as number[], sdks: [] as number[], library: [] as number[] }
    const names = ['agent', 'sdks', 'library'] as const
    for (const name of names) await writeFile(join(folder, `${name}.mjs`), bundles[name])
    // In turn, so that a busy moment of the machine meets them all.
    for (let count = 0; count < runs; count++) {
      for (const name of names) times[name].push(await importTime(join(folder, `${name}.mjs`)))
    }
    const [agentMs, sdksMs, libraryMs] = [median(times.agent), median(times.sdks), median(times.library)]
    return { ...sizesOf(bundles), importTime: { runs, agentMs, sdksMs, libraryMs } }
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function bundleAll(): Promise<Bundles> {
  const alone = await bundle(WITH_LIBRARY, ['@aws-sdk/*', '@strands-agents/sdk'])
  const [agent, sdks, library] = await Promise.all([
    bundle(AGENT, OPTIONAL),
    bundle(AGENT + importsOf(new TextDecoder().decode(alone)), OPTIONAL),
    bundle(WITH_LIBRARY, OPTIONAL),
  ])
  return { agent, sdks, library }
}

function sizesOf({ agent, sdks, library }: Bundles): Omit<BundleFacts, 'importTime'> {
  const sizes = { agent: sizeOf(agent), sdks: sizeOf(sdks), library: sizeOf(library) }
  const added = {
    bytes: sizes.library.bytes - sizes.sdks.bytes,
    gzipped: sizes.library.gzipped - sizes.sdks.gzipped,
  }
  return { ...sizes, added, limit: MOST_BYTES_ADDED }
}

/** Code that keeps what a minified module imports of the SDKs. */
function importsOf(module: string): string {
  const imports = [...module.matchAll(/import\{([^}]*)\}from"(@[^"]+)"/g)]
  const names = imports.flatMap(([, list = '', from = '']) =>
    list.split(',').map((name) => [name.split(' as ')[0] ?? '', from]),
  )
  return names.map(([name, from], index) => `export { ${name} as kept${index} } from '${from}'\n`).join('')
}

async function bundle(contents: string, external: string[]): Promise<Uint8Array> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: FOLDER, loader: 'js' },
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    banner: { js: BANNER },
    external,
    write: false,
    logLevel: 'error',
  })
  return outputFiles[0]?.contents ?? new Uint8Array()
}

/** Milliseconds that a new process needs to import a file. */
async function importTime(file: string): Promise<number> {
  const script = `const begun = performance.now(); await import(${JSON.stringify(pathToFileURL(file).href)}); console.log(performance.now() - begun)`
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script])
  return Number(stdout)
}

function sizeOf(bytes: Uint8Array): FileSize {
  return { bytes: bytes.byteLength, gzipped: gzipSync(bytes).byteLength }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}
