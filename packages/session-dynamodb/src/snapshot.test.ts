import type { Snapshot } from '@strands-agents/sdk'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { digestOf } from './codec.ts'
import { type FrozenSnapshot, freeze, thaw } from './snapshot.ts'

/** JSON as it comes back from storage: without -0, which JSON does not have. */
const json = fc
  .jsonValue({ stringUnit: 'binary', depthSize: 'xsmall' })
  .map((value) => JSON.parse(JSON.stringify(value)))
const dictionary = fc.dictionary(fc.string({ unit: 'binary' }), json)
const unknownKeys = fc.dictionary(
  fc.string().filter((name) => !['scope', 'schemaVersion', 'createdAt', 'data', 'appData'].includes(name)),
  json,
)
const message = fc.oneof(
  json,
  fc.record({ role: fc.constantFrom('user', 'assistant'), content: fc.array(json), trackingId: fc.string() }),
)
const snapshot: fc.Arbitrary<Snapshot> = fc
  .tuple(
    unknownKeys,
    fc.record({ scope: fc.constantFrom('agent', 'multiAgent'), schemaVersion: fc.string(), createdAt: fc.string() }),
    dictionary,
    fc.oneof(fc.record({ messages: fc.array(message) }), fc.record({ messages: json }), fc.constant({})),
    dictionary,
  )
  .map(([unknown, known, data, messages, appData]) => ({
    ...unknown,
    ...known,
    data: { ...data, ...messages },
    appData,
  })) as fc.Arbitrary<Snapshot>

const SNAPSHOT: Snapshot = {
  scope: 'agent',
  schemaVersion: '1.0',
  createdAt: '2026-01-01T00:00:00.000Z',
  data: {
    messages: [{ role: 'user', content: [{ text: 'hi' }], trackingId: 't-1' }],
    state: { a: 1 },
    systemPrompt: 'Be brief',
  },
  appData: { mine: true },
}

const thawed = ({ state, messages, createdAt }: FrozenSnapshot): Snapshot | undefined =>
  thaw(
    JSON.parse(state),
    messages?.map(({ text }) => JSON.parse(text)),
    createdAt,
  )

describe('freeze', () => {
  it('takes a snapshot apart', () => {
    const text = '{"role":"user","content":[{"text":"hi"}],"trackingId":"t-1"}'
    const state =
      '{"scope":"agent","schemaVersion":"1.0","appData":{"mine":true},' +
      '"data":{"state":{"a":1},"systemPrompt":"Be brief"}}'
    expect(freeze(SNAPSHOT)).toEqual({
      messages: [{ text, digest: digestOf(text), trackingId: 't-1', role: 'user', isAnswer: false }],
      state,
      stateDigest: digestOf(state),
      createdAt: '2026-01-01T00:00:00.000Z',
    })
  })

  it('tells which messages end a turn', () => {
    const messages = [
      { role: 'user', content: [{ text: 'hi' }] },
      { role: 'assistant', content: [{ toolUse: { name: 'look', toolUseId: 'u', input: {} } }] },
      { role: 'assistant', content: [{ text: 'hello' }] },
    ]
    const frozen = freeze({ ...SNAPSHOT, data: { messages } })
    expect(frozen.messages?.map(({ isAnswer }) => isAnswer)).toEqual([false, false, true])
  })

  it('has an inverse, whatever keys there are', () => {
    fc.assert(
      fc.property(snapshot, (each) => {
        expect(thawed(freeze(each))).toEqual(each)
      }),
      { numRuns: 200 },
    )
  })

  it('detaches the snapshot from what the agent goes on changing', () => {
    const live = structuredClone(SNAPSHOT)
    const frozen = freeze(live)
    const content = { text: 'changed' }
    Object.assign(live.data, { state: content, messages: [content] })
    Object.assign(live.appData, content)
    expect(thawed(frozen)).toEqual(SNAPSHOT)
  })

  it('tells no messages from an empty list of them', () => {
    const { messages: _, ...data } = SNAPSHOT.data
    expect(freeze({ ...SNAPSHOT, data }).messages).toBeUndefined()
    expect(freeze({ ...SNAPSHOT, data: { ...data, messages: [] } }).messages).toEqual([])
  })

  test.each([[null], ['text'], [{ length: 1 }], [7]])('keeps messages that are no list: %j', (messages) => {
    const odd = { ...SNAPSHOT, data: { messages } }
    expect(freeze(odd).messages).toBeUndefined()
    expect(thawed(freeze(odd))).toEqual(odd)
  })

  it('writes live objects as JSON does', () => {
    const live = { toJSON: () => ({ role: 'user', content: [] }), role: 'user' }
    const messages = [live, undefined, () => undefined] as never
    expect(freeze({ ...SNAPSHOT, data: { messages } }).messages?.map(({ text }) => text)).toEqual([
      '{"role":"user","content":[]}',
      'null',
      'null',
    ])
  })

  it('sees a change of the state, and no change when only messages or the time differ', () => {
    const { stateDigest } = freeze(SNAPSHOT)
    const messages = [...(SNAPSHOT.data.messages as []), { role: 'user', content: [] }]
    const digests = [
      freeze({ ...SNAPSHOT, createdAt: 'later' }),
      freeze({ ...SNAPSHOT, data: { ...SNAPSHOT.data, messages } }),
      freeze({ ...SNAPSHOT, data: { ...SNAPSHOT.data, state: { a: 2 } } }),
      freeze({ ...SNAPSHOT, appData: {} }),
    ].map((frozen) => frozen.stateDigest === stateDigest)
    expect(digests).toEqual([true, true, false, false])
  })
})

describe('thaw', () => {
  test.each([[null], [undefined], [7], ['text'], [[]], [{}], [{ data: null }], [{ data: 7 }], [{ data: 'x' }]])(
    'refuses %j, which is no state of a snapshot',
    (state) => {
      expect(thaw(state, [], 'now')).toBeUndefined()
    },
  )
})
