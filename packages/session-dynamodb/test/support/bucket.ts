/** A bucket in memory, behind a client like the AWS SDK's own. */

import type { ObjectClient } from 'strands-session-dynamodb'
import type { StoredItem } from './stored-items.ts'

/** An object and when it was written. */
interface ObjectInMemory {
  readonly bytes: Uint8Array
  readonly writtenAt: Date
}

/** What the library sends: a command of `@aws-sdk/client-s3`. */
interface ObjectCommand {
  readonly constructor: { readonly name: string }
  readonly input: {
    readonly Bucket: string
    readonly Key?: string
    readonly Prefix?: string
    readonly Body?: Uint8Array
    readonly ContinuationToken?: string
    readonly Delete?: { readonly Objects: readonly { readonly Key: string }[] }
  }
}

/** Objects that a page lists: few, so that tests meet several pages. */
const PAGE_SIZE = 2

/** The objects of one bucket, and the clients of the processes that use it. */
export class MemoryBucket {
  readonly name = 'values'
  readonly objects = new Map<string, ObjectInMemory>()
  /** Requests so far, such as `PutObject`. */
  readonly requests: string[] = []

  /**
   * A client for this bucket.
   *
   * @param around - Called for each request; it decides what becomes of it.
   */
  client(around = (_name: string, send: () => Promise<object>): Promise<object> => send()): ObjectClient {
    return {
      config: {},
      send: async (command: ObjectCommand): Promise<object> => {
        const name = command.constructor.name.replace(/Command$/, '')
        this.requests.push(name)
        return around(name, async () => this.#answer(name, command.input))
      },
    }
  }

  /** Items with their offloaded values as if these were in the table, and the objects that no item names. */
  resolve(items: readonly StoredItem[]): StoredItem[] {
    const named = new Set(items.map(({ object }) => object))
    const stray = [...this.objects].filter(([name]) => !named.has(name))
    return [
      ...items.map((item) => {
        const found = this.objects.get(String(item['object']))
        return found === undefined ? item : { ...item, data: found.bytes }
      }),
      ...stray.map(([name, { bytes }]) => ({ pk: 'object', sk: name, data: bytes })),
    ]
  }

  #answer(
    name: string,
    { Bucket, Key = '', Prefix = '', Body, ContinuationToken, Delete }: ObjectCommand['input'],
  ): object {
    if (Bucket !== this.name) throw named('NoSuchBucket')
    if (name === 'PutObject') this.objects.set(Key, { bytes: Uint8Array.from(Body ?? []), writtenAt: new Date() })
    for (const each of Delete?.Objects ?? []) this.objects.delete(each.Key)
    if (name === 'GetObject') {
      const found = this.objects.get(Key)
      if (found === undefined) throw named('NoSuchKey')
      return { Body: { transformToByteArray: async () => found.bytes } }
    }
    if (name !== 'ListObjectsV2') return {}
    const names = [...this.objects.keys()].sort().filter((each) => each.startsWith(Prefix))
    const page = names.filter((each) => each > (ContinuationToken ?? '')).slice(0, PAGE_SIZE)
    const isLast = page.at(-1) === names.at(-1)
    const Contents = page.map((each) => ({ Key: each, LastModified: this.objects.get(each)?.writtenAt }))
    return { Contents, ...(isLast ? {} : { NextContinuationToken: page.at(-1) }) }
  }
}

/** An error of S3, as the AWS SDK throws it. */
export function named(name: string): Error {
  return Object.assign(new Error(`${name} (injected)`), { name })
}
