/** Tries codecs on samples: what they save, and what they cost. */

import {
  brotliCompressSync,
  brotliDecompressSync,
  constants,
  deflateRawSync,
  gunzipSync,
  gzipSync,
  inflateRawSync,
  zstdCompressSync,
  zstdDecompressSync,
} from 'node:zlib'
import type { Samples } from './samples.ts'

/** A way to make a message smaller. */
interface Codec {
  readonly name: string
  readonly pack: (bytes: Buffer) => Buffer
  readonly unpack: (bytes: Buffer) => Buffer
  /** Longest text to try it on, in bytes: a second for one message is no choice. */
  readonly longest: number
}

/** What one codec made of one kind of messages, on average. */
export interface CodecFacts {
  readonly sample: string
  readonly codec: string
  /** Bytes of a message as JSON. */
  readonly bytes: number
  /** What is left of it. */
  readonly ratio: number
  /** Write capacity units of its item, where only what saves one is compressed. */
  readonly writeUnits: number
  readonly packMs: number
  readonly unpackMs: number
}

/** Bytes of a message's item beside its JSON: keys, attributes, checksum. */
const ITEM_OVERHEAD = 230
/** Bytes more of an item that is compressed: its digest. */
const DIGEST = 26
const WRITE_UNIT = 1024
/** Milliseconds for which each codec is run on each kind of messages. */
const BUDGET_MS = 150

/** What the messages of agents have in common. */
const DICTIONARY = Buffer.from(
  '"metadata":{"usage":{"inputTokens":,"outputTokens":,"totalTokens":},"metrics":{"latencyMs":}},"trackingId":"' +
    '{"role":"assistant","content":[{"toolUse":{"name":"search","toolUseId":"tooluse_","input":{"query":"' +
    '{"role":"user","content":[{"toolResult":{"toolUseId":"tooluse_","status":"success","content":[{"text":"',
)

const CODECS: readonly Codec[] = [
  { name: 'none', pack: (bytes) => bytes, unpack: (bytes) => bytes, longest: Number.POSITIVE_INFINITY },
  { name: 'gzip 6', pack: (bytes) => gzipSync(bytes), unpack: gunzipSync, longest: Number.POSITIVE_INFINITY },
  {
    name: 'deflate 6, dictionary',
    pack: (bytes) => deflateRawSync(bytes, { dictionary: DICTIONARY }),
    unpack: (bytes) => inflateRawSync(bytes, { dictionary: DICTIONARY }),
    longest: Number.POSITIVE_INFINITY,
  },
  ...[1, 5, 9, 11].map((quality) => ({
    name: `brotli ${quality}`,
    pack: (bytes: Buffer): Buffer =>
      brotliCompressSync(bytes, {
        params: {
          [constants.BROTLI_PARAM_QUALITY]: quality,
          [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
          [constants.BROTLI_PARAM_SIZE_HINT]: bytes.byteLength,
        },
      }),
    unpack: brotliDecompressSync,
    longest: quality > 5 ? 50_000 : Number.POSITIVE_INFINITY,
  })),
  // Node.js has it from 22.15 on.
  ...(typeof zstdCompressSync === 'function' ? [1, 9, 19] : []).map((level) => ({
    name: `zstd ${level}`,
    pack: (bytes: Buffer): Buffer =>
      zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: level } }),
    unpack: zstdDecompressSync,
    longest: level > 9 ? 50_000 : Number.POSITIVE_INFINITY,
  })),
]

/** Tries every codec that is quick enough on some messages. */
export function measureCodecs({ name, texts }: Samples): CodecFacts[] {
  const messages = texts.map((text) => Buffer.from(text))
  const bytes = mean(messages.map((message) => message.byteLength))
  return CODECS.filter(({ longest }) => bytes <= longest).map(({ name: codec, pack, unpack }) => {
    const packed = messages.map(pack)
    if (packed.some((each, index) => !unpack(each).equals(messages[index] ?? Buffer.alloc(0)))) {
      throw new Error(`${codec} loses something of '${name}'`)
    }
    const units = packed.map((each, index) =>
      Math.min(unitsOf(messages[index]?.byteLength ?? 0), unitsOf(each.byteLength + DIGEST)),
    )
    return {
      sample: name,
      codec,
      bytes,
      ratio: mean(packed.map((each) => each.byteLength)) / bytes,
      writeUnits: mean(units),
      packMs: timeOf(messages, pack),
      unpackMs: timeOf(packed, unpack),
    }
  })
}

function unitsOf(bytes: number): number {
  return Math.ceil((bytes + ITEM_OVERHEAD) / WRITE_UNIT)
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Milliseconds for one message: the quickest of several rounds, because others use this machine too. */
function timeOf(messages: readonly Buffer[], run: (bytes: Buffer) => Buffer): number {
  const begun = performance.now()
  let quickest = Number.POSITIVE_INFINITY
  do {
    const started = performance.now()
    for (const message of messages) run(message)
    quickest = Math.min(quickest, performance.now() - started)
  } while (performance.now() - begun < BUDGET_MS)
  return quickest / messages.length
}
