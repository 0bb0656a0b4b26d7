/**
 * Fidelity through the real Agent: after each step of a random session, an agent in another process holds what the agent
 * holds, whatever its managers and plugins did to the conversation.
 *
 * A failure prints a seed and a path: `FIDELITY_SEED=<seed> FIDELITY_PATH=<path>` plays it again.
 */

import { deepStrictEqual } from 'node:assert'
import {
  type Agent,
  ContextWindowOverflowError,
  configureLogging,
  InterruptResponseContent,
  type InterventionActions,
  InterventionHandler,
  Message,
  NullConversationManager,
  Offload,
  SlidingWindowConversationManager,
  SummarizingConversationManager,
  TextBlock,
} from '@strands-agents/sdk'
import fc from 'fast-check'
import type { DynamoDBSessionManager } from 'strands-session-dynamodb'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ScriptedModel, type ScriptedTurn } from './support/scripted-model.ts'
import { textOf } from './support/stored-items.ts'
import { createTestTable, type TestTable } from './support/table.ts'
import { type TestAgentConfig, type TestSession, testSession, toolNamed } from './support/test-session.ts'

/** Sessions per way of managing the conversation. */
const RUNS = Math.ceil(Number(process.env['FIDELITY_RUNS'] ?? 504) / 80)

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

const STEPS = [
  'talk',
  'talk',
  'useTool',
  'useTools',
  'useLargeTool',
  'overflow',
  'redact',
  'fail',
  'interrupt',
  'callToolDirectly',
  'guide',
  'setState',
  'setPrompt',
  'push',
  'pin',
  'edit',
  'snapshot',
  'restore',
  'newProcess',
  'newProcess',
  'deleteSession',
] as const

describe('an agent in another process holds what the agent holds, when the conversation is managed by', () => {
  test.each(MANAGED)('%s', async (_what, managed) => {
    const sessions = fc.record({
      steps: fc.array(fc.constantFrom(...STEPS), { minLength: 3, maxLength: 12, size: 'max' }),
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
  })
})

/** A session that is played by a real agent. */
class AgentRun {
  readonly #session: TestSession
  readonly #managed: () => TestAgentConfig
  readonly #turns: ScriptedTurn[] = []
  readonly #snapshots = new Map<string, unknown>()
  readonly #secrets: string[] = []
  #manager: DynamoDBSessionManager
  #agent: Agent
  #guidance: string | undefined
  #isSaved = false
  #count = 0

  constructor(session: TestSession, managed: () => TestAgentConfig) {
    this.#session = session
    this.#managed = managed
    this.#manager = session.manager()
    this.#agent = this.#newAgent(this.#manager)
  }

  async play(step: (typeof STEPS)[number]): Promise<void> {
    const agent = this.#agent
    const number = ++this.#count
    switch (step) {
      case 'talk':
        return this.#invoke()
      case 'useTool':
        return this.#invoke({ text: 'One tool.', toolUses: [{ name: 'look', input: {}, toolUseId: `tool-${number}` }] })
      case 'useTools': {
        const toolUses = ['look', 'fail', 'look'].map((name, index) => ({
          name,
          input: { index },
          toolUseId: `tool-${number}-${index}`,
        }))
        return this.#invoke({ toolUses })
      }
      case 'useLargeTool':
        return this.#invoke({ toolUses: [{ name: 'lookAround', input: {}, toolUseId: `tool-${number}` }] })
      case 'overflow':
        return this.#invoke({ error: new ContextWindowOverflowError('too much') })
      case 'fail':
        return this.#invoke({ error: new Error('the model is down'), text: 'Half an ans' })
      case 'redact': {
        const secret = `secret ${crypto.randomUUID()}`
        this.#turns.push({ redact: { input: '[redacted]' } })
        await this.#agent.invoke(secret)
        this.#isSaved = true
        this.#secrets.push(secret)
        return
      }
      case 'interrupt': {
        this.#turns.push({
          toolUses: [
            { name: 'look', input: {}, toolUseId: `look-${number}` },
            { name: 'ask', input: {}, toolUseId: `ask-${number}` },
          ],
        })
        const result = await agent.invoke(`Question ${number}?`)
        this.#isSaved = true
        await this.check()
        await this.play('newProcess')
        const responses = (result.interrupts ?? []).map(
          ({ id }) => new InterruptResponseContent({ interruptId: id, response: 'yes' }),
        )
        if (responses.length > 0) await this.#agent.invoke(responses)
        return
      }
      case 'callToolDirectly':
        await agent.initialize()
        await agent.tool['look']?.invoke({})
        return this.#save()
      case 'guide':
        this.#guidance = `Guidance ${number}.`
        await this.#invoke()
        this.#guidance = undefined
        return
      case 'setState':
        agent.appState.set('step', number)
        agent.modelState.set('responseId', `r-${number}`)
        return this.#invoke()
      case 'setPrompt':
        agent.systemPrompt = number % 2 === 0 ? `Prompt ${number}` : [new TextBlock(`Prompt ${number}`)]
        return this.#invoke()
      case 'push':
        agent.messages.push(new Message({ role: 'user', content: [new TextBlock(`Pushed ${number}.`)] }))
        agent.messages.push(new Message({ role: 'assistant', content: [new TextBlock(`Pushed too ${number}.`)] }))
        return this.#invoke()
      case 'pin': {
        const message = agent.messages[number % Math.max(1, agent.messages.length)]
        if (message !== undefined) message.metadata = { ...message.metadata, custom: { pinned: true } }
        return this.#invoke()
      }
      case 'edit':
        agent.messages[number % Math.max(1, agent.messages.length)]?.content.push(new TextBlock(`Added ${number}.`))
        return this.#save()
      case 'snapshot': {
        await agent.initialize()
        const before = await this.#manager.listSnapshotIds({ target: agent })
        await this.#manager.saveSnapshot({ target: agent, isLatest: false })
        const after = await this.#manager.listSnapshotIds({ target: agent })
        for (const id of after) if (!before.includes(id)) this.#snapshots.set(id, heldBy(agent))
        return
      }
      case 'restore': {
        const [snapshotId] = [...this.#snapshots.keys()].slice(number % Math.max(1, this.#snapshots.size))
        if (snapshotId === undefined) return
        await this.#manager.restoreSnapshot({ target: agent, snapshotId })
        deepStrictEqual(heldBy(agent), this.#snapshots.get(snapshotId))
        return this.#invoke()
      }
      case 'newProcess':
        this.#manager = this.#session.manager()
        this.#agent = this.#newAgent(this.#manager)
        await this.#agent.initialize()
        return
      case 'deleteSession':
        await this.#manager.deleteSession()
        this.#snapshots.clear()
        return this.#invoke()
    }
  }

  /** Compares with an agent of another process. */
  async check(): Promise<void> {
    if (!this.#isSaved) return
    const other = this.#newAgent(this.#session.manager())
    await other.initialize()
    deepStrictEqual(heldBy(other), heldBy(this.#agent))
    deepStrictEqual(await stashOf(other), await stashOf(this.#agent))
  }

  /** Compares all immutable snapshots with what the agent held when they were taken, and looks for what was redacted. */
  async finish(): Promise<void> {
    const manager = this.#session.manager()
    const other = this.#newAgent(manager)
    await other.initialize()
    for (const [snapshotId, held] of this.#snapshots) {
      expect(await manager.restoreSnapshot({ target: other, snapshotId })).toBe(true)
      deepStrictEqual(heldBy(other), held)
    }
    const text = this.#secrets.length === 0 ? '' : textOf(await this.#session.items())
    for (const secret of this.#secrets) expect(text).not.toContain(secret)
  }

  /** A turn that begins as the script says and ends with an answer; that the model fails is part of the game. */
  async #invoke(...turns: readonly ScriptedTurn[]): Promise<void> {
    this.#turns.push(...turns)
    this.#isSaved = true
    const failures = turns.flatMap((turn) => ('error' in turn ? [turn.error] : []))
    try {
      await this.#agent.invoke(`Question ${this.#count}?`)
    } catch (error) {
      if (!failures.some((failure) => failure === error || failure === (error as Error).cause)) throw error
    }
    this.#turns.length = 0
  }

  async #save(): Promise<void> {
    await this.#agent.initialize()
    await this.#manager.saveSnapshot({ target: this.#agent, isLatest: true })
    this.#isSaved = true
  }

  #newAgent(manager: DynamoDBSessionManager): Agent {
    const model = new ScriptedModel(
      (call) => this.#turns.shift() ?? { text: `Answer ${this.#count}/${call}. ${'Well. '.repeat(20)}` },
    )
    const guidanceOf = (): string | undefined => {
      const guidance = this.#guidance
      this.#guidance = undefined
      return guidance
    }
    const tools = [
      toolNamed('look', () => ({ seen: this.#count })),
      toolNamed('lookAround', () => 'A long list of things. '.repeat(1_000)),
      toolNamed('ask', (context) => context.interrupt({ name: 'question' })),
      toolNamed('fail', () => {
        throw new Error('the tool failed')
      }),
    ]
    const interventions = [new Guide(guidanceOf)]
    return this.#session.agent(model, { manager, tools, toolExecutor: 'sequential', interventions, ...this.#managed() })
  }
}

/** Pushes a message past the hooks before the model is called, as interventions do. */
class Guide extends InterventionHandler {
  readonly name = 'guide'
  readonly #guidanceOf: () => string | undefined

  constructor(guidanceOf: () => string | undefined) {
    super()
    this.#guidanceOf = guidanceOf
  }

  override beforeModelCall():
    | ReturnType<typeof InterventionActions.guide>
    | ReturnType<typeof InterventionActions.proceed> {
    const feedback = this.#guidanceOf()
    return feedback === undefined ? { type: 'proceed' } : { type: 'guide', feedback }
  }
}

/** Everything that a session keeps of an agent. */
function heldBy(agent: Agent): unknown {
  const { createdAt: _, ...held } = agent.takeSnapshot({ preset: 'session' })
  return JSON.parse(JSON.stringify(held))
}

/** What a context manager keeps for an agent. */
async function stashOf(agent: Agent): Promise<unknown> {
  return agent.contextManager?.stash?.takeSnapshot()
}
