import {
  type ContentBlock,
  Message,
  ReasoningBlock,
  TextBlock,
  ToolResultBlock,
  ToolUseBlock,
} from '@strands-agents/sdk'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { repairConversation } from './repair.ts'

type Mode = 'complete' | 'drop'

const modes = ['complete', 'drop'] as const

function user(...content: ContentBlock[]): Message {
  return new Message({ role: 'user', content })
}

function assistant(...content: ContentBlock[]): Message {
  return new Message({ role: 'assistant', content })
}

function use(toolUseId: string): ToolUseBlock {
  return new ToolUseBlock({ name: 'look', toolUseId, input: {} })
}

function result(toolUseId: string): ToolResultBlock {
  return new ToolResultBlock({ toolUseId, status: 'success', content: [new TextBlock('seen')] })
}

function text(value: string): TextBlock {
  return new TextBlock(value)
}

/** Tool uses and results, in order, of one message. */
function idsIn(message: Message | undefined, kind: 'toolUseBlock' | 'toolResultBlock'): string[] {
  return (message?.content ?? []).flatMap((block) =>
    (block.type === 'toolUseBlock' || block.type === 'toolResultBlock') && block.type === kind ? [block.toolUseId] : [],
  )
}

/** What model providers ask of tool uses: the next message has exactly their results, and no other message has any. */
function pairingProblems(messages: readonly Message[]): string[] {
  return messages.flatMap((message, index) => {
    const problems: string[] = []
    if (message.content.length === 0) problems.push(`message ${index} is empty`)
    const uses = idsIn(message, 'toolUseBlock').toSorted()
    const results = idsIn(messages[index + 1], 'toolResultBlock').toSorted()
    if (message.role === 'assistant' && String(uses) !== String(results))
      problems.push(`uses of ${index} and results differ`)
    if (
      message.role === 'user' &&
      idsIn(message, 'toolResultBlock').length > 0 &&
      messages[index - 1]?.role !== 'assistant'
    ) {
      problems.push(`results of ${index} follow no assistant`)
    }
    return problems
  })
}

/** Whether the roles alternate and the user begins. */
function rolesProblems(messages: readonly Message[]): string[] {
  return messages.flatMap(({ role }, index) =>
    role === (index % 2 === 0 ? 'user' : 'assistant') ? [] : [`message ${index} is from the ${role}`],
  )
}

function transcriptOf(messages: readonly Message[] | undefined): unknown {
  return messages?.map((message) => message.toJSON())
}

/** A turn as agents run it: a question, rounds of tool uses with their results, and an answer. */
const turns = fc
  .array(
    fc.record({
      rounds: fc.array(fc.record({ uses: fc.integer({ min: 1, max: 3 }), says: fc.boolean() }), { maxLength: 3 }),
      thinks: fc.boolean(),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((all) =>
    all.flatMap(({ rounds, thinks }, turn): Message[] => [
      user(text(`question ${turn}`)),
      ...rounds.flatMap(({ uses, says }, round) => {
        const ids = Array.from({ length: uses }, (_, at) => `${turn}-${round}-${at}`)
        const thought = thinks ? [new ReasoningBlock({ text: 'hm' })] : []
        return [
          assistant(...thought, ...(says ? [text('One moment.')] : []), ...ids.map(use)),
          user(...ids.map(result)),
        ]
      }),
      assistant(text(`answer ${turn}`)),
    ]),
  )

describe.each(modes)("mode '%s'", (mode: Mode) => {
  test('leaves a conversation alone that is whole', () => {
    fc.assert(
      fc.property(turns, (messages) => {
        expect(repairConversation(messages, mode, false)).toBeUndefined()
        expect(repairConversation(messages, mode, true)).toBeUndefined()
      }),
    )
  })

  test('makes a conversation valid that was cut short at any point', () => {
    fc.assert(
      fc.property(turns, fc.nat(), (messages, at) => {
        const cut = messages.slice(0, (at % messages.length) + 1)
        const repaired = repairConversation(cut, mode, true) ?? cut
        expect(pairingProblems(repaired)).toEqual([])
        expect(rolesProblems(repaired)).toEqual([])
        // The next question follows an answer.
        expect(repaired.at(-1)?.role ?? 'assistant').toBe('assistant')
        expect(repairConversation(repaired, mode, true)).toBeUndefined()
      }),
    )
  })

  test('makes a conversation valid whose beginning is gone too', () => {
    fc.assert(
      fc.property(turns, fc.nat(), fc.nat(), (messages, from, to) => {
        const first = from % messages.length
        const cut = messages.slice(first, first + 1 + (to % (messages.length - first)))
        const repaired = repairConversation(cut, mode, true) ?? cut
        expect(pairingProblems(repaired)).toEqual([])
        expect(repaired.at(-1)?.role ?? 'assistant').toBe('assistant')
      }),
    )
  })

  test('makes any sequence of messages one without a dangling use or an orphan result, and does so once', () => {
    const ids = fc.constantFrom('1', '2', '3')
    const block = fc.oneof(ids.map(use), ids.map(result), fc.constant(text('said')))
    const message = fc
      .tuple(
        fc.constantFrom('user' as const, 'assistant' as const),
        fc.uniqueArray(block, {
          minLength: 1,
          maxLength: 4,
          selector: ({ type, ...rest }) => `${type}${'toolUseId' in rest ? rest.toolUseId : ''}`,
        }),
      )
      .map(([role, content]) => {
        const own = content.filter(({ type }) => type !== (role === 'user' ? 'toolUseBlock' : 'toolResultBlock'))
        return new Message({ role, content: own.length === 0 ? [text('said')] : own })
      })
    fc.assert(
      fc.property(fc.array(message, { maxLength: 8 }), fc.boolean(), (messages, endsUnanswered) => {
        const before = transcriptOf(messages)
        const repaired = repairConversation(messages, mode, endsUnanswered) ?? messages
        expect(pairingProblems(repaired)).toEqual([])
        expect(repairConversation(repaired, mode, endsUnanswered)).toBeUndefined()
        expect(transcriptOf(messages)).toEqual(before)
      }),
    )
  })

  test('never changes or reorders what it keeps', () => {
    fc.assert(
      fc.property(turns, fc.nat(), (messages, at) => {
        const cut = messages.slice(0, (at % messages.length) + 1)
        const repaired = repairConversation(cut, mode, true) ?? cut
        const kept = repaired.filter((message) => cut.includes(message))
        expect(kept).toEqual(cut.filter((message) => repaired.includes(message)))
        // Only the turn that was cut short is touched.
        const begun = cut.findLastIndex(({ role, content }) => role === 'user' && content[0]?.type === 'textBlock')
        expect(repaired.slice(0, begun)).toEqual(cut.slice(0, begun))
      }),
    )
  })
})

describe("mode 'complete'", () => {
  test('gives a tool use a result that says so, and the turn an answer', () => {
    const messages = [user(text('Look!')), assistant(text('One moment.'), use('1'))]
    const repaired = repairConversation(messages, 'complete', true)
    expect(repaired?.slice(0, 2)).toEqual(messages)
    expect(transcriptOf(repaired?.slice(2))).toMatchObject([
      {
        role: 'user',
        content: [
          {
            toolResult: {
              toolUseId: '1',
              status: 'error',
              content: [{ text: expect.stringContaining('interrupted') }],
            },
          },
        ],
      },
      { role: 'assistant', content: [{ text: expect.stringContaining('interrupted') }] },
    ])
  })

  test('gives results before what the user said instead', () => {
    const messages = [user(text('Look!')), assistant(use('1')), user(text('Never mind.')), assistant(text('Fine.'))]
    const repaired = repairConversation(messages, 'complete', false)
    expect(repaired?.[2]?.content.map(({ type }) => type)).toEqual(['toolResultBlock', 'textBlock'])
    expect(repaired?.[2]?.trackingId).toBe(messages[2]?.trackingId)
    expect(repaired).toHaveLength(4)
  })

  test('adds only the results that are missing', () => {
    const messages = [user(text('Look!')), assistant(use('1'), use('2')), user(result('2')), assistant(text('Seen.'))]
    const repaired = repairConversation(messages, 'complete', false)
    expect(idsIn(repaired?.[2], 'toolResultBlock').toSorted()).toEqual(['1', '2'])
    expect(transcriptOf(repaired?.[2] && [repaired[2]])).toMatchObject([
      {
        content: expect.arrayContaining([
          expect.objectContaining({ toolResult: expect.objectContaining({ toolUseId: '2', status: 'success' }) }),
        ]),
      },
    ])
  })

  test('does not answer a turn that may still be', () => {
    expect(repairConversation([user(text('Look!'))], 'complete', false)).toBeUndefined()
  })
})

describe("mode 'drop'", () => {
  test('takes the turn back that was cut short', () => {
    const whole = [user(text('Hi.')), assistant(text('Hello.'))]
    const cut = [user(text('Look!')), assistant(use('1')), user(result('1')), assistant(text('And there'), use('2'))]
    expect(repairConversation([...whole, ...cut], 'drop', true)).toEqual(whole)
  })

  test('removes a tool use without a result, and keeps what was said with it', () => {
    const messages = [user(text('Look!')), assistant(text('One moment.'), use('1')), user(text('Never mind.'))]
    const repaired = repairConversation(messages, 'drop', false)
    expect(repaired?.map(({ content }) => content.map(({ type }) => type))).toEqual([
      ['textBlock'],
      ['textBlock'],
      ['textBlock'],
    ])
    expect(repaired?.[1]?.trackingId).toBe(messages[1]?.trackingId)
  })
})

test.each(modes)("orphan results go: mode '%s'", (mode) => {
  const messages = [
    user(result('0')),
    assistant(text('Seen.')),
    user(text('Thanks.'), result('7')),
    assistant(text('Bye.')),
  ]
  const repaired = repairConversation(messages, mode, false)
  expect(repaired?.map(({ content }) => content.map(({ type }) => type))).toEqual([
    ['textBlock'],
    ['textBlock'],
    ['textBlock'],
  ])
})

test.each(modes)("nothing to repair in nothing: mode '%s'", (mode) => {
  expect(repairConversation([], mode, true)).toBeUndefined()
})

test('a repaired message keeps its metadata', () => {
  const message = new Message({
    role: 'assistant',
    content: [text('One moment.'), use('1')],
    metadata: { usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3 } },
  })
  const repaired = repairConversation([user(text('Look!')), message, user(text('No.'))], 'drop', false)
  expect(repaired?.[1]?.metadata).toEqual(message.metadata)
})
