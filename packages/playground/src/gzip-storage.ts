/** Compresses what another byte storage keeps. */

import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import type { Storage } from '@strands-agents/sdk'

const compress = promisify(gzip)
const decompress = promisify(gunzip)

/** Stores each value gzipped, at zlib's default level. */
export class GzipStorage implements Storage {
  readonly #storage: Storage

  constructor(storage: Storage) {
    this.#storage = storage
  }

  async write(key: string, data: Uint8Array): Promise<void> {
    await this.#storage.write(key, await compress(data))
  }

  async read(key: string): Promise<Uint8Array | null> {
    const data = await this.#storage.read(key)
    return data === null ? null : decompress(data)
  }

  delete(key: string): Promise<void> {
    return this.#storage.delete(key)
  }

  list(prefix: string): Promise<string[]> {
    return this.#storage.list(prefix)
  }
}
