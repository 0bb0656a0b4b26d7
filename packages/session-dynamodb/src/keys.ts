/** Ids to keys and back: the only place where they become `pk` and `sk`. Pure. */

import type { Scope, SnapshotLocation } from '@strands-agents/sdk'
import { InvalidOptionError } from './errors.ts'
import { checkId, checkSessionId, escapeId, isId, unescapeId } from './ids.ts'
import { SESSION_SORT_KEY, tenantPrefixOf } from './schema.ts'

/** Primary key of an item. */
export interface ItemKey {
  readonly pk: string
  readonly sk: string
}

export { SESSION_SORT_KEY }

/** Digits of a sequence number in a sort key: room for ten billion messages a session. */
const SEQUENCE_DIGITS = 10

/** Digits of a part's index in a sort key. */
const PART_DIGITS = 4

/** Most parts of one value: with 390,000 bytes each, 3.9 GB. */
export const MAX_PARTS = 10 ** PART_DIGITS

/** DynamoDB's limits for the values of a key, in bytes. */
const MAX_PARTITION_KEY_BYTES = 2048
const MAX_SORT_KEY_BYTES = 1024

/** Room for what follows a scope's prefix: at most a state's chunk, `msg#state#chunk#<incarnation>#<digest>`, and `#part#<digest>#<index>`. */
const PART_SUFFIX_BYTES = 80

const SCOPE_PREFIX: Readonly<Record<Scope, string>> = { agent: 'agent', multiAgent: 'multiagent' }

/** What stands before a chunk's incarnation and digest. */
const CHUNK = '#chunk#'

/** A range that holds every sort key: they are made of letters, digits and percent-encoding. */
export const ALL_SORT_KEYS = ['!', '~'] as const

/** Partition key of a session. A tenant comes first, so that `dynamodb:LeadingKeys` can fence tenants off. */
export function partitionKeyOf(sessionId: string, tenantId?: string): string {
  const pk = `${tenantPrefix(tenantId)}session#${escapeId(checkSessionId(sessionId))}`
  checkKeySize('tenantId', tenantId, pk, MAX_PARTITION_KEY_BYTES)
  return pk
}

/** Partition key of an owner in the owner index. */
export function ownerKeyOf(owner: string, tenantId?: string): string {
  const key = `${tenantPrefix(tenantId)}owner#${escapeId(checkId('owner', owner))}`
  checkKeySize('owner', owner, key, MAX_PARTITION_KEY_BYTES)
  return key
}

/** The session id in a partition key, or undefined when the key is not one of a session of this tenant. */
export function sessionIdOf(partitionKey: string, tenantId?: string): string | undefined {
  const prefix = `${tenantPrefix(tenantId)}session#`
  return partitionKey.startsWith(prefix) ? unescapeId(partitionKey.slice(prefix.length)) : undefined
}

/** Sort keys of one scope: everything that belongs to one agent or orchestrator of a session. */
export class ScopeKeys {
  readonly pk: string
  /** Prefix of what a resume reads: the state with its chunks and parts, the head and the messages, in descending order. */
  readonly logPrefix: string
  /** Prefix of the immutable snapshots' items. */
  readonly snapshotPrefix: string
  /** Prefix of the states of immutable snapshots. */
  readonly snapshotStatePrefix: string
  readonly #scopePrefix: string

  /** @throws {@link InvalidOptionError} for an invalid session id, scope or scope id. */
  constructor(location: SnapshotLocation, tenantId?: string) {
    if (!Object.hasOwn(SCOPE_PREFIX, location.scope)) {
      throw new InvalidOptionError('scope', location.scope, "expected 'agent' or 'multiAgent'")
    }
    const field = location.scope === 'agent' ? 'agentId' : 'multiAgentId'
    this.pk = partitionKeyOf(location.sessionId, tenantId)
    this.#scopePrefix = `${SCOPE_PREFIX[location.scope]}#${escapeId(checkId(field, location.scopeId))}#`
    this.logPrefix = `${this.#scopePrefix}msg#`
    this.snapshotStatePrefix = `${this.#scopePrefix}snapstate#`
    this.snapshotPrefix = `${this.#scopePrefix}snapshot#`
    checkKeySize(field, location.scopeId, this.snapshotPrefix, MAX_SORT_KEY_BYTES - PART_SUFFIX_BYTES)
  }

  /** The head: the window as ranges of sequence numbers. Sorts behind every message. */
  head(): ItemKey {
    return this.#key(`${this.logPrefix}head`)
  }

  /** The rest of the latest snapshot. Sorts behind the head, so that one query reads both. */
  state(): ItemKey {
    return this.#key(`${this.logPrefix}state`)
  }

  /** A chunk of the latest state. Sorts behind the state, so that the query that reads the one reads the other. */
  stateChunk(incarnation: string, digest: string): ItemKey {
    return this.#key(`${this.state().sk}${CHUNK}${incarnation}#${digest}`)
  }

  /** A chunk that messages and immutable snapshots share. */
  chunk(incarnation: string, digest: string): ItemKey {
    return this.#key(`${this.#scopePrefix}${CHUNK.slice(1)}${incarnation}#${digest}`)
  }

  /** The message with a sequence number. */
  message(seq: number): ItemKey {
    return this.#key(`${this.logPrefix}${String(seq).padStart(SEQUENCE_DIGITS, '0')}`)
  }

  /**
   * An immutable snapshot: its ranges, and which stored state belongs to it.
   *
   * @param field - Argument that an {@link InvalidOptionError} names.
   */
  snapshot(snapshotId: string, field = 'snapshotId'): ItemKey {
    const sk = `${this.snapshotPrefix}${escapeId(checkId(field, snapshotId))}`
    checkKeySize(field, snapshotId, sk, MAX_SORT_KEY_BYTES)
    return this.#key(sk)
  }

  /** The state of one or more immutable snapshots, found by its digest. */
  snapshotState(digest: string): ItemKey {
    return this.#key(`${this.snapshotStatePrefix}${digest}`)
  }

  /** What became of a turn with an id. */
  turn(turnId: string): ItemKey {
    const sk = `${this.#scopePrefix}turn#${escapeId(checkId('turnId', turnId))}`
    checkKeySize('turnId', turnId, sk, MAX_SORT_KEY_BYTES)
    return this.#key(sk)
  }

  /** The SDK's manifest. */
  manifest(): ItemKey {
    return this.#key(`${this.#scopePrefix}manifest`)
  }

  /** Sequence number in a message's sort key, or undefined when the key is not a message's. */
  seqOf(sk: string): number | undefined {
    if (!sk.startsWith(this.logPrefix)) return undefined
    const digits = sk.slice(this.logPrefix.length)
    return digits.length === SEQUENCE_DIGITS && /^\d+$/.test(digits) ? Number(digits) : undefined
  }

  /** The snapshot id in an immutable snapshot's sort key, or undefined when no id makes such a key. */
  snapshotIdOf(sk: string): string | undefined {
    return unescapeId(sk.slice(this.snapshotPrefix.length))
  }

  #key(sk: string): ItemKey {
    return { pk: this.pk, sk }
  }
}

/**
 * Key of a slice of a value that does not fit one item. The digest of the whole value is part of the key, so a value
 * that replaces another never overwrites its parts: a reader sees all of the one or all of the other.
 */
export function partKey(owner: ItemKey, digest: string, index: number): ItemKey {
  return { pk: owner.pk, sk: `${partPrefix(owner, digest)}${String(index).padStart(PART_DIGITS, '0')}` }
}

/** Prefix of the sort keys of all slices of one value. */
export function partPrefix(owner: ItemKey, digest: string): string {
  return `${owner.sk}#part#${digest}#`
}

/** The sort key of the item that a part belongs to, and the digest of its value; undefined when it is no part. */
export function partOwnerOf(sk: string): { owner: string; digest: string } | undefined {
  const [, owner, digest] = /^([^#]+#[^#]+#.*)#part#([\w-]{20})#\d{4}$/.exec(sk) ?? []
  return owner === undefined || digest === undefined ? undefined : { owner, digest }
}

/** What a chunk's sort key says; undefined when it is no chunk's. `ofState`: whether it is one of the latest state. */
export function chunkOf(sk: string): { incarnation: string; digest: string; ofState: boolean } | undefined {
  const [, state, incarnation, digest] = /^[^#]+#[^#]+#(msg#state#)?chunk#([0-9a-z]+)#([\w-]{20})$/.exec(sk) ?? []
  if (incarnation === undefined || digest === undefined) return undefined
  return { incarnation, digest, ofState: state !== undefined }
}

/** The agent or orchestrator that an item belongs to, or undefined when it belongs to the session as a whole. */
export function scopeOf(sk: string): Pick<SnapshotLocation, 'scope' | 'scopeId'> | undefined {
  const [, prefix, id] = /^([^#]+)#([^#]+)#/.exec(sk) ?? []
  if (id === undefined || (prefix !== SCOPE_PREFIX.agent && prefix !== SCOPE_PREFIX.multiAgent)) return undefined
  const scopeId = unescapeId(id)
  if (scopeId === undefined || !isId(scopeId)) return undefined
  return { scope: prefix === SCOPE_PREFIX.agent ? 'agent' : 'multiAgent', scopeId }
}

/** Whether an item makes others visible: a head, or an immutable snapshot. Without them what is left reads as absent. */
export function isEntryPoint(sk: string): boolean {
  return sk.endsWith('#msg#head') || /^[^#]+#[^#]+#snapshot#/.test(sk)
}

/** Key of the session item. */
export function sessionKey(sessionId: string, tenantId?: string): ItemKey {
  return { pk: partitionKeyOf(sessionId, tenantId), sk: SESSION_SORT_KEY }
}

function tenantPrefix(tenantId?: string): string {
  return tenantId === undefined ? '' : tenantPrefixOf(checkId('tenantId', tenantId))
}

function checkKeySize(field: string, id: unknown, key: string, limit: number): void {
  if (Buffer.byteLength(key) > limit) {
    throw new InvalidOptionError(field, id, `expected ids that fit a key of ${limit} bytes once escaped`)
  }
}
