/** What DynamoDB asks for on demand. Pure. */

import type { Prices } from './facts.ts'

/** Prices in us-east-1 since November 2024, standard table class: https://aws.amazon.com/dynamodb/pricing/on-demand/ */
export const DEFAULT_PRICES: Prices = { write: 0.625, read: 0.125, storage: 0.25 }

/** What the service adds to each item when it charges for storage, in bytes; stated in its developer guide. */
const BYTES_PER_ITEM = 100
const BYTES_PER_GIGABYTE = 2 ** 30
const TURNS = 1_000_000

/** A session at its end. */
export interface SessionCost {
  readonly turns: number
  /** Means of its turns. */
  readonly mean: { readonly writeUnits: number; readonly readUnits: number }
  readonly storedBytes: number
  readonly storedItems: number
}

/** US dollars for a million turns in sessions like this one, each of which is kept for a month. */
export function monthlyPrice({ turns, mean, storedBytes, storedItems }: SessionCost, prices: Prices): number {
  const gigabytes = ((storedBytes + BYTES_PER_ITEM * storedItems) * (TURNS / turns)) / BYTES_PER_GIGABYTE
  // A price is for a million units, and these are the units of one turn in a million.
  return mean.writeUnits * prices.write + mean.readUnits * prices.read + gigabytes * prices.storage
}
