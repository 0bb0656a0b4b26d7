import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cutMessage, cutState, joinChunks, type Rope, referencesIn } from './chunks.ts'
import { digestOf } from './codec.ts'

/** Values with texts and lists that are long enough to be cut, and with all that JSON can hold. */
const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  leaf: fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.jsonValue({ maxDepth: 1 }),
    fc.tuple(fc.string({ unit: 'grapheme', minLength: 1 }), fc.nat(4000)).map(([text, count]) => text.repeat(count)),
    fc.constantFrom('\\', '"', '\\"', '\n', '\ud800', '{[,'),
  ),
  list: fc.array(tie('value'), { maxLength: 40 }),
  map: fc.dictionary(fc.string(), tie('value'), { maxKeys: 20 }),
  value: fc.oneof({ maxDepth: 4, withCrossShrink: true }, tie('leaf'), tie('list'), tie('map')),
})).value

const cuts = [
  ['cutState', cutState],
  ['cutMessage', cutMessage],
] as const

describe.each(cuts)('%s', (_name, cut) => {
  test('is undone by joining the chunks', () => {
    fc.assert(
      fc.property(value, (each) => {
        const text = JSON.stringify(each)
        const rope = cut(text)
        expect(join(rope)).toBe(text)
        expect(reachable(rope)).toEqual(new Set(rope.chunks.keys()))
      }),
    )
  })

  test('leaves a short text whole, however it is built', () => {
    const text = JSON.stringify(Array.from({ length: 300 }, (_, index) => ({ index })))
    expect(cut(text.slice(0, 4000))).toEqual({ text: text.slice(0, 4000), chunks: new Map() })
  })
})

describe('cutState', () => {
  test('names each chunk by its digest', () => {
    const { chunks } = cutState(JSON.stringify(texts(30)))
    for (const [digest, text] of chunks) expect(digest).toBe(digestOf(text))
  })

  const growing = [
    ['texts', texts, 3100],
    ['results', (count: number) => texts(count).map((text) => ({ content: [{ text }], status: 'done' })), 3200],
    ['small entries', (count: number) => Array.from({ length: count }, (_, index) => ({ index, done: true })), 50],
    [
      'stashed blocks',
      (count: number) => Object.fromEntries(texts(count).map((text, n) => [`ref_${n}`, { text }])),
      3200,
    ],
  ] as const

  test.each(growing)(
    'a list of %s that grows leaves every chunk as it is, and costs what was added',
    (_name, of, size) => {
      let before = stored(cutState(stateWith(of(10))))
      for (let count = 11; count < 300; count++) {
        const text = stateWith(of(count))
        const rope = cutState(text)
        const after = stored(rope)
        // An object becomes a list once it has several entries; from then on nothing is thrown away.
        for (const digest of before.keys()) expect(after.has(digest), `${count}`).toBe(true)
        const added = [...after].filter(([digest]) => !before.has(digest))
        const bytes = added.reduce((sum, [, chunk]) => sum + chunk.length, 0)
        // The entry itself, what was added since the last run was closed, and a group of references on each level.
        expect(bytes).toBeLessThan(size + 1024 + 3 * 8 * 22 + 100)
        expect(rope.text.length).toBeLessThan(3000)
        before = after
      }
    },
  )

  test('a change in one place changes few chunks', () => {
    const list = texts(200)
    const before = stored(cutState(stateWith(list)))
    const after = stored(cutState(stateWith(list.with(100, 'changed'.repeat(300)))))
    const changed = [...after.keys()].filter((digest) => !before.has(digest))
    expect(changed.length).toBeLessThanOrEqual(4)
  })

  test('an entry that is added anywhere in a map changes few chunks', () => {
    const blocks = texts(400).map((text) => [digestOf(text), { text }] as const)
    const mapOf = (count: number): string =>
      stateWith(Object.fromEntries(blocks.slice(0, count).sort(([a], [b]) => (a < b ? -1 : 1))))
    let before = stored(cutState(mapOf(100)))
    for (let count = 101; count <= 400; count++) {
      const after = stored(cutState(mapOf(count)))
      const added = [...after.keys()].filter((digest) => !before.has(digest))
      const dropped = [...before.keys()].filter((digest) => !after.has(digest))
      // The block itself, the run that it falls into, which it may split, and the run of runs.
      expect(added.length, `${count}`).toBeLessThanOrEqual(1 + 3 + 3)
      expect(dropped.length, `${count}`).toBeLessThanOrEqual(3 + 3)
      before = after
    }
  })

  test('a text that is there several times is one chunk', () => {
    const [text = ''] = texts(1)
    const { chunks } = cutState(JSON.stringify({ a: { text }, b: { c: [text] }, d: text, e: 'x'.repeat(4000) }))
    expect([...chunks.values()].filter((chunk) => chunk === JSON.stringify(text))).toHaveLength(1)
  })

  test('the root stays small, whatever the state is like', () => {
    const deep = Array.from({ length: 3000 }).reduce<unknown>((inner) => ({ inner, x: 'y'.repeat(60) }), 0)
    const records = (depth: number): unknown => {
      if (depth === 0) return 'leaf'.repeat(20)
      return Object.fromEntries(Array.from({ length: 5 }, (_, index) => [`k${index}`, records(depth - 1)]))
    }
    for (const state of [deep, records(6), texts(3000), Object.fromEntries(texts(2000).entries()), 'x'.repeat(2e6)]) {
      expect(cutState(JSON.stringify(state)).text.length).toBeLessThan(6000)
    }
  })

  test('no chunk is larger than an item', () => {
    const wide = '\u{1f600}'.repeat(400_000)
    const { text, chunks } = cutState(JSON.stringify({ wide, odd: `x${wide}` }))
    expect(join({ text, chunks })).toBe(JSON.stringify({ wide, odd: `x${wide}` }))
    for (const chunk of chunks.values()) {
      expect(Buffer.byteLength(chunk)).toBeLessThan(380_000)
      expect(chunk.isWellFormed()).toBe(true)
    }
  })
})

describe('cutMessage', () => {
  test('takes out media, and leaves what a tool has read', () => {
    const [image, result] = ['aGVsbG8/'.repeat(4000), 'A result. '.repeat(2000)]
    const text = JSON.stringify({ content: [{ image: { source: { bytes: image } } }, { text: result }] })
    const rope = cutMessage(text)
    expect([...rope.chunks.values()]).toEqual([JSON.stringify(image)])
    expect(rope.text).toBe(text.replace(JSON.stringify(image), `\n${digestOf(JSON.stringify(image))}\n`))
  })
})

function join({ text, chunks }: Rope): string {
  return joinChunks(text, (digest) => chunks.get(digest) ?? 'missing')
}

function reachable({ text, chunks }: Rope): Set<string> {
  const found = new Set<string>()
  const visit = (each: string): void => {
    for (const digest of referencesIn(each)) {
      found.add(digest)
      visit(chunks.get(digest) ?? '')
    }
  }
  visit(text)
  return found
}

function stored({ chunks }: Rope): ReadonlyMap<string, string> {
  return chunks
}

function stateWith(list: unknown): string {
  return JSON.stringify({ scope: 'agent', data: { state: { list }, systemPrompt: 'Be brief. '.repeat(400) } })
}

/** Texts of 3 KB, no two alike. */
function texts(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${index} is what this text is about. `.repeat(100).slice(0, 3000))
}
