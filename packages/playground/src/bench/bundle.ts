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

/** Most that the library may add to a function, gzipped: 20 KB. */
export const MOST_BYTES_ADDED = 20 * 1024

/** A function that uses nothing but the SDKs: whoever keeps sessions in DynamoDB needs both of them. */
const WITHOUT = `
import { Agent, Graph, SessionManager, Swarm } from '@strands-agents/sdk'
import * as dynamodb from '@aws-sdk/client-dynamodb'
import * as documents from '@aws-sdk/lib-dynamodb'
export { Agent, documents, dynamodb, Graph, SessionManager, Swarm }
`
const WITH = `${WITHOUT}
export * as library from ${JSON.stringify(LIBRARY)}
`
/** The AWS SDK's CommonJS modules ask for \`require\`, which ES modules do not have. */
const BANNER = `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`

const run = promisify(execFile)

/** Size of the library alone, with both SDKs left out. */
export async function measureLibrary(): Promise<FileSize> {
  return sizeOf(await bundle(WITH, ['@aws-sdk/*', '@strands-agents/sdk']))
}

/** Bundles the function with the library and without, and imports each in so many new processes. */
export async function measureBundle(runs: number): Promise<BundleFacts> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-bundle-'))
  try {
    const [without, withLibrary] = [await bundle(WITHOUT), await bundle(WITH)]
    const files = [join(folder, 'without.mjs'), join(folder, 'with.mjs')] as const
    await Promise.all([writeFile(files[0], without), writeFile(files[1], withLibrary)])
    const times: [number[], number[]] = [[], []]
    // In turn, so that a busy moment of the machine meets both.
    for (let count = 0; count < runs; count++) {
      times[0].push(await importTime(files[0]))
      times[1].push(await importTime(files[1]))
    }
    const [small, large] = [sizeOf(without), sizeOf(withLibrary)]
    return {
      without: small,
      with: large,
      added: { bytes: large.bytes - small.bytes, gzipped: large.gzipped - small.gzipped },
      alone: await measureLibrary(),
      limit: MOST_BYTES_ADDED,
      importTime: { runs, withoutMs: median(times[0]), withMs: median(times[1]) },
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function bundle(source: string, external: string[] = ['@aws-sdk/client-s3']): Promise<Uint8Array> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: FOLDER, loader: 'js' },
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
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
