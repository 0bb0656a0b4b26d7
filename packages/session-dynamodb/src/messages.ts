/** What a message's JSON says of it, whatever it holds. Pure. */

/** The SDK's id in a message's JSON, if it has a usable one. */
export function trackingIdOf(message: unknown): string | undefined {
  return stringField(message, 'trackingId')
}

/** The role in a message's JSON, if it has one. */
export function roleOf(message: unknown): string | undefined {
  return stringField(message, 'role')
}

/** Whether a message is one with which a turn ends: the assistant's, and without a tool use. */
export function isAnswer(message: unknown): boolean {
  if (roleOf(message) !== 'assistant' || typeof message !== 'object' || message === null) return false
  const content: unknown = Reflect.get(message, 'content')
  if (!Array.isArray(content)) return true
  return !content.some((block) => typeof block === 'object' && block !== null && 'toolUse' in block)
}

function stringField(message: unknown, name: string): string | undefined {
  if (typeof message !== 'object' || message === null || !(name in message)) return undefined
  const value: unknown = Reflect.get(message, name)
  return typeof value === 'string' && value !== '' ? value : undefined
}
