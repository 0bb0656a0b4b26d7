/** A conversation that changes in every way in which an agent, its managers and its plugins change theirs. Pure. */

import type { JSONValue, Snapshot } from '@strands-agents/sdk'
import { noise } from './noise.ts'

/** A message as snapshots hold it. Its first text says which message it is, and in which version: `a/12/34;`. */
export interface ConversationMessage {
  role: string
  content: { text: string }[]
  trackingId?: string
  metadata?: { custom: Record<string, JSONValue> }
}

/** How a new message gets its tracking id: the SDK takes any string, and old data has none. */
export const TRACKING = ['own', 'own', 'own', 'missing', 'empty', '#', 'agent#a#msg#head', 'ключ 🔑', 'shared'] as const

/** One change to a conversation. Numbers choose messages: each is taken modulo how many there are. */
export type Change =
  | { readonly kind: 'append'; readonly count: number; readonly tracking: (typeof TRACKING)[number] }
  | { readonly kind: 'insert' | 'pin' | 'edit' | 'truncate' | 'repeat' | 'imitate' | 'redact'; readonly at: number }
  | { readonly kind: 'trim' | 'trimUnpinned' | 'summarise'; readonly count: number }
  | { readonly kind: 'set'; readonly key: (typeof DATA_KEYS)[number] | 'appData' | 'extra'; readonly value: JSONValue }
  | { readonly kind: 'unset'; readonly key: (typeof DATA_KEYS)[number] }
  | { readonly kind: 'messages'; readonly value: 'missing' | 'empty' | 'null' }
  | { readonly kind: 'grow'; readonly what: 'message' | 'state' | 'interrupts'; readonly kilobytes: number }

/** Keys of a snapshot's data apart from the messages: the SDK's, and one that it does not know. */
export const DATA_KEYS = ['state', 'systemPrompt', 'modelState', 'interrupts', 'keyOfTheFuture'] as const

/** What a redaction replaced. */
export interface Redaction {
  readonly trackingId: string
  /** Every text that the message ever had: none of them may be left anywhere. */
  readonly oldTexts: readonly string[]
  /** The message that takes its place. */
  readonly replacement: ConversationMessage
}

/** The live conversation of one agent. */
export class Conversation {
  readonly #name: string
  #messages: ConversationMessage[] | null | undefined = []
  #data: Record<string, JSONValue> = { state: {}, systemPrompt: null, modelState: {}, interrupts: null }
  #appData: Record<string, JSONValue> = {}
  #extra: Record<string, JSONValue> = {}
  #count = 0
  #versions = 0
  /** Every text of each message, by the message's number. */
  readonly #texts = new Map<string, string[]>()
  /** Numbers of the messages that ever had a tracking id. */
  readonly #owners = new Map<string, Set<string>>()

  constructor(name: string) {
    this.#name = name
  }

  /** The snapshot of now: it refers to the live objects, as an agent's own does. */
  snapshot(createdAt: string): Snapshot {
    const data = {
      ...this.#data,
      ...(this.#messages === undefined ? {} : { messages: this.#messages }),
    } as Snapshot['data']
    return { scope: 'agent', schemaVersion: '1.0', createdAt, data, appData: this.#appData, ...this.#extra }
  }

  /** Goes on from a snapshot. */
  load(snapshot: Snapshot): void {
    const { scope: _, schemaVersion: __, createdAt: ___, data, appData, ...extra } = structuredClone(snapshot)
    const { messages, ...others } = data
    this.#messages = messages as unknown as ConversationMessage[] | null | undefined
    this.#data = others
    this.#appData = appData
    this.#extra = extra
  }

  /** Makes the change. Only a redaction has something to tell; one that cannot be done is not. */
  apply(change: Change): Redaction | undefined {
    const messages = this.#messages ?? []
    const at = 'at' in change ? change.at % Math.max(1, messages.length) : 0
    const message = messages[at]
    switch (change.kind) {
      case 'append':
        for (let index = 0; index < change.count; index++) messages.push(this.#newMessage(change.tracking, messages))
        break
      case 'insert':
        messages.splice(at, 0, this.#newMessage('own', messages))
        break
      case 'trim':
        messages.splice(0, change.count)
        break
      case 'trimUnpinned':
        messages.splice(
          0,
          change.count,
          ...messages.slice(0, change.count).filter((each) => each.metadata?.custom['pinned']),
        )
        break
      case 'summarise':
        if (messages.length > 0) messages.splice(0, change.count, this.#newMessage('own', messages))
        break
      case 'pin':
        if (message !== undefined) message.metadata = { custom: { ...message.metadata?.custom, pinned: true } }
        break
      case 'edit':
        if (message !== undefined) message.content[0] = { text: this.#nextText(numberOf(message)) }
        break
      case 'truncate':
        if (message !== undefined) messages[at] = { ...message, content: [{ text: this.#nextText(numberOf(message)) }] }
        break
      case 'repeat':
        if (message !== undefined) messages.push(message)
        break
      case 'imitate':
        if (message !== undefined)
          messages.push(this.#newMessage(message.trackingId === undefined ? 'missing' : 'same', messages, message))
        break
      case 'redact':
        return message === undefined ? undefined : this.#redact(messages, message)
      case 'set':
        if (change.key === 'appData') this.#appData = { value: change.value }
        else if (change.key === 'extra') this.#extra = { futureField: change.value }
        else this.#data = { ...this.#data, [change.key]: change.value }
        break
      case 'unset':
        delete this.#data[change.key]
        break
      case 'messages':
        this.#messages = change.value === 'missing' ? undefined : change.value === 'null' ? null : []
        return undefined
      case 'grow':
        this.#grow(change.what, noise(change.kilobytes * 1000), messages)
    }
    if (messages.length > 0) this.#messages = messages
    return undefined
  }

  #grow(what: 'message' | 'state' | 'interrupts', filler: string, messages: ConversationMessage[]): void {
    if (what !== 'message') {
      this.#data = { ...this.#data, [what]: { filler, version: ++this.#versions } }
      return
    }
    const message = this.#newMessage('own', messages)
    message.content.push({ text: filler })
    messages.push(message)
  }

  #newMessage(
    tracking: (typeof TRACKING)[number] | 'same',
    messages: readonly ConversationMessage[],
    like?: ConversationMessage,
  ): ConversationMessage {
    const number = String(++this.#count)
    const trackingId =
      tracking === 'own'
        ? `${this.#name}-${number}`
        : tracking === 'missing'
          ? undefined
          : tracking === 'empty'
            ? ''
            : tracking === 'same'
              ? like?.trackingId
              : tracking === 'shared'
                ? messages.at(-1)?.trackingId
                : tracking
    const text = this.#nextText(number)
    const role = this.#count % 2 === 0 ? 'assistant' : 'user'
    if (trackingId === undefined) return { role, content: [{ text }] }
    const owners = this.#owners.get(trackingId) ?? new Set()
    this.#owners.set(trackingId, owners.add(number))
    return { role, content: [{ text }], trackingId }
  }

  /** As an agent redacts: another object with the same tracking id, which has to tell one message from all others. */
  #redact(messages: ConversationMessage[], message: ConversationMessage): Redaction | undefined {
    const { trackingId, role } = message
    if (!trackingId || this.#owners.get(trackingId)?.size !== 1) return undefined
    const number = numberOf(message)
    const oldTexts = [...(this.#texts.get(number) ?? [])]
    const replacement = { role, content: [{ text: this.#nextText(number) }], trackingId }
    for (const [index, each] of messages.entries()) if (numberOf(each) === number) messages[index] = replacement
    return { trackingId, oldTexts, replacement: structuredClone(replacement) }
  }

  #nextText(number: string): string {
    const text = `${this.#name}/${number}/${++this.#versions};`
    this.#texts.set(number, [...(this.#texts.get(number) ?? []), text])
    return text
  }
}

/** Which message of its conversation it is, in whatever version. */
export function numberOf(message: ConversationMessage): string {
  return message.content[0]?.text.split('/')[1] ?? ''
}
