/** JSON text to what items hold, and back: encoding, digest, and slices of what does not fit one item. Pure. */

import { createHash } from 'node:crypto'

/** How a stored value was encoded. Each item names its own; readers obey the item, never the configuration. */
export type Encoding = 'json'

/**
 * Longest value that is stored in its item, in bytes. DynamoDB's limit for an item is 400 KB (409,600 bytes) with its
 * keys and attribute names; what is left is more than they can take.
 */
export const INLINE_LIMIT = 390_000

/** A value ready to be stored. */
export interface EncodedValue {
  readonly encoding: Encoding
  /** Digest of the text: see {@link digestOf}. */
  readonly digest: string
  /** The whole value, when it fits its item. */
  readonly inline?: string
  /** The slices, in order, when it does not. */
  readonly parts: readonly Uint8Array[]
}

/** Identifies a text by its content: the first 120 bits of its SHA-256, as 20 characters of base64url. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 20)
}

/** Encodes a JSON text. */
export function encode(text: string): EncodedValue {
  const digest = digestOf(text)
  if (Buffer.byteLength(text) <= INLINE_LIMIT) return { encoding: 'json', digest, inline: text, parts: [] }
  return { encoding: 'json', digest, parts: slice(Buffer.from(text), INLINE_LIMIT) }
}

/**
 * Joins the slices of a value.
 *
 * @returns The text, or undefined when it is not the one that was stored.
 */
export function join(parts: readonly Uint8Array[], digest: string): string | undefined {
  const text = Buffer.concat(parts).toString('utf8')
  return digestOf(text) === digest ? text : undefined
}

function slice(bytes: Uint8Array, size: number): Uint8Array[] {
  const slices: Uint8Array[] = []
  for (let start = 0; start < bytes.byteLength; start += size) slices.push(bytes.subarray(start, start + size))
  return slices
}
