/** The latest state: an item and the chunks that it refers to, of which a save writes and deletes what has changed. */

import { type Item, keyOf, type ValuePlace } from './attributes.ts'
import { ChunkSpace, type StoredChunks } from './chunk-space.ts'
import type { Rope } from './chunks.ts'
import { digestOf } from './codec.ts'
import { SessionConflictError, SessionCorruptedError } from './errors.ts'
import { parseChunk, type State } from './items.ts'
import { chunkOf } from './keys.ts'
import { isAlive, type NewState, putState } from './log-writer.ts'
import type { Pen } from './pen.ts'
import type { ScopeStore } from './shared-chunks.ts'
import type { WriteOutcome } from './table.ts'

/** The state as it is stored. */
export interface KnownState {
  /** Digest of its JSON. */
  readonly digest: string
  readonly place: ValuePlace
  readonly chunks: StoredChunks
}

/** A chunk that a crash has left: the state does not refer to it. */
export interface StrayChunk {
  readonly incarnation: string
  readonly digest: string
  readonly place: ValuePlace
  /** Up to which version it may be deleted. */
  readonly version: number
}

/**
 * Reads the state's text.
 *
 * @param items - What a query has brought along, by sort key.
 * @throws {@link SessionCorruptedError} naming a chunk that is missing or changed.
 */
export async function readState(
  store: ScopeStore,
  incarnation: string,
  { digest, value }: State,
  items: ReadonlyMap<string, Item>,
): Promise<{ text: string; known: KnownState }> {
  const owner = store.keys.state()
  const rope = await store.values.readText(owner, value, items)
  const { texts, chunks } = await spaceOf(store, incarnation).join([{ owner, text: rope }], items)
  const [text = ''] = texts
  if (digestOf(text) !== digest) throw new SessionCorruptedError(owner, 'is put together to another state')
  return { text, known: { digest, place: value, chunks } }
}

/**
 * Writes the first state with what else makes a scope exist.
 *
 * @param create - Writes the items, all or nothing. Without a state there is only the rest.
 */
export async function createState(
  pen: Pen,
  state: NewState | undefined,
  create: () => Promise<WriteOutcome & { readonly place?: ValuePlace | undefined }>,
): Promise<{ outcome: WriteOutcome; state: KnownState | undefined }> {
  const chunks = state && (await writeChunks(pen, state))
  const outcome = await create()
  // A session that is being deleted must not keep them. Nobody else has begun this life of it.
  if (!outcome.written && chunks !== undefined) await takeBackChunks(pen, chunks)
  const { place } = outcome
  return { outcome, state: state && chunks && place && { digest: state.facts.digest, place, chunks } }
}

/**
 * Writes the state over the version that is known: first chunks that are new, then the item, and then nothing refers to
 * what has been dropped.
 *
 * @throws {@link SessionConflictError} when there is another version.
 */
export async function saveState(pen: Pen, old: KnownState | undefined, state: NewState): Promise<KnownState> {
  const { digest, version } = state.facts
  const [space, before] = [spaceOf(pen, pen.incarnation), old?.chunks ?? new Map<string, ValuePlace>()]
  const written = await writeChunks(pen, state, before)
  const place = await putState(pen, state).catch(async (error: unknown) => {
    if (error instanceof SessionConflictError && !(await isAlive(pen))) await takeBackChunks(pen, written)
    throw error
  })
  const known = { digest, place, chunks: chunksOf(state, before, written) }
  const dropped = [...before].filter(([each]) => !state.chunks.has(each))
  await space.drop(dropped, version - 1)
  if (old !== undefined && old.place.digest !== place.digest) await pen.values.discard(pen.keys.state(), old.place)
  return known
}

/**
 * Chunks among items that the state does not refer to: a crash or a late writer has left them. Those of the next version
 * are left alone, since it may be about to be written.
 */
export function strayChunks(
  incarnation: string,
  version: number,
  chunks: StoredChunks | undefined,
  items: ReadonlyMap<string, Item>,
): StrayChunk[] {
  return [...items.values()].flatMap((item) => {
    const chunk = chunkOf(keyOf(item).sk)
    if (chunk === undefined || !chunk.ofState || chunk.incarnation > incarnation) return []
    const isOld = chunk.incarnation < incarnation
    if (!isOld && chunks?.has(chunk.digest)) return []
    try {
      const found = parseChunk(item)
      if (!isOld && found.version > version) return []
      return [{ ...chunk, place: found.value, version: isOld ? Number.MAX_SAFE_INTEGER : version }]
    } catch {
      // One that cannot be read is nobody's loss.
      return []
    }
  })
}

/** Deletes chunks that a crash has left. One that is in use again has a later version by now. */
export async function deleteStrayChunks(store: ScopeStore, strays: readonly StrayChunk[]): Promise<void> {
  for (const { incarnation, digest, place: at, version } of strays) {
    await spaceOf(store, incarnation).drop([[digest, at]], version)
  }
}

/** Writes chunks of a state that the one before does not have. */
async function writeChunks(pen: Pen, state: NewState, before: StoredChunks = new Map()): Promise<StoredChunks> {
  const missing = [...state.chunks].filter(([digest]) => !before.has(digest))
  return spaceOf(pen, pen.incarnation).write(missing, state.facts.version)
}

/** Deletes chunks that were written for a state which the session does not take any more. */
async function takeBackChunks(pen: Pen, chunks: StoredChunks): Promise<void> {
  await spaceOf(pen, pen.incarnation).drop(chunks, Number.MAX_SAFE_INTEGER)
}

function spaceOf({ table, values, keys }: ScopeStore, incarnation: string): ChunkSpace {
  return new ChunkSpace(table, values, (digest) => keys.stateChunk(incarnation, digest))
}

function chunksOf({ chunks }: Rope, ...stored: readonly StoredChunks[]): StoredChunks {
  const all = new Map(stored.flatMap((each) => [...each]))
  return new Map([...all].filter(([digest]) => chunks.has(digest)))
}
