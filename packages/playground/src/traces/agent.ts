/** The agent that holds the conversations which costs are measured with: its model says what the turn's texts say. */

import {
  Agent,
  type BaseModelConfig,
  type ConversationManager,
  ImageBlock,
  type Message,
  Model,
  type ModelStreamEvent,
  type SessionManager,
  TextBlock,
  type Tool,
  tool,
} from '@strands-agents/sdk'
import type { TraceTurn } from './turns.ts'

/** A new agent for one turn, as a cold Lambda makes it. Ask it the turn's question. */
export function createTraceAgent(
  turn: TraceTurn,
  sessionManager: SessionManager,
  conversationManager?: ConversationManager,
): Agent {
  return createPlayedAgent(new TraceModel(turn), sessionManager, conversationManager)
}

/** A new agent whose model can be given one turn after the other, as a warm process has it. */
export function createPlayedAgent(
  model: TraceModel,
  sessionManager: SessionManager,
  conversationManager?: ConversationManager,
): Agent {
  return new Agent({
    model,
    tools: [searchTool(model)],
    systemPrompt: 'You are a concise assistant.',
    sessionManager,
    printer: false,
    ...(conversationManager !== undefined && { conversationManager }),
  })
}

/** What the user sends in a turn. */
export function promptOf({ question, image }: TraceTurn): string | (TextBlock | ImageBlock)[] {
  if (image === undefined) return question
  return [new TextBlock(question), new ImageBlock({ format: 'png', source: { bytes: image } })]
}

/** Searches as often as its turn wants, then answers. */
export class TraceModel extends Model<BaseModelConfig> {
  /** The turn that it speaks in. */
  turn: TraceTurn
  #config: BaseModelConfig = { modelId: 'trace', contextWindowLimit: 200_000 }

  constructor(turn: TraceTurn) {
    super()
    this.turn = turn
  }

  override updateConfig(config: BaseModelConfig): void {
    this.#config = { ...this.#config, ...config }
  }

  override getConfig(): BaseModelConfig {
    return this.#config
  }

  override async *stream(messages: Message[]): AsyncIterable<ModelStreamEvent> {
    const { turn, searches, answer } = this.turn
    const done = searchesIn(messages)
    const next = searches[done]
    yield { type: 'modelMessageStartEvent', role: 'assistant' }
    if (next === undefined) {
      yield { type: 'modelContentBlockStartEvent' }
      yield { type: 'modelContentBlockDeltaEvent', delta: { type: 'textDelta', text: answer } }
    } else {
      const toolUseId = `search-${String(turn).padStart(6, '0')}${done === 0 ? '' : `-${done + 1}`}`
      const input = JSON.stringify({ query: next.query })
      yield { type: 'modelContentBlockStartEvent', start: { type: 'toolUseStart', name: 'search', toolUseId } }
      yield { type: 'modelContentBlockDeltaEvent', delta: { type: 'toolUseInputDelta', input } }
    }
    yield { type: 'modelContentBlockStopEvent' }
    yield { type: 'modelMessageStopEvent', stopReason: next === undefined ? 'endTurn' : 'toolUse' }
    // As many digits as a real model's: the SDK stores the usage with the message.
    yield { type: 'modelMetadataEvent', usage: { inputTokens: 12_480, outputTokens: 240, totalTokens: 12_720 } }
  }
}

/** Searches that the turn under way has done: the tool results since its question. */
function searchesIn(messages: readonly Message[]): number {
  const question = messages.findLastIndex(
    ({ role, content }) => role === 'user' && !content.some((block) => block.type === 'toolResultBlock'),
  )
  return messages.slice(question + 1).filter(({ role }) => role === 'user').length
}

function searchTool(model: TraceModel): Tool {
  return tool({
    name: 'search',
    description: 'Searches the knowledge base',
    inputSchema: { type: 'object', properties: { query: { type: 'string' } }, required: ['query'] },
    callback: (input) => {
      const query = input !== null && typeof input === 'object' ? Reflect.get(input, 'query') : undefined
      return model.turn.searches.find((search) => search.query === query)?.result ?? 'Nothing was found.'
    },
  })
}
