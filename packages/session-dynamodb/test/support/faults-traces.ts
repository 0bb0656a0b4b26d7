/** The traces that are run with faults: everything that an agent's or a graph's session does. */

import {
  BeforeModelCallEvent,
  Message,
  SlidingWindowConversationManager,
  SummarizingConversationManager,
  TextBlock,
} from '@strands-agents/sdk'
import { type AgentProcess, type AgentTraceOptions, agentTrace } from './faults-agent.ts'
import { deletionTrace } from './faults-deletion.ts'
import { graphTrace } from './faults-graph.ts'
import { answerTextOf } from './faults-model.ts'
import type { Trace } from './faults-run.ts'
import { noise } from './noise.ts'
import { ScriptedModel } from './scripted-model.ts'

const SECRET = 'secret 4417-1234-5678-9113'
/** More than one item holds. */
const LARGE = 400_000
/** A secret of letters that stand for whole groups of bytes in Base64, and a picture of it. */
const PICTURED_SECRET = 'secret/4417/1234/5678/9113AA'
const SECRET_IMAGE = new Uint8Array(Buffer.from(`${noise(9_000)}${PICTURED_SECRET}${noise(12_000)}`, 'base64'))
const IMAGE = new Uint8Array(Buffer.from(noise(21_000), 'base64'))
const LARGE_SECRET = `${SECRET} ${noise(LARGE)}`

/** What nodes answer: one text can be compressed, the other cannot. */
const LARGE_RESULTS: Readonly<Record<string, string>> = { a: noise(5000), b: 'And so it was said. '.repeat(250) }

const AGENT_TRACES: readonly AgentTraceOptions[] = [
  { name: 'plain', steps: [{ ask: 'One?' }, { ask: 'Two?' }, { ask: 'Three?' }] },
  { name: 'plain, per invocation', options: { saveLatestOn: 'invocation' }, steps: [{ ask: 'One?' }, { ask: 'Two?' }] },
  { name: 'plain, without exclusion', options: { turnExclusion: false }, steps: [{ ask: 'One?' }, { ask: 'Two?' }] },
  { name: 'tools', steps: [{ ask: 'look around' }, { ask: 'twice please' }, { ask: 'note that' }] },
  {
    name: 'tools, dropped when cut short',
    options: { repair: 'drop' },
    steps: [{ ask: 'look around' }, { ask: 'twice please' }],
  },
  {
    name: 'redaction',
    secret: SECRET,
    steps: [{ ask: 'One?' }, { ask: SECRET }, { ask: 'Three?' }],
  },
  {
    name: 'redaction, with snapshots',
    secret: SECRET,
    options: { snapshotTrigger: () => true },
    steps: [
      { ask: 'One?' },
      {
        act: async (process) => snapshotsOfQuestions(process),
      },
      { ask: SECRET },
      { ask: 'Three?' },
    ],
  },
  {
    name: 'redaction of a large message',
    secret: SECRET,
    steps: [{ ask: LARGE_SECRET }, { ask: 'Two?' }],
  },
  {
    name: 'trim',
    keepsAll: false,
    conversationManager: () => new SlidingWindowConversationManager({ windowSize: 4 }),
    steps: [{ ask: 'One?' }, { ask: 'Two?' }, { ask: 'look around' }, { ask: 'Four?' }],
  },
  {
    name: 'summary by the conversation manager',
    keepsAll: false,
    conversationManager: () =>
      new SummarizingConversationManager({
        model: new ScriptedModel(() => ({ text: 'Summary.' })),
        summaryRatio: 0.5,
        preserveRecentMessages: 2,
      }),
    steps: [{ ask: 'One?' }, { ask: 'Two?' }, { ask: 'Three?' }, { ask: 'long and winding' }, { ask: 'Five?' }],
  },
  {
    name: 'summary by the application',
    keepsAll: false,
    steps: [
      { ask: 'One?' },
      { ask: 'Two?' },
      {
        act: ({ agent, manager }) => {
          const kept = agent.messages.findLastIndex(({ role }) => role === 'assistant')
          agent.messages.splice(
            0,
            Math.max(kept, 0),
            new Message({ role: 'user', content: [new TextBlock('Summary.')] }),
          )
          return manager.saveSnapshot({ target: agent, isLatest: true })
        },
      },
      { ask: 'Three?' },
    ],
  },
  {
    name: 'snapshot',
    options: { snapshotTrigger: () => true },
    keepsAll: false,
    steps: [
      { ask: 'One?' },
      { ask: 'note that' },
      {
        act: async ({ agent, manager }) => {
          const [snapshotId] = await manager.listSnapshotIds({ target: agent })
          if (snapshotId !== undefined) await manager.restoreSnapshot({ target: agent, snapshotId })
          await manager.saveSnapshot({ target: agent, isLatest: true })
        },
      },
      { ask: 'Three?' },
    ],
  },
  {
    name: 'large messages',
    steps: [{ ask: `A large question ${noise(LARGE)}` }, { ask: 'large result please' }],
  },
  {
    name: 'the same image twice',
    steps: [
      { ask: 'What is this?', image: IMAGE },
      { ask: 'And this?', image: IMAGE },
    ],
    recovery: [{ ask: 'And this, once more?', image: IMAGE }],
  },
  {
    name: 'redaction of an image, with another one before it',
    secret: PICTURED_SECRET,
    steps: [
      { ask: 'What is this?', image: IMAGE },
      { ask: 'secret image', image: SECRET_IMAGE },
    ],
  },
  {
    name: 'redaction of an image, with a stash and a snapshot',
    secret: PICTURED_SECRET,
    hasStash: true,
    options: { snapshotTrigger: () => false },
    steps: [{ act: async (process) => snapshotsOfQuestions(process) }, { ask: 'secret image', image: SECRET_IMAGE }],
  },
  {
    name: 'inline stash',
    hasStash: true,
    steps: [
      { ask: `One? ${noise(4500)}` },
      { ask: `look around ${noise(4501)}` },
      { ask: `Three? ${'Now and then. '.repeat(200)}` },
    ],
  },
  {
    name: 'large state',
    steps: [
      { act: async ({ agent }) => agent.appState.set('large', noise(LARGE)) },
      { ask: 'One?' },
      { act: async ({ agent }) => agent.appState.set('large', noise(LARGE + 1)) },
      { ask: 'Two?' },
    ],
  },
  {
    name: 'turn ids',
    steps: [{ ask: 'One?', turnId: 'event-1' }],
    recovery: [
      { ask: 'One?', turnId: 'event-1' },
      { ask: 'Two?', turnId: 'event-2' },
      { ask: 'One?', turnId: 'event-1' },
    ],
    finally: ['One?', answerTextOf('One?'), 'Two?', answerTextOf('Two?')],
  },
  {
    name: 'turn ids, with tools',
    steps: [{ ask: 'twice please', turnId: 'event-1' }],
    recovery: [
      { ask: 'twice please', turnId: 'event-1' },
      { ask: 'Two?', turnId: 'event-2' },
    ],
    finally: ['twice please', answerTextOf('twice please'), 'Two?', answerTextOf('Two?')],
  },
  {
    name: 'turn ids, asked again at once',
    steps: [
      { ask: 'look around', turnId: 'event-1' },
      { ask: 'look around', turnId: 'event-1' },
    ],
    recovery: [{ ask: 'look around', turnId: 'event-1' }],
    finally: ['look around', answerTextOf('look around')],
  },
  {
    name: 'redaction, asked again by turn id',
    secret: SECRET,
    steps: [{ ask: SECRET, turnId: 'event-1' }],
    recovery: [{ ask: SECRET, turnId: 'event-1' }, { ask: 'Two?' }],
  },
]

/** From now on there are snapshots that see what the user says before the guardrail does. */
function snapshotsOfQuestions({ agent, manager, snapshots }: AgentProcess): void {
  agent.addHook(BeforeModelCallEvent, async () => {
    snapshots.add(JSON.stringify(agent.messages))
    await manager.saveSnapshot({ target: agent, isLatest: false })
  })
}

/** The same with values that are offloaded, and with one that is large and compressed. */
const OFFLOADING: readonly AgentTraceOptions[] = AGENT_TRACES.filter(({ name }) =>
  ['redaction of a large message', 'large messages', 'large state', 'the same image twice'].includes(name),
).map((trace) => ({ ...trace, name: `${trace.name}, offloaded`, offloads: true }))

const COMPRESSED: readonly AgentTraceOptions[] = [
  {
    name: 'compressed messages and state',
    secret: SECRET,
    steps: [
      { ask: 'So it goes. '.repeat(200) },
      { act: async ({ agent }) => agent.appState.set('large', 'And so on. '.repeat(40_000)) },
      { ask: `${SECRET} ${'again and again '.repeat(200)}` },
    ],
  },
]

/** All of them. */
export const FAULT_TRACES: readonly Trace[] = [
  ...[...AGENT_TRACES, ...OFFLOADING, ...COMPRESSED].map(agentTrace),
  graphTrace('graph of two nodes', (id) => `${id} says so.`),
  graphTrace('graph of two nodes with large results', (id) => `${id} says so. ${LARGE_RESULTS[id] ?? ''}`),
  deletionTrace(),
]
