import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import {
  formatRanges,
  type LiveMessage,
  type LogEntry,
  type LogView,
  MAX_TAIL_APPENDS,
  type PlannedRow,
  parseRanges,
  planWindow,
  type WindowPlan,
} from './window.ts'

/** A message of the agent's, as tests write it: `a1` is the first text of the message that is tracked as `a`. */
function live(name: string): LiveMessage {
  return {
    text: `{"${name}"}`,
    digest: `digest of ${name}`,
    trackingId: trackingIdOf(name),
    role: 'user',
    isAnswer: false,
  }
}

function trackingIdOf(name: string): string | undefined {
  const [id] = /^[a-z]+/.exec(name) ?? []
  return id
}

/** A log in memory that does what the library does with a plan, row by row. */
class SimulatedLog {
  readonly rows = new Map<number, LogEntry & { readonly text: string }>()
  head: { readonly window: readonly number[] | undefined; readonly last: number } | undefined

  /** A log whose head names the rows of some messages, in order. */
  static holding(...names: readonly string[]): SimulatedLog {
    const log = new SimulatedLog()
    log.head = { window: [], last: 0 }
    for (const [index, name] of names.entries()) {
      log.#write({ seq: index + 1, message: live(name), detached: false, replaces: [] })
    }
    log.head = { window: names.map((_, index) => index + 1), last: names.length }
    return log
  }

  /** What a reader finds: the head's window, and the rows behind it that join by themselves. */
  get window(): readonly number[] | undefined {
    const { window, last } = this.head ?? { window: undefined, last: 0 }
    const tail = [...this.rows.values()].filter((row) => row.seq > last && !row.detached).map((row) => row.seq)
    return window === undefined && tail.length === 0 ? undefined : [...(window ?? []), ...tail.sort((a, b) => a - b)]
  }

  get view(): LogView {
    return { window: this.window, entries: this.rows, last: Math.max(0, ...this.rows.keys()) }
  }

  textsAt(window: readonly number[] | undefined): readonly (string | undefined)[] | undefined {
    return window?.map((seq) => this.rows.get(seq)?.text)
  }

  save(messages: readonly LiveMessage[] | undefined, redacted?: ReadonlySet<string>): WindowPlan {
    const plan = planWindow(this.view, messages, redacted === undefined ? {} : { redacted })
    if (redacted === undefined) this.#expectNoCopy(plan, messages)
    this.#append(plan.rows)
    if (redacted !== undefined) this.#overwrite(redacted, messages ?? [])
    if (plan.commit) this.head = { window: plan.window, last: this.view.last }
    return plan
  }

  /** What an immutable snapshot does: it writes what is missing, and keeps the window for itself. */
  stage(messages: readonly LiveMessage[] | undefined): WindowPlan {
    const plan = planWindow(this.view, messages, { stage: true })
    this.#expectNoCopy(plan, messages)
    this.#append(plan.rows)
    return plan
  }

  /** What a redaction does: every row of these messages gets the text that is live now. */
  #overwrite(redacted: ReadonlySet<string>, messages: readonly LiveMessage[]): void {
    for (const row of [...this.rows.values()]) {
      const message = messages.findLast(({ trackingId }) => trackingId === row.trackingId)
      if (message === undefined || !redacted.has(row.trackingId ?? '')) continue
      if (!messages.some(({ digest }) => digest === row.digest)) this.#write({ ...row, message })
    }
  }

  /** What the log holds is not written again. */
  #expectNoCopy({ rows }: WindowPlan, messages: readonly LiveMessage[] = []): void {
    const held = [...this.rows.values()].map(({ digest }) => digest)
    const missing = messages.filter(({ digest }) => {
      const index = held.indexOf(digest)
      if (index >= 0) held.splice(index, 1)
      return index < 0
    })
    expect(rows.map(({ message }) => message.digest).sort()).toEqual(missing.map(({ digest }) => digest).sort())
  }

  #append(rows: readonly PlannedRow[]): void {
    const { last } = this.view
    expect(rows.map((row) => row.seq)).toEqual(rows.map((_, index) => last + 1 + index))
    for (const row of rows) this.#write(row)
  }

  #write({ seq, message, detached, replaces }: PlannedRow): void {
    const { text, digest, trackingId, isAnswer } = message
    this.rows.set(seq, { seq, text, digest, trackingId, writer: 'me', detached, replaces, turn: {}, isAnswer })
  }
}

const names = (...list: readonly string[]): LiveMessage[] => list.map(live)
const UNCHANGED = { rows: [], commit: false }

describe('planWindow', () => {
  it('appends new messages as the tail, and leaves the head alone', () => {
    const log = SimulatedLog.holding('a1', 'b1')
    expect(log.save(names('a1', 'b1', 'c1', 'd1'))).toEqual({
      window: [1, 2, 3, 4],
      rows: [
        { seq: 3, message: live('c1'), detached: false, replaces: [] },
        { seq: 4, message: live('d1'), detached: false, replaces: [] },
      ],
      commit: false,
    })
  })

  it('writes nothing when nothing has changed', () => {
    expect(SimulatedLog.holding('a1', 'b1').save(names('a1', 'b1'))).toEqual({ ...UNCHANGED, window: [1, 2] })
    expect(SimulatedLog.holding().save([])).toEqual({ ...UNCHANGED, window: [] })
    expect(new SimulatedLog().save(undefined)).toEqual({ ...UNCHANGED, window: undefined })
  })

  it('commits a trim without writing a message', () => {
    const log = SimulatedLog.holding('a1', 'b1', 'c1')
    expect(log.save(names('c1'))).toEqual({ window: [3], rows: [], commit: true })
  })

  it('commits a trim together with what was appended', () => {
    const log = SimulatedLog.holding('a1', 'b1', 'c1')
    expect(log.save(names('a1', 'c1', 'd1'))).toEqual({
      window: [1, 3, 4],
      rows: [{ seq: 4, message: live('d1'), detached: true, replaces: [] }],
      commit: true,
    })
  })

  it('gives an edited message a new row that names the old one', () => {
    const log = SimulatedLog.holding('a1', 'b1')
    expect(log.save(names('a2', 'b1'))).toEqual({
      window: [3, 2],
      rows: [{ seq: 3, message: live('a2'), detached: true, replaces: [1] }],
      commit: true,
    })
    expect(log.save(names('a3', 'b1')).rows).toEqual([
      { seq: 4, message: live('a3'), detached: true, replaces: [3, 1] },
    ])
  })

  it('leaves a redacted message in its row, which the redaction overwrites', () => {
    const log = SimulatedLog.holding('a1', 'b1')
    expect(log.save(names('a2', 'b1'), new Set(['a']))).toEqual({ window: [1, 2], rows: [], commit: false })
    expect(log.textsAt(log.window)).toEqual(['{"a2"}', '{"b1"}'])
  })

  it('gives a message that was merely edited beside a redaction a new row', () => {
    const log = SimulatedLog.holding('a1', 'b1')
    expect(log.save(names('a2', 'b2'), new Set(['b']))).toEqual({
      window: [3, 2],
      rows: [{ seq: 3, message: live('a2'), detached: true, replaces: [1] }],
      commit: true,
    })
  })

  it('commits a window that grows by rows which the log holds already', () => {
    const log = SimulatedLog.holding('a1', 'b1')
    log.stage(names('a1', 'b1', 'c1'))
    expect(log.save(names('a1', 'b1', 'c1'))).toEqual({ window: [1, 2, 3], rows: [], commit: true })
  })

  it('stages many messages, so that they appear at once', () => {
    const fresh = Array.from({ length: MAX_TAIL_APPENDS }, (_, index) => `a${index}`)
    expect(SimulatedLog.holding().save(names(...fresh))).toMatchObject({ commit: false })
    const plan = SimulatedLog.holding().save(names(...fresh, 'b1'))
    expect(plan.commit).toBe(true)
    expect(plan.rows.map(({ detached }) => detached)).toEqual([...fresh, 'b1'].map(() => true))
  })

  it('tells a snapshot without messages from one with none', () => {
    const log = SimulatedLog.holding('a1')
    expect(log.save(undefined)).toEqual({ ...UNCHANGED, window: undefined, commit: true })
    expect(log.window).toBeUndefined()
    expect(log.save([])).toEqual({ ...UNCHANGED, window: [], commit: true })
    expect(log.window).toEqual([])
  })

  it('keeps messages apart that are equal', () => {
    const log = SimulatedLog.holding('a1')
    expect(log.save(names('a1', 'a1'))).toMatchObject({ window: [1, 2], rows: [{ seq: 2, detached: false }] })
  })

  it('matches messages without a tracking id by their content alone', () => {
    const log = SimulatedLog.holding('1', '2')
    expect(log.save(names('1', '3'))).toMatchObject({ window: [1, 3], rows: [{ seq: 3, replaces: [] }] })
  })
})

/** What an agent, its conversation manager and its user can do to the messages between two saves. */
type Step =
  | { readonly kind: 'append'; readonly names: readonly string[] }
  | { readonly kind: 'keep'; readonly kept: readonly boolean[] }
  | { readonly kind: 'insert' | 'edit' | 'copy' | 'redact'; readonly at: number; readonly name: string }
  | { readonly kind: 'swap'; readonly at: number; readonly to: number }
  | { readonly kind: 'snapshot' | 'save' | 'forget' }
  | { readonly kind: 'restore'; readonly which: number }

const name = fc
  .tuple(fc.constantFrom('', 'a', 'b', 'c', 'd'), fc.integer({ min: 0, max: 9 }))
  .map((pair) => pair.join(''))
const at = fc.nat({ max: 30 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('append' as const), names: fc.array(name, { maxLength: 12 }) }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constantFrom('snapshot' as const, 'save' as const) }) },
  fc.record({ kind: fc.constant('keep' as const), kept: fc.array(fc.boolean(), { minLength: 8, maxLength: 16 }) }),
  fc.record({
    kind: fc.constantFrom('insert' as const, 'edit' as const, 'copy' as const, 'redact' as const),
    at,
    name,
  }),
  fc.record({ kind: fc.constant('swap' as const), at, to: at }),
  fc.record({ kind: fc.constant('restore' as const), which: at }),
  fc.record({ kind: fc.constant('forget' as const) }),
)

describe('planWindow, in any order of changes', () => {
  it('leaves exactly the live messages, and immutable snapshots as they were', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const log = new SimulatedLog()
        let messages: LiveMessage[] | undefined = []
        const snapshots: { readonly window: readonly number[] | undefined; texts: readonly string[] | undefined }[] = []
        for (const each of [...steps, { kind: 'save' } as const]) {
          const texts = messages?.map(({ text }) => text)
          if (each.kind === 'save') {
            log.save(messages)
            expect(log.textsAt(log.window)).toEqual(texts)
          } else if (each.kind === 'snapshot') {
            const before = log.window
            snapshots.push({ window: log.stage(messages).window, texts })
            expect(log.window).toEqual(before)
          } else if (each.kind === 'redact') {
            messages = redact(log, snapshots, messages ?? [], each)
          } else {
            messages = change(messages ?? [], each, snapshots)
          }
          for (const { window, texts: expected } of snapshots) expect(log.textsAt(window)).toEqual(expected)
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('never writes the head when messages are only appended', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(name, { maxLength: 10 }),
        fc.array(fc.integer({ min: 1, max: MAX_TAIL_APPENDS }), { maxLength: 10 }),
        (first, sizes) => {
          const log = SimulatedLog.holding(...first)
          const messages = names(...first)
          let fresh = 0
          for (const size of sizes) {
            const added = Array.from({ length: size }, () => live(`new${fresh++}`))
            const { last } = log.view
            messages.push(...added)
            expect(log.save(messages)).toEqual({
              window: messages.map((_, index) => index + 1),
              rows: added.map((message, index) => ({ seq: last + 1 + index, message, detached: false, replaces: [] })),
              commit: false,
            })
          }
        },
      ),
    )
  })
})

/** Redacts a message, and checks that its earlier text is gone from wherever it was. */
function redact(
  log: SimulatedLog,
  snapshots: { readonly window: readonly number[] | undefined; texts: readonly string[] | undefined }[],
  messages: readonly LiveMessage[],
  { at, name }: { readonly at: number; readonly name: string },
): LiveMessage[] {
  log.save(messages)
  const target = messages[at % Math.max(1, messages.length)]
  if (target?.trackingId === undefined) return [...messages]
  const replacement = { ...live(`redacted${name}`), trackingId: target.trackingId }
  const redacted = messages.map((message) => (message.trackingId === target.trackingId ? replacement : message))
  const gone = new Set(messages.filter((message) => message.trackingId === target.trackingId).map(({ text }) => text))
  const before = new Map(log.rows)
  log.save(redacted, new Set([target.trackingId]))
  if (!gone.has(replacement.text)) {
    expect([...log.rows.values()].filter(({ text }) => gone.has(text))).toEqual([])
  }
  expect(log.textsAt(log.window)).toEqual(redacted.map(({ text }) => text))
  // A snapshot that saw the old text sees the new one.
  const isOverwritten = (seq: number): boolean => before.get(seq) !== log.rows.get(seq)
  for (const snapshot of snapshots) {
    snapshot.texts = snapshot.texts?.map((text, index) =>
      isOverwritten(snapshot.window?.[index] ?? 0) ? replacement.text : text,
    )
  }
  return redacted
}

function change(
  messages: readonly LiveMessage[],
  step: Exclude<Step, { readonly kind: 'save' | 'snapshot' | 'redact' }>,
  snapshots: readonly { readonly texts: readonly string[] | undefined }[],
): LiveMessage[] | undefined {
  const index = 'at' in step ? step.at % Math.max(1, messages.length) : 0
  const target = messages[index]
  switch (step.kind) {
    case 'append':
      return [...messages, ...names(...step.names)]
    case 'keep':
      return messages.filter((_, each) => step.kept[each % step.kept.length])
    case 'insert':
      return messages.toSpliced(index, 0, live(step.name))
    case 'copy':
      return target === undefined ? [] : [...messages, target]
    case 'edit':
      if (target === undefined) return []
      return messages.with(index, { ...live(`${step.name}!`), trackingId: target.trackingId })
    case 'swap': {
      const other = messages[step.to % Math.max(1, messages.length)]
      if (target === undefined || other === undefined) return []
      return messages.with(index, other).with(step.to % messages.length, target)
    }
    case 'restore':
      return snapshots[step.which % Math.max(1, snapshots.length)]?.texts?.map((text) => live(text.slice(2, -2)))
  }
  // 'forget': a snapshot without messages.
  return undefined
}

describe('ranges', () => {
  test.each([
    [[], ''],
    [[1], '1'],
    [[1, 2, 3], '1-3'],
    [[1, 2, 40, 57, 58], '1-2,40,57-58'],
    [[3, 2, 1], '3,2,1'],
    [[1, 1, 2], '1,1-2'],
    [[9_999_999_998, 9_999_999_999], '9999999998-9999999999'],
  ])('of %j are %j', (seqs, text) => {
    expect(formatRanges(seqs)).toBe(text)
    expect(parseRanges(text)).toEqual(seqs)
  })

  it('have an inverse', () => {
    const run = fc
      .tuple(fc.integer({ min: 1, max: 9_999_999_000 }), fc.integer({ min: 1, max: 50 }))
      .map(([first, length]) => Array.from({ length }, (_, index) => first + index))
    const window = fc.array(fc.oneof(run, fc.array(fc.integer({ min: 1, max: 20 }))), { maxLength: 8 })
    fc.assert(
      fc.property(window, (runs) => {
        expect(parseRanges(formatRanges(runs.flat()))).toEqual(runs.flat())
      }),
    )
  })

  test.each([
    ...['0', '01', '-1', '1-', '-', ',', '1,', ',1', '1,,2', '2-1', '1-0', '1-2-3', '1.5', '1e3', '0x1', 'a', 'head'],
    ...[' 1', '1 ', '1, 2', '1\n', '+1', '１', '１-２', '∞', 'NaN', '1–2', '12345678901', '1-12345678901', '[1]'],
  ])('are not what %j says', (text) => {
    expect(parseRanges(text)).toBeUndefined()
  })

  it('that are anything at all are read without a crash, as whole numbers from 1', () => {
    const pieces = fc.constantFrom('0', '1', '9', '10', '-', ',', ' ', '99', '\n', 'x')
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (texts) => {
        const seqs = parseRanges(texts.join(''))
        expect(seqs?.every((seq) => Number.isSafeInteger(seq) && seq > 0) ?? true).toBe(true)
      }),
    )
  })

  test.each([
    ['one range', '1-9999999999'],
    ['one range that is just too long', '1-1000001'],
    ['many ranges together', Array.from({ length: 3 }, () => '1-1000000').join(',')],
  ])('that would not fit in memory are refused: %s', (_, text) => {
    expect(parseRanges(text)?.length).toBeUndefined()
  })
})
