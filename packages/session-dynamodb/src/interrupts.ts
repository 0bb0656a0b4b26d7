/** What an agent's snapshot says of interrupts, with which a turn waits for a person. */

import type { Agent } from '@strands-agents/sdk'

/** Whether the agent waits for a person's answer: its unfinished tool uses are not those of a crash. */
export function isInterrupted(agent: Agent): boolean {
  const { interrupts } = agent.takeSnapshot({ include: ['interrupts'] }).data
  return fieldOf(interrupts, 'activated') === true
}

/**
 * Forgets an interrupt that has been answered: a process that dies after it has stored the tools' results leaves a state
 * that still waits for them.
 */
export function clearStaleInterrupt(agent: Agent): void {
  const snapshot = agent.takeSnapshot({ include: ['interrupts'] })
  const pending = fieldOf(fieldOf(snapshot.data.interrupts, 'pendingToolExecution'), 'assistantMessageData')
  const trackingId = fieldOf(pending, 'trackingId')
  if (typeof trackingId !== 'string' || !agent.messages.some((message) => message.trackingId === trackingId)) return
  agent.loadSnapshot({ ...snapshot, data: { interrupts: { interrupts: {}, activated: false } } })
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}
