/**
 * The conversation that costs are measured with: every turn in a new agent, as a cold Lambda has it, and four messages a
 * turn.
 */

import {
  Agent,
  type BaseModelConfig,
  type ConversationManager,
  type Message,
  Model,
  type ModelStreamEvent,
  type SessionManager,
  type Tool,
  tool,
} from '@strands-agents/sdk'
import { createTextSource } from '../pseudo-text.ts'

/** Lengths of a turn's texts, in characters. */
export const TRACE_LENGTHS = { question: 250, query: 60, toolResult: 3072, answer: 900 } as const

/** Messages that a turn adds: the user's, the tool use, the tool result, the answer. */
export const MESSAGES_PER_TURN = 4

/** What is said in one turn. */
export interface TraceTurn {
  /** From 1. */
  readonly turn: number
  readonly question: string
  readonly query: string
  readonly toolResult: string
  readonly answer: string
}

/** The texts of a turn: always the same for the same number. */
export function traceTurn(turn: number): TraceTurn {
  const source = createTextSource(turn)
  const { question, query, toolResult, answer } = TRACE_LENGTHS
  return {
    turn,
    question: source.prose(question),
    query: source.prose(query),
    toolResult: source.hits(toolResult),
    answer: source.prose(answer),
  }
}

/** A new agent for one turn, as a cold Lambda makes it. Ask it the turn's question. */
export function createTraceAgent(
  turn: TraceTurn,
  sessionManager: SessionManager,
  conversationManager?: ConversationManager,
): Agent {
  return new Agent({
    model: new TraceModel(turn),
    tools: [searchTool(turn)],
    systemPrompt: 'You are a concise assistant.',
    sessionManager,
    printer: false,
    ...(conversationManager !== undefined && { conversationManager }),
  })
}

/** Searches once, then answers. */
class TraceModel extends Model<BaseModelConfig> {
  readonly #turn: TraceTurn
  #config: BaseModelConfig = { modelId: 'trace', contextWindowLimit: 200_000 }

  constructor(turn: TraceTurn) {
    super()
    this.#turn = turn
  }

  override updateConfig(config: BaseModelConfig): void {
    this.#config = { ...this.#config, ...config }
  }

  override getConfig(): BaseModelConfig {
    return this.#config
  }

  override async *stream(messages: Message[]): AsyncIterable<ModelStreamEvent> {
    const { turn, query, answer } = this.#turn
    const hasSearched = messages.at(-1)?.content.some((block) => block.type === 'toolResultBlock') ?? false
    yield { type: 'modelMessageStartEvent', role: 'assistant' }
    if (hasSearched) {
      yield { type: 'modelContentBlockStartEvent' }
      yield { type: 'modelContentBlockDeltaEvent', delta: { type: 'textDelta', text: answer } }
    } else {
      const toolUseId = `search-${String(turn).padStart(6, '0')}`
      const input = JSON.stringify({ query })
      yield { type: 'modelContentBlockStartEvent', start: { type: 'toolUseStart', name: 'search', toolUseId } }
      yield { type: 'modelContentBlockDeltaEvent', delta: { type: 'toolUseInputDelta', input } }
    }
    yield { type: 'modelContentBlockStopEvent' }
    yield { type: 'modelMessageStopEvent', stopReason: hasSearched ? 'endTurn' : 'toolUse' }
    // As many digits as a real model's: the SDK stores the usage with the message.
    yield { type: 'modelMetadataEvent', usage: { inputTokens: 12_480, outputTokens: 240, totalTokens: 12_720 } }
  }
}

function searchTool({ toolResult }: TraceTurn): Tool {
  return tool({
    name: 'search',
    description: 'Searches the knowledge base',
    inputSchema: { type: 'object', properties: { query: { type: 'string' } }, required: ['query'] },
    callback: () => toolResult,
  })
}
