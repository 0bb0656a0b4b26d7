/** Texts that a guardrail redacts, and where they are to be found. */

import { type Agent, BeforeModelCallEvent, TextBlock } from '@strands-agents/sdk'
import type { DynamoDBSessionManager } from 'strands-session-dynamodb'
import { MemoryBucket } from './bucket.ts'
import type { ScriptedTurn } from './scripted-model.ts'
import { itemsOfTable, textOf } from './stored-items.ts'
import type { TestTable } from './table.ts'

/** A model whose guardrail redacts what the user said. */
export const refuses: readonly ScriptedTurn[] = [{ redact: { input: '[redacted]' }, text: 'I cannot answer that.' }]

/** What nobody may find. Random text that the rest of the table cannot hold by chance. */
export function secretText(): string {
  return `secret ${crypto.randomUUID()}`
}

/**
 * Whether any item of the table, of whatever session, holds the text, however it is encoded.
 *
 * @param bucket - Where the table's sessions offload, if they do: its objects are looked through too.
 */
export async function isInTable(table: TestTable, text: string, bucket = new MemoryBucket()): Promise<boolean> {
  return textOf(bucket.resolve(await itemsOfTable(table))).includes(text)
}

/** Changes the last message in place, as context managers do. */
export function replaceText(agent: Agent, text: string): void {
  agent.messages.at(-1)?.content.splice(0, 1, new TextBlock(text))
}

/** Takes an immutable snapshot each time the model is about to be called. */
export function snapshotBeforeModel(agent: Agent, manager: DynamoDBSessionManager): void {
  agent.addHook(BeforeModelCallEvent, () => manager.saveSnapshot({ target: agent, isLatest: false }))
}
