/** A value's text to bytes and back: digest, compression, and slices of what does not fit one item. Pure. */

import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import {
  type BrotliOptions,
  brotliCompress,
  brotliCompressSync,
  brotliDecompress,
  brotliDecompressSync,
  constants,
} from 'node:zlib'

/**
 * How a stored value was encoded: its JSON text as it is, or compressed with Brotli (RFC 7932). Each item names its own;
 * readers obey the item, never the configuration.
 */
export type Encoding = (typeof ENCODINGS)[number]

/** All encodings that this release reads. */
export const ENCODINGS = ['json', 'br'] as const

/**
 * Longest value that is stored in its item, in bytes. DynamoDB's limit for an item is 400 KB (409,600 bytes) with its
 * keys and attribute names; what is left is more than they can take.
 */
export const INLINE_LIMIT = 390_000

/** Longest text that is stored at all, in bytes: several copies of it must fit the memory of a small Lambda function. */
export const VALUE_LIMIT = 64 * 2 ** 20

/** A text ready to be stored. */
export interface EncodedText {
  readonly encoding: Encoding
  /** Digest of the text, not of what it was compressed to: see {@link digestOf}. */
  readonly digest: string
  /** The text, or what it was compressed to. */
  readonly data: string | Uint8Array
}

/** Brotli's quality for a text: five packs 3 KB in a quarter of a millisecond, and more is ten times slower for little. */
const QUALITY = 5
/** For what hardly gets smaller, such as images in base64: it takes off the same quarter in a sixth of the time. */
const QUALITY_FOR_MEDIA = 1
/** A sample that leaves more than this share is media. Base64 of random bytes leaves 0.75, source code 0.4. */
const MEDIA_RATIO = 0.68
/** What is longer than that, in bytes, is judged by samples of it, and worked on outside the main thread. */
const LONG = 64_000
const SAMPLES = 4
const SAMPLE_LENGTH = 4_000

/** Identifies a text by its content: the first 120 bits of its SHA-256, as 20 characters of base64url. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 20)
}

/** Compresses a text. */
export async function compress(text: string): Promise<Uint8Array> {
  const bytes = Buffer.from(text)
  if (bytes.byteLength <= LONG) return brotliCompressSync(bytes, optionsFor(bytes, QUALITY))
  const options = optionsFor(bytes, isMedia(bytes) ? QUALITY_FOR_MEDIA : QUALITY)
  return promisify<Buffer, BrotliOptions, Buffer>(brotliCompress)(bytes, options)
}

/**
 * Makes a text of what it was encoded to.
 *
 * @returns undefined when it is not the text that was stored.
 */
export async function decode({ encoding, data, digest }: EncodedText): Promise<string | undefined> {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data
  const text = encoding === 'br' ? await decompress(bytes) : textOf(bytes)
  return text !== undefined && digestOf(text) === digest ? text : undefined
}

async function decompress(bytes: Uint8Array): Promise<string | undefined> {
  const options = { maxOutputLength: VALUE_LIMIT }
  try {
    if (bytes.byteLength <= LONG) return textOf(brotliDecompressSync(bytes, options))
    return textOf(await promisify<Uint8Array, BrotliOptions, Buffer>(brotliDecompress)(bytes, options))
  } catch {
    // Whatever is wrong with the bytes, they are not those that were stored.
    return undefined
  }
}

function textOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString()
}

/** Cuts bytes into pieces of a size; the last one is what is left. */
export function slice(bytes: Uint8Array, size: number): Uint8Array[] {
  const count = Math.ceil(bytes.byteLength / size)
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * size, (index + 1) * size))
}

function isMedia(bytes: Uint8Array): boolean {
  const step = Math.floor(bytes.byteLength / SAMPLES)
  const starts = Array.from({ length: SAMPLES }, (_, index) => index * step + step / 2)
  const sample = Buffer.concat(starts.map((start) => bytes.subarray(start, start + SAMPLE_LENGTH)))
  return brotliCompressSync(sample, optionsFor(sample, QUALITY_FOR_MEDIA)).byteLength > sample.byteLength * MEDIA_RATIO
}

function optionsFor(bytes: Uint8Array, quality: number): BrotliOptions {
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_MODE, BROTLI_MODE_TEXT, BROTLI_PARAM_SIZE_HINT } = constants
  const params = {
    [BROTLI_PARAM_QUALITY]: quality,
    [BROTLI_PARAM_MODE]: BROTLI_MODE_TEXT,
    [BROTLI_PARAM_SIZE_HINT]: bytes.byteLength,
  }
  return { params }
}
