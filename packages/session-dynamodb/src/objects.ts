/** The objects that hold offloaded values: the only caller of Amazon S3. */

import type { S3Client } from '@aws-sdk/client-s3'
import { objectMissing, translateObjectError } from './aws-errors.ts'
import { digestOf } from './codec.ts'
import { chunksOf } from './concurrency.ts'
import { InvalidOptionError } from './errors.ts'
import type { ItemKey } from './keys.ts'
import { type RequestOptions, Requests, type Translation } from './requests.ts'
import { objectPrefixOf } from './schema.ts'

/** Most objects that one `DeleteObjects` takes: S3's limit. */
const DELETE_LIMIT = 1000

/** Longest name of an object, in bytes: S3's limit. */
const MAX_NAME_BYTES = 1024

/** Longest sort key that stands in an object's name as it is; a digest stands for a longer one. In bytes. */
const MAX_OWNER_BYTES = 256

/** What becomes of the option `offload`. */
export interface ObjectStoreOptions {
  readonly bucket: string
  readonly prefix: string
  /** An `S3Client`, or something like it. */
  readonly client: object | undefined
  readonly thresholdBytes: number
}

type S3 = typeof import('@aws-sdk/client-s3')

let sharedClient: S3Client | undefined

/** The objects of one table's sessions. */
export class ObjectStore {
  /** Values that are larger than that, encoded, are offloaded. In bytes. */
  readonly thresholdBytes: number
  readonly #options: ObjectStoreOptions
  readonly #tableName: string
  readonly #requests: Requests

  constructor(options: ObjectStoreOptions, requests: RequestOptions) {
    this.thresholdBytes = options.thresholdBytes
    this.#options = options
    this.#tableName = requests.tableName
    const translate: Translation = (error, operation) => translateObjectError(error, operation, options.bucket)
    this.#requests = new Requests(requests, translate)
  }

  /** How often requests had to be sent again. */
  get retryCount(): number {
    return this.#requests.retryCount
  }

  /**
   * Name of the object for a value of an item. Its digest is part of the name: an object is never overwritten with
   * anything else.
   *
   * @returns undefined when the ids in the key are too long for a name.
   */
  nameOf(owner: ItemKey, digest: string): string | undefined {
    const sk = encodeURIComponent(owner.sk)
    const name = `${this.#prefixOf(owner.pk)}${sk.length > MAX_OWNER_BYTES ? digestOf(owner.sk) : sk}/${digest}`
    return Buffer.byteLength(name) > MAX_NAME_BYTES ? undefined : name
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    const { s3, client } = await this.#connect()
    const input = { ...this.#bucket, Key: name, Body: bytes }
    await this.#requests.send('PutObject', (limits) => client.send(new s3.PutObjectCommand(input), limits))
  }

  /** @returns undefined when there is no such object. */
  async get(name: string): Promise<Uint8Array | undefined> {
    const { s3, client } = await this.#connect()
    const input = { ...this.#bucket, Key: name }
    const { bytes } = await this.#requests.send('GetObject', async (limits) => {
      const found = await client.send(new s3.GetObjectCommand(input), limits).catch(objectMissing)
      return { bytes: await found?.Body?.transformToByteArray() }
    })
    return bytes
  }

  /** Deletes objects; those that do not exist are no error. */
  async delete(names: readonly string[]): Promise<void> {
    if (names.length === 0) return
    const { s3, client } = await this.#connect()
    for (const some of chunksOf(names, DELETE_LIMIT)) {
      const input = { ...this.#bucket, Delete: { Objects: some.map((Key) => ({ Key })), Quiet: true } }
      await this.#requests.send('DeleteObjects', async (limits) => {
        const output = await client.send(new s3.DeleteObjectsCommand(input), limits)
        const [failure] = output.Errors ?? []
        if (failure === undefined) return output
        throw Object.assign(new Error(failure.Message), { name: failure.Code })
      })
    }
  }

  /**
   * Deletes every object of a session.
   *
   * @param before - Leave alone what was not written before then.
   * @returns How many there were.
   */
  async deleteAll(partitionKey: string, before?: Date): Promise<number> {
    const { s3, client } = await this.#connect()
    const range = { ...this.#bucket, Prefix: this.#prefixOf(partitionKey) }
    let count = 0
    let ContinuationToken: string | undefined
    do {
      const input = { ...range, ...(ContinuationToken === undefined ? {} : { ContinuationToken }) }
      const page = await this.#requests.send('ListObjectsV2', (limits) =>
        client.send(new s3.ListObjectsV2Command(input), limits),
      )
      const names = (page.Contents ?? []).flatMap(({ Key, LastModified }) => {
        const isKept = before !== undefined && (LastModified === undefined || LastModified >= before)
        return Key === undefined || isKept ? [] : [Key]
      })
      await this.delete(names)
      count += names.length
      ContinuationToken = page.NextContinuationToken
    } while (ContinuationToken !== undefined)
    return count
  }

  get #bucket(): { Bucket: string } {
    return { Bucket: this.#options.bucket }
  }

  #prefixOf(partitionKey: string): string {
    return `${this.#options.prefix}${objectPrefixOf(this.#tableName, partitionKey)}`
  }

  /** The AWS SDK for S3 is loaded only when it is needed: it is an optional peer. */
  async #connect(): Promise<{ s3: S3; client: S3Client }> {
    const { client } = this.#options
    const s3 = await import('@aws-sdk/client-s3').catch((cause: unknown) => {
      const expectation = "expected the package '@aws-sdk/client-s3' to be installed beside strands-session-dynamodb"
      throw new InvalidOptionError('offload', this.#options, expectation, { cause })
    })
    if (client !== undefined) return { s3, client: client as S3Client }
    sharedClient ??= new s3.S3Client({})
    return { s3, client: sharedClient }
  }
}
