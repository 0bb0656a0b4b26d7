/** What an item weighs by DynamoDB's published rules, and what writing it costs. Pure. */

import type { Item } from './attributes.ts'

/** Bytes that one write capacity unit pays for. */
const WRITE_UNIT = 1024

/**
 * Size of an item: the names and values of its attributes, in bytes. Exact but for numbers, which DynamoDB itself
 * describes as approximate.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
export function itemSize(item: Item): number {
  return Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + valueSize(value), 0)
}

/** Write capacity units of an item of a size in bytes. */
export function writeUnits(size: number): number {
  return Math.ceil(size / WRITE_UNIT)
}

/** Our attributes are texts, bytes, numbers and truth values. */
function valueSize(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  if (value instanceof Uint8Array) return value.byteLength
  if (typeof value !== 'number') return 1
  // A byte for two significant digits, and one more.
  const digits = String(Math.abs(value))
    .replace('.', '')
    .replace(/^0+|0+$/g, '').length
  return Math.ceil(digits / 2) + 1
}
