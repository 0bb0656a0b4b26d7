/**
 * Bundles the functions that the published construct deploys, so that whoever uses it needs no bundler.
 *
 * The AWS SDK is not in the bundles: the Lambda runtime has it. The library is taken from its sources, so that nothing
 * needs to have been built before.
 */
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = new URL('../', import.meta.url)

/** Writes the bundles into the construct's `dist`. Takes a moment; vitest calls it before the tests. */
export default async function bundleFunctions(): Promise<void> {
  await build({
    absWorkingDir: fileURLToPath(root),
    entryPoints: ['packages/session-table-cdk/reclaim/handler.ts'],
    outfile: 'packages/session-table-cdk/dist/reclaim/index.mjs',
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    external: ['@aws-sdk/*'],
    alias: {
      'strands-session-dynamodb/delete-offloaded': './packages/session-dynamodb/src/delete-offloaded.ts',
      'strands-session-dynamodb/schema': './packages/session-dynamodb/src/schema.ts',
    },
    logLevel: 'warning',
  })
}

if (import.meta.main) await bundleFunctions()
