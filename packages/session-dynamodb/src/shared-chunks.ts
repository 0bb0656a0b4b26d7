/**
 * The chunks that the rows and the immutable snapshots of one scope share: the same image is stored once.
 *
 * Only a redaction deletes them, after it has written the head. So whoever refers to a chunk looks at the head afterwards:
 * while its version is the one that was known, the redaction sees the reference and keeps the chunk; otherwise the chunk is
 * written again, for the version that was found, and the redaction leaves it alone.
 */

import type { Item, StoredValue } from './attributes.ts'
import { ChunkSpace, type OwnedText, type StoredChunks } from './chunk-space.ts'
import { parseHead } from './items.ts'
import type { ItemKey, ScopeKeys } from './keys.ts'
import type { SessionTable } from './table.ts'
import type { ValueStore } from './values.ts'

/** Where the items of one agent or orchestrator are. */
export interface ScopeStore {
  readonly table: SessionTable
  readonly values: ValueStore
  readonly keys: ScopeKeys
  readonly shared: SharedChunks
}

/** A scope's items, with nothing known of its shared chunks. */
export function openScope(place: Omit<ScopeStore, 'shared'>): ScopeStore {
  return { ...place, shared: new SharedChunks(place) }
}

/** The shared chunks of one scope, as one writer knows them. */
export class SharedChunks {
  readonly #options: Omit<ScopeStore, 'shared'>
  /** Chunks of {@link #incarnation} that were stored when they were last read or written. */
  #known = new Set<string>()
  #incarnation = ''
  /** Chunks written since {@link confirm} was last called. */
  readonly #unconfirmed = new Map<string, StoredChunks>()

  constructor(options: Omit<ScopeStore, 'shared'>) {
    this.#options = options
  }

  /** Reads what texts refer to, and puts them together. See {@link ChunkSpace.join}. */
  async join(
    incarnation: string,
    owned: readonly OwnedText[],
    items?: ReadonlyMap<string, Item>,
  ): Promise<readonly string[]> {
    const { texts, chunks } = await this.spaceOf(incarnation).join(owned, items)
    this.#note(incarnation, chunks.keys())
    return texts
  }

  /** Reads a value, and what its text refers to. */
  async read(
    incarnation: string,
    owner: ItemKey,
    value: StoredValue,
    items?: ReadonlyMap<string, Item>,
  ): Promise<string> {
    const text = await this.#options.values.readText(owner, value, items)
    const [joined = ''] = await this.join(incarnation, [{ owner, text }], items)
    return joined
  }

  /**
   * Writes chunks that are not known to be stored, runs a task that writes what refers to them, and makes sure that they
   * are still there afterwards.
   *
   * @param head - The head's incarnation and version, as they are known.
   */
  async keep<T>(
    head: { readonly incarnation: string; readonly headVersion: number },
    chunks: ReadonlyMap<string, string>,
    task: () => Promise<T>,
  ): Promise<T> {
    if (chunks.size === 0) return task()
    const { incarnation, headVersion: version } = head
    if (incarnation !== this.#incarnation) this.forget()
    const isKnown = [...chunks.keys()].some((digest) => this.#known.has(digest))
    if (isKnown && (await this.#headVersion()) !== version) this.forget()
    const missing = [...chunks].filter(([digest]) => !this.#known.has(digest))
    await this.#write(incarnation, missing, version)
    const result = await task()
    const found = await this.#headVersion()
    if (found !== undefined && found !== version) await this.#write(incarnation, chunks, found)
    return result
  }

  /** Takes note that the session still exists: what has been written is part of it. */
  confirm(): void {
    this.#unconfirmed.clear()
  }

  /** Deletes what was written since, because the session was deleted. */
  async takeBack(): Promise<void> {
    for (const [incarnation, chunks] of this.#unconfirmed) {
      await this.spaceOf(incarnation).drop(chunks, Number.MAX_SAFE_INTEGER)
    }
    this.confirm()
  }

  /** Forgets which chunks are stored. */
  forget(): void {
    this.#known = new Set()
  }

  spaceOf(incarnation: string): ChunkSpace {
    const { table, values, keys } = this.#options
    return new ChunkSpace(table, values, (digest) => keys.chunk(incarnation, digest))
  }

  async #write(incarnation: string, chunks: Iterable<readonly [string, string]>, version: number): Promise<void> {
    const written = await this.spaceOf(incarnation).write(chunks, version)
    this.#unconfirmed.set(incarnation, new Map([...(this.#unconfirmed.get(incarnation) ?? []), ...written]))
    this.#note(incarnation, written.keys())
  }

  #note(incarnation: string, digests: Iterable<string>): void {
    if (incarnation !== this.#incarnation) this.forget()
    this.#incarnation = incarnation
    for (const digest of digests) this.#known.add(digest)
  }

  async #headVersion(): Promise<number | undefined> {
    const item = await this.#options.table.get(this.#options.keys.head(), true)
    return item && parseHead(item).version
  }
}
