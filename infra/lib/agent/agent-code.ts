/** The agent's code as it is deployed: which entry points there are, and how they are bundled. */

import { fileURLToPath } from 'node:url'
import { type BundlingOptions, OutputFormat, SourceMapMode } from 'aws-cdk-lib/aws-lambda-nodejs'
import { buildSync } from 'esbuild'
import type { ISessionTable } from 'strands-session-dynamodb-cdk'
import { OFFLINE_MODEL } from './model-access.ts'

/** What the agent is run by. */
export type AgentEntry = 'handler' | 'queue-handler' | 'server'

/** The repository's root folder. */
export const PROJECT_ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** Lockfile of what is bundled. */
export const LOCKFILE = `${PROJECT_ROOT}package-lock.json`

/** The file of an entry point. The offline model is a program of its own: nothing can switch it on in the real one. */
export function entryFile(entry: AgentEntry, modelId: string): string {
  const folder = modelId === OFFLINE_MODEL ? 'packages/playground/src/offline-agent' : 'infra/agent'
  return `${PROJECT_ROOT}${folder}/${entry}.ts`
}

/** Some dependencies are CommonJS and call `require`, which an ES module has to make for itself. */
const REQUIRE = "import{createRequire}from'node:module';const require=createRequire(import.meta.url);"

/** How the agent is bundled: with its AWS SDK, which is newer than the runtime's and loads sooner from one file. */
const BUNDLING: BundlingOptions = {
  format: OutputFormat.ESM,
  mainFields: ['module', 'main'],
  target: 'node24',
  minify: true,
  bundleAwsSDK: true,
  banner: REQUIRE,
  sourceMap: true,
  sourceMapMode: SourceMapMode.DEFAULT,
  sourcesContent: false,
}

/** How the agent of a table is bundled. */
export function bundlingFor(sessions: ISessionTable): BundlingOptions {
  return { ...BUNDLING, externalModules: unusedModules(sessions) }
}

/** What the library loads only where large values are in a bucket. */
function unusedModules({ offload }: ISessionTable): string[] {
  return offload === undefined ? ['@aws-sdk/client-s3'] : []
}

/** Bundles the server for hosts that the CDK does not bundle for, in the same way. */
export function bundleServer(folder: string, modelId: string, sessions: ISessionTable): void {
  buildSync({
    entryPoints: [entryFile('server', modelId)],
    outfile: `${folder}/index.mjs`,
    bundle: true,
    minify: true,
    platform: 'node',
    // The newest that AgentCore Runtime has.
    target: 'node22',
    format: 'esm',
    mainFields: ['module', 'main'],
    external: unusedModules(sessions),
    banner: { js: REQUIRE },
    sourcemap: true,
    sourcesContent: false,
    logLevel: 'warning',
  })
}
