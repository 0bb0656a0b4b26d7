/** Chunks in the table: they are written before what refers to them, and deleted once nothing does. */

import type { Item, ValuePlace } from './attributes.ts'
import { joinChunks, referencesIn } from './chunks.ts'
import { mapConcurrently } from './concurrency.ts'
import { isUpTo } from './conditions.ts'
import { SessionCorruptedError } from './errors.ts'
import { chunkFrame, parseChunk } from './items.ts'
import type { ItemKey } from './keys.ts'
import type { SessionTable } from './table.ts'
import { bySortKey, type ValueStore } from './values.ts'

/** Chunks that are written, read or deleted at once. */
const CONCURRENCY = 8

/** What is stored of some chunks, by their digests. */
export type StoredChunks = ReadonlyMap<string, ValuePlace>

/** A text that may refer to chunks, and the item that holds it. */
export interface OwnedText {
  readonly owner: ItemKey
  readonly text: string
}

/** Where the chunks of one kind are, in one life of a session: the life is part of the key, so none can meet another's. */
export class ChunkSpace {
  readonly #table: SessionTable
  readonly #values: ValueStore
  readonly #keyOf: (digest: string) => ItemKey

  constructor(table: SessionTable, values: ValueStore, keyOf: (digest: string) => ItemKey) {
    this.#table = table
    this.#values = values
    this.#keyOf = keyOf
  }

  /**
   * Writes chunks.
   *
   * @param version - Version of what is going to refer to them: whoever found them unused before does not delete them.
   */
  async write(chunks: Iterable<readonly [digest: string, text: string]>, version: number): Promise<StoredChunks> {
    const places = await mapConcurrently([...chunks], CONCURRENCY, async ([digest, text]) => {
      const { item, place } = await this.#values.prepare(chunkFrame(this.#keyOf(digest), version), text)
      await this.#table.put(item)
      return [digest, place] as const
    })
    return new Map(places)
  }

  /**
   * Deletes chunks that were last written for a version up to this one. An object goes before the item that names it, since
   * nobody would find it after a crash, and only when the item says that it is not in use again.
   */
  async drop(chunks: Iterable<readonly [digest: string, place: ValuePlace]>, version: number): Promise<void> {
    await mapConcurrently([...chunks], CONCURRENCY, async ([digest, place]) => {
      const key = this.#keyOf(digest)
      const { object, ...inTable } = place
      if (object !== undefined) {
        const item = await this.#table.get(key, true)
        if (item === undefined || parseChunk(item).version > version) return
        await this.#values.discardObjects([object.name])
      }
      const outcome = await this.#table.delete(key, isUpTo(version))
      if (outcome.written) await this.#values.discard(key, inTable)
    })
  }

  /**
   * Reads the chunks that texts refer to, each once, and puts the texts together.
   *
   * @param known - Items that a query has brought along, by sort key: they are not read again.
   * @returns The whole texts, in order, and every chunk that they refer to.
   * @throws {@link SessionCorruptedError} naming a chunk that is missing or changed.
   */
  async join(
    owned: readonly OwnedText[],
    known: ReadonlyMap<string, Item> = new Map(),
  ): Promise<{ texts: readonly string[]; chunks: StoredChunks }> {
    const texts = new Map<string, string>()
    const chunks = new Map<string, ValuePlace>()
    // A chunk names others by what they hold, so that none can lead back to itself: each round finds new ones or ends.
    let open = owned
    while (open.length > 0) {
      const wanted = new Map(open.flatMap(({ owner, text }) => referencesIn(text).map((digest) => [digest, owner])))
      for (const digest of texts.keys()) wanted.delete(digest)
      const items = await this.#read([...wanted.keys()], known)
      open = await mapConcurrently([...wanted], CONCURRENCY, async ([digest, namedBy]) => {
        const owner = this.#keyOf(digest)
        const item = items.get(owner.sk)
        if (item === undefined) throw new SessionCorruptedError(owner, `is missing, but '${namedBy.sk}' names it`)
        const { value } = parseChunk(item)
        if (value.digest !== digest) throw new SessionCorruptedError(owner, 'holds another text than its key says')
        const text = await this.#values.readText(owner, value, known)
        texts.set(digest, text)
        chunks.set(digest, value)
        return { owner, text }
      })
    }
    return { texts: owned.map(({ text }) => joinChunks(text, (digest) => texts.get(digest) ?? '')), chunks }
  }

  async #read(digests: readonly string[], known: ReadonlyMap<string, Item>): Promise<ReadonlyMap<string, Item>> {
    const missing = (items: ReadonlyMap<string, Item>): ItemKey[] =>
      digests.map(this.#keyOf).filter(({ sk }) => !items.has(sk))
    const unread = missing(known)
    if (unread.length === 0) return known
    const items = new Map([...known, ...bySortKey(await this.#table.getAll(unread))])
    // An eventual read may have found what refers to a chunk, and not the chunk yet.
    const late = missing(items)
    if (late.length === 0) return items
    return new Map([...items, ...bySortKey(await this.#table.getAll(late, { consistent: true }))])
  }
}
