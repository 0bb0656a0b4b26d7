/** The agent that the demo and the chat share. */

import { Agent, type Model, type SessionManager } from '@strands-agents/sdk'
import { demoTools } from './tools.ts'

const SYSTEM_PROMPT = 'You are a concise assistant. Use the tools that you have, and remember what the user tells you.'

/** A new agent, as a fresh process or a cold Lambda makes it; its session manager restores the conversation. */
export function createAssistant(model: Model, sessionManager: SessionManager): Agent {
  return new Agent({ model, sessionManager, systemPrompt: SYSTEM_PROMPT, tools: demoTools(), printer: false })
}
