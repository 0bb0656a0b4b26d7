/** `npm run bench:codecs`: what compression saves on messages of several kinds, and what it costs. */

import { measureCodecs } from './codecs/measure.ts'
import { readSamples } from './codecs/samples.ts'
import { alignRows, paintFor } from './format.ts'
import { parseOptions, runCommand } from './options.ts'

const USAGE = `Usage: npm run bench:codecs -- [options]

Compresses messages of several kinds with gzip, Brotli and Zstandard, and shows the write capacity units of their items.

  --json          print the facts as JSON
  --help          print this text`

await runCommand(USAGE, async () => {
  const options = parseOptions(process.argv.slice(2), {
    json: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  })
  if (options.help) {
    console.log(USAGE)
    return
  }
  const facts = readSamples().flatMap((samples) => {
    process.stderr.write(`${samples.name} …\n`)
    return measureCodecs(samples)
  })
  if (options.json) {
    console.log(JSON.stringify({ node: process.version, codecs: facts }, null, 2))
    return
  }
  const rows = facts.map(({ sample, codec, bytes, ratio, writeUnits, packMs, unpackMs }) => [
    ...[sample, codec, Math.round(bytes), `${Math.round(100 * ratio)} %`, writeUnits.toFixed(2)],
    ...[packMs.toFixed(3), unpackMs.toFixed(3)],
  ])
  const [head = '', ...lines] = alignRows([
    ['messages', 'codec', 'bytes', 'left', 'WCU', 'pack ms', 'unpack ms'],
    ...rows,
  ])
  console.log([paintFor(process.stdout).dim(head), ...lines].join('\n'))
})
