/** The sample agent, as every host runs it. */

import { Agent, type Model, type SessionManager } from '@strands-agents/sdk'
import { calculator, listNotes, saveNote } from './tools.ts'

const SYSTEM_PROMPT = 'You are a concise assistant. Use the tools that you have, and remember what the user tells you.'

/** A new agent for one request; its session manager restores the conversation. */
export function createAgent(model: Model, sessionManager: SessionManager): Agent {
  return new Agent({
    model,
    sessionManager,
    systemPrompt: SYSTEM_PROMPT,
    tools: [calculator(), saveNote(), listNotes()],
    printer: false,
  })
}
