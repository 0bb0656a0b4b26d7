/** One random session, played by a real agent, whose every step is compared with what another process would find. */

import { deepStrictEqual } from 'node:assert'
import {
  type Agent,
  ContextWindowOverflowError,
  InterruptResponseContent,
  Message,
  TextBlock,
} from '@strands-agents/sdk'
import type { DynamoDBSessionManager } from 'strands-session-dynamodb'
import { Guide } from './guide.ts'
import { ScriptedModel, type ScriptedTurn } from './scripted-model.ts'
import { textOf } from './stored-items.ts'
import { type TestAgentConfig, type TestSession, toolNamed } from './test-session.ts'

/** What may happen in a session. */
export const AGENT_STEPS = [
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

/** A session that is played by a real agent. */
export class AgentRun {
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

  async play(step: (typeof AGENT_STEPS)[number]): Promise<void> {
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
      deepStrictEqual(await manager.restoreSnapshot({ target: other, snapshotId }), true)
      deepStrictEqual(heldBy(other), held)
    }
    const text = this.#secrets.length === 0 ? '' : textOf(await this.#session.items())
    const found = this.#secrets.filter((secret) => text.includes(secret))
    deepStrictEqual(found, [], 'redacted text is still in the table')
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

/** Everything that a session keeps of an agent. */
function heldBy(agent: Agent): unknown {
  const { createdAt: _, ...held } = agent.takeSnapshot({ preset: 'session' })
  return JSON.parse(JSON.stringify(held))
}

/** What a context manager keeps for an agent. */
async function stashOf(agent: Agent): Promise<unknown> {
  return agent.contextManager?.stash?.takeSnapshot()
}
