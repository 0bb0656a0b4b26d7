/** Removes what a context manager's stash has kept of a message. */

import type { Agent, Message } from '@strands-agents/sdk'

/** Deletes what a context manager's stash has kept of a message. Returns the references of the entries. */
export async function unstash(agent: Agent, message: Message): Promise<string[]> {
  const stash = agent.contextManager?.stash
  if (stash === undefined) return []
  const ids = [
    message.trackingId,
    ...message.content.flatMap((block) => ('toolUseId' in block ? [block.toolUseId] : [])),
  ]
  // The stash names an entry by the message's or the tool use's id and the number of the block.
  const references = (await stash.list()).filter((reference) => ids.includes(reference.replace(/_\d+$/, '')))
  await Promise.all(references.map((reference) => stash.delete(reference)))
  return references
}
