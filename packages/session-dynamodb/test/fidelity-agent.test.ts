/**
 * Fidelity through the real Agent: after each step of a random session, an agent in another process holds what the agent
 * holds, whatever its managers and plugins did to the conversation.
 *
 * A failure prints a seed and a path: `FIDELITY_SEED=<seed> FIDELITY_PATH=<path>` plays it again.
 */

import {
  configureLogging,
  NullConversationManager,
  Offload,
  SlidingWindowConversationManager,
  SummarizingConversationManager,
} from '@strands-agents/sdk'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { AGENT_STEPS, AgentRun } from './support/agent-run.ts'
import { createTestTable, type TestTable } from './support/table.ts'
import { type TestAgentConfig, testSession } from './support/test-session.ts'

/** Sessions per way of managing the conversation. */
const RUNS = Math.ceil(Number(process.env['FIDELITY_RUNS'] ?? 504) / 80)

/** Far longer than they take, in milliseconds. */
const TIMEOUT = Math.max(120_000, RUNS * 10_000)

let table: TestTable

beforeAll(async () => {
  table = await createTestTable()
  // The managers of conversations warn when they cannot trim, which these sessions provoke.
  const ignore = (): void => {}
  configureLogging({ debug: ignore, info: ignore, warn: ignore, error: console.error })
})

afterAll(() => table.drop())

const MANAGED: readonly (readonly [string, () => TestAgentConfig])[] = [
  ['nothing', () => ({ conversationManager: new NullConversationManager() })],
  ['a sliding window', () => ({ conversationManager: new SlidingWindowConversationManager({ windowSize: 4 }) })],
  [
    'a sliding window with pins',
    () => ({ conversationManager: new SlidingWindowConversationManager({ windowSize: 4, pinFirst: 1 }) }),
  ],
  [
    'summaries',
    () => ({
      conversationManager: new SummarizingConversationManager({
        summaryRatio: 0.8,
        preserveRecentMessages: 1,
        pinFirst: 1,
      }),
    }),
  ],
  ['a context manager', () => ({ contextManager: 'auto' })],
  [
    'a context manager that offloads all it can',
    () => ({
      contextManager: {
        strategies: [
          Offload.truncate('toolResults', { previewTokens: 20 }).when({ threshold: 50 }),
          Offload.drop('toolResults').when({ preserveRecent: 3 }),
          Offload.summarize('*').when({ utilization: 1, preserveRecent: 2 }),
        ],
      },
    }),
  ],
]

describe('an agent in another process holds what the agent holds, when the conversation is managed by', () => {
  test.each(MANAGED)(
    '%s',
    async (_what, managed) => {
      const sessions = fc.record({
        steps: fc.array(fc.constantFrom(...AGENT_STEPS), { minLength: 3, maxLength: 12, size: 'max' }),
        saveLatestOn: fc.constantFrom('message' as const, 'invocation' as const),
        snapshots: fc.boolean(),
      })
      const property = fc.asyncProperty(sessions, async ({ steps, saveLatestOn, snapshots }) => {
        const session = testSession(table, {
          saveLatestOn,
          windowSize: 4,
          ...(snapshots && { snapshotTrigger: () => true }),
        })
        const run = new AgentRun(session, managed)
        for (const step of steps) {
          await run.play(step)
          await run.check()
        }
        await run.finish()
      })
      const { FIDELITY_SEED: seed = String(Date.now() % 0x7fffffff), FIDELITY_PATH: path } = process.env
      await fc.assert(property, { seed: Number(seed), ...(path === undefined ? { numRuns: RUNS } : { path }) })
    },
    TIMEOUT,
  )
})
