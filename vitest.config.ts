import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** Tests see the library's sources under its public names, so that they never run against an old build. */
const librarySource = (file: string): string =>
  fileURLToPath(new URL(`packages/session-dynamodb/src/${file}`, import.meta.url))

export default defineConfig({
  resolve: {
    alias: [
      { find: /^strands-session-dynamodb$/, replacement: librarySource('index.ts') },
      { find: /^strands-session-dynamodb\/schema$/, replacement: librarySource('schema.ts') },
      {
        find: /^strands-session-dynamodb\/delete-offloaded$/,
        replacement: librarySource('delete-offloaded.ts'),
      },
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
          include: ['packages/*/src/**/*.test.ts', 'infra/agent/*.test.ts', 'infra/test/*.test.ts'],
          // The first synthesis loads much of the CDK, which takes seconds on a busy machine.
          testTimeout: 30_000,
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
