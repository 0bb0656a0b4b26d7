/**
 * One of several processes that write to the same sessions: takes an order over its channel, answers with what came of it.
 *
 * Runs from the library's sources, whatever is built.
 */

import { setTimeout as work } from 'node:timers/promises'
import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, paginateQuery } from '@aws-sdk/lib-dynamodb'
import { Agent, FunctionTool, type ToolContext } from '@strands-agents/sdk'
import {
  createSessionTable,
  DynamoDBSessionManager,
  type DynamoDBSessionManagerOptions,
  verifySession,
} from '../../src/index.ts'
import { ScriptedModel } from './scripted-model.ts'
import { itemText, storedItem } from './stored-items.ts'

/** Options of the sessions' managers that a race varies. */
export type RaceOptions = Pick<DynamoDBSessionManagerOptions, 'turnExclusion' | 'turnWaitMs'>

/** What a process is to do. */
export type RaceOrder = { readonly id: number; readonly tableName: string } & (
  | { readonly type: 'createTable' }
  | {
      /** Runs turns one after the other, each a question, a tool use, its result and an answer. */
      readonly type: 'race'
      readonly sessionId: string
      readonly writer: string
      readonly turns: number
      /** Whether one agent runs all turns, or each is run by a new one. */
      readonly isWarm: boolean
      /** Whether the tool counts its uses in the agent's state. */
      readonly counts: boolean
      readonly options: RaceOptions
    }
  | { readonly type: 'read'; readonly sessionId: string }
  | {
      /** Runs turns that nobody disturbs, and counts what they cost. */
      readonly type: 'measure'
      readonly sessionId: string
      readonly turns: number
      readonly options: RaceOptions
    }
)

/** What became of the turns that a process has run, by the text of their questions. */
export interface RaceOutcome {
  readonly acknowledged: readonly string[]
  /** Refused because another writer was at work. */
  readonly busy: readonly string[]
  /** Refused because another writer had been faster. */
  readonly conflicts: readonly string[]
  /** Failed in any other way: what was thrown. */
  readonly failures: readonly string[]
  /** Refused turns that had called the model nevertheless. */
  readonly wasted: number
}

/** What a session holds. */
export interface RaceRecord {
  /** Messages in the order of the log, as `user <text>`, `use <id>`, `result <id>` and `answer <text>`. */
  readonly messages: readonly string[]
  /** Uses of the tool that the agent's state has counted. */
  readonly counted: number
  /** What `verifySession()` found wrong. */
  readonly problems: readonly string[]
}

/** What undisturbed turns cost. */
export interface RaceCost {
  readonly writeUnits: number
  readonly readUnits: number
  readonly requests: number
}

let client: DynamoDBClient | undefined

process.on('message', (order: RaceOrder) => {
  carryOut(order).then(
    (result) => process.send?.({ id: order.id, result }),
    (error: unknown) => process.send?.({ id: order.id, error: String(error) }),
  )
})
process.on('disconnect', () => process.exit())

async function carryOut(order: RaceOrder): Promise<RaceOutcome | RaceRecord | RaceCost | undefined> {
  const { tableName } = order
  client ??= new DynamoDBClient(JSON.parse(process.env['RACE_CLIENT'] ?? '{}') as DynamoDBClientConfig)
  if (order.type === 'race') return race(client, order)
  if (order.type === 'read') return read(client, tableName, order.sessionId)
  if (order.type === 'measure') return measure(client, order)
  await createSessionTable({ tableName, client })
  return undefined
}

async function race(dynamoDB: DynamoDBClient, order: RaceOrder & { type: 'race' }): Promise<RaceOutcome> {
  const outcome = {
    acknowledged: [] as string[],
    busy: [] as string[],
    conflicts: [] as string[],
    failures: [] as string[],
  }
  let wasted = 0
  let warm: RacingAgent | undefined
  for (let turn = 1; turn <= order.turns; turn++) {
    const racing: RacingAgent = warm ?? racingAgent(dynamoDB, order, { ...order, label: `${order.writer}.${turn}` })
    const question = `${order.writer}/${turn}`
    const calls = racing.model.calls.length
    try {
      await racing.agent.invoke(question)
      outcome.acknowledged.push(question)
      warm = order.isWarm ? racing : undefined
    } catch (error) {
      const name = nameOf(error)
      if (name === 'SessionBusyError') outcome.busy.push(question)
      else if (name === 'SessionConflictError') outcome.conflicts.push(question)
      else outcome.failures.push(String(error))
      if (name === 'SessionBusyError' && racing.model.calls.length > calls) wasted += 1
      // Busy is no harm to an agent; after a conflict its messages are no longer those of the session.
      warm = order.isWarm && name === 'SessionBusyError' ? racing : undefined
    }
  }
  return { ...outcome, wasted }
}

/** Name of an error; that of its cause where the conflict came only after the answer. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  return error.name === 'AnswerNotSavedError' && nameOf(error.cause) === 'SessionConflictError'
    ? nameOf(error.cause)
    : error.name
}

async function measure(dynamoDB: DynamoDBClient, order: RaceOrder & { type: 'measure' }): Promise<RaceCost> {
  const cost = { writeUnits: 0, readUnits: 0, requests: 0 }
  const { agent } = racingAgent(dynamoDB, order, {
    label: 'alone',
    onCapacity: ({ writeUnits, readUnits }) => {
      cost.writeUnits += writeUnits
      cost.readUnits += readUnits
      cost.requests += 1
    },
  })
  for (let turn = 1; turn <= order.turns; turn++) await agent.invoke(`alone/${turn}`)
  return cost
}

interface RacingAgent {
  readonly agent: Agent
  readonly model: ScriptedModel
}

/** An agent that answers each question after one use of a tool. */
function racingAgent(
  dynamoDB: DynamoDBClient,
  { tableName, sessionId, options }: RaceOrder & { type: 'race' | 'measure' },
  settings: { label: string; counts?: boolean } & Pick<DynamoDBSessionManagerOptions, 'onCapacity'>,
): RacingAgent {
  const { label, counts, onCapacity } = settings
  const model = new ScriptedModel((call, messages) => {
    const last = messages.at(-1)?.content[0]
    if (last?.type === 'toolResultBlock') return { text: `to ${last.toolUseId}` }
    const question = last?.type === 'textBlock' ? last.text : '?'
    return { toolUses: [{ name: 'look', input: {}, toolUseId: `${label}-${call}-${question}` }] }
  })
  const sessionManager = new DynamoDBSessionManager({ sessionId, tableName, client: dynamoDB, onCapacity, ...options })
  const callback = async (_input: unknown, { agent: { appState } }: ToolContext): Promise<string> => {
    if (counts) appState.set('looks', Number(appState.get('looks') ?? 0) + 1)
    // Takes as long as a round trip, so that turns overlap.
    return work(5, 'seen')
  }
  const look = new FunctionTool({ name: 'look', description: 'look', callback })
  return { agent: new Agent({ model, sessionManager, tools: [look], printer: false }), model }
}

async function read(dynamoDB: DynamoDBClient, tableName: string, sessionId: string): Promise<RaceRecord> {
  const range = {
    TableName: tableName,
    KeyConditionExpression: 'pk = :pk AND begins_with(sk, :row)',
    ExpressionAttributeValues: { ':pk': `session#${sessionId}`, ':row': 'agent#agent#msg#0' },
    ConsistentRead: true,
  }
  const messages: string[] = []
  for await (const page of paginateQuery({ client: DynamoDBDocumentClient.from(dynamoDB) }, range)) {
    for (const item of (page.Items ?? []).map(storedItem)) messages.push(describe(JSON.parse(itemText(item, []))))
  }
  const { problems } = await verifySession({ sessionId, tableName, client: dynamoDB })
  const sessionManager = new DynamoDBSessionManager({ sessionId, tableName, client: dynamoDB })
  const agent = new Agent({ model: new ScriptedModel([]), sessionManager, printer: false })
  await agent.initialize()
  const counted = Number(agent.appState.get('looks') ?? 0)
  return { messages, counted, problems: problems.map(({ problem }) => problem) }
}

function describe({ role, content }: { role: string; content: readonly Record<string, unknown>[] }): string {
  const [block = {}] = content
  const { text, toolUse, toolResult } = block as Record<string, { toolUseId?: string } | string | undefined>
  if (typeof toolUse === 'object') return `use ${toolUse.toolUseId}`
  if (typeof toolResult === 'object') return `result ${toolResult.toolUseId}`
  return `${role === 'user' ? 'user' : 'answer'} ${String(text)}`
}
