import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** Tests see what is published under its public names and from its sources, so that they never run against an old build. */
const sourceOf = (file: string): string => fileURLToPath(new URL(`packages/${file}`, import.meta.url))

export default defineConfig({
  resolve: {
    alias: [
      { find: /^strands-session-dynamodb$/, replacement: sourceOf('session-dynamodb/src/index.ts') },
      { find: /^strands-session-dynamodb\/schema$/, replacement: sourceOf('session-dynamodb/src/schema.ts') },
      {
        find: /^strands-session-dynamodb\/delete-offloaded$/,
        replacement: sourceOf('session-dynamodb/src/delete-offloaded.ts'),
      },
      { find: /^strands-session-dynamodb-cdk$/, replacement: sourceOf('session-table-cdk/src/index.ts') },
    ],
  },
  test: {
    // Most of a test's time is DynamoDB's: as many files at once as there are cores on a small machine.
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'unit',
          // Each file would load both SDKs again; no test changes what others see.
          isolate: false,
          include: ['packages/*/{src,reclaim}/**/*.test.ts', 'infra/agent/*.test.ts', 'infra/test/*.test.ts'],
          globalSetup: ['scripts/bundle-functions.ts'],
          // The first synthesis loads much of the CDK, which takes seconds on a busy machine.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['packages/*/test/**/*.test.ts', 'infra/test/integration/*.test.ts'],
          // One DynamoDB Local for the whole run; each test file makes tables of its own.
          globalSetup: ['packages/session-dynamodb/test/support/global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
