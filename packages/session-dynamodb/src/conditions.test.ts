import { describe, expect, it, test } from 'vitest'
import { canAdvance, canAppend, canCreate, exists, isBy } from './conditions.ts'
import type { Condition } from './expressions.ts'
import { incarnationAt, writerOf } from './incarnation.ts'

const [earlier, now, later] = [incarnationAt(1_000), incarnationAt(2_000), incarnationAt(3_000)]
const me = writerOf(now, 'me')
const nobody = undefined
const mine = { writer: me }
const ofAnother = { writer: writerOf(now, 'another') }
const ofEarlierLife = { writer: writerOf(earlier, 'another') }
const ofLaterLife = { writer: writerOf(later, 'another') }
const ofUnknown = {}

describe('a message', () => {
  test.each([
    ['a free sequence number', nobody, true],
    ['my own row, from a request whose answer was lost', mine, true],
    ['what an earlier life of the session has left', ofEarlierLife, true],
    ["another writer's row", ofAnother, false],
    ['a row of a later life of the session', ofLaterLife, false],
    ['an item without a writer', ofUnknown, false],
  ])('over %s', (_, item, expected) => {
    expect(allows(canAppend(me, now), item)).toBe(expected)
  })
})

describe('the first head', () => {
  test.each([
    ['nothing', nobody, true],
    ['my own head', mine, true],
    ["another writer's head", ofAnother, false],
    ['a head of an earlier life', ofEarlierLife, false],
    ['a head whose time is over', { ...ofEarlierLife, expiresAt: 2 }, true],
    ['a head whose time is not over', { ...ofEarlierLife, expiresAt: 3 }, false],
  ])('over %s', (_, item, expected) => {
    expect(allows(canCreate(me, 2), item)).toBe(expected)
  })
})

describe('the next version', () => {
  test.each([
    ['the version that I know, by whomever', { ...ofAnother, version: 3 }, true],
    ['the version that I know, of an earlier life', { ...ofEarlierLife, version: 3 }, false],
    ['the version that I know, of a later life', { ...ofLaterLife, version: 3 }, false],
    ['my own next version, from a request whose answer was lost', { ...mine, version: 4 }, true],
    ["another writer's next version", { ...ofAnother, version: 4 }, false],
    ['my own version after that', { ...mine, version: 5 }, false],
    ['my own version before', { ...mine, version: 2 }, false],
    ['nothing', nobody, false],
    ['an item of an earlier life', { ...ofEarlierLife, version: 7 }, false],
  ])('over %s', (_, item, expected) => {
    expect(allows(canAdvance(me, now, 3), item)).toBe(expected)
  })

  test.each([
    ['nothing', nobody, true],
    ['my own first version', { ...mine, version: 1 }, true],
    ['what an earlier life has left', { ...ofEarlierLife, version: 7 }, true],
    ["another writer's first version", { ...ofAnother, version: 1 }, false],
  ])('as the first one, over %s', (_, item, expected) => {
    expect(allows(canAdvance(me, now, 0), item)).toBe(expected)
  })
})

it('a redaction needs a row, whoever wrote it', () => {
  expect([nobody, mine, ofAnother].map((item) => allows(exists, item))).toEqual([false, true, true])
})

it('a row is taken back only while it is the one that was written', () => {
  const items = [nobody, mine, ofAnother, ofEarlierLife, ofLaterLife, ofUnknown]
  expect(items.map((item) => allows(isBy(me), item))).toEqual([false, true, false, false, false, false])
})

/** Evaluates a condition on an item, as far as this package's conditions go. */
function allows({ expression, names, values }: Condition, item: Record<string, unknown> | undefined): boolean {
  const operandOf = (operand: string): unknown =>
    operand.startsWith(':') ? values?.[operand] : item?.[names?.[operand] ?? operand]
  const holds = (clause: string): boolean => {
    if (clause === 'attribute_not_exists(pk)') return item === undefined
    if (clause === 'attribute_exists(pk)') return item !== undefined
    const [, text, prefix] = /^begins_with\((\S+), (\S+)\)$/.exec(clause) ?? []
    if (text !== undefined && prefix !== undefined) {
      return String(operandOf(text) ?? '').startsWith(String(operandOf(prefix)))
    }
    const [left = '', operator, right = ''] = clause.split(' ')
    const [one, other] = [operandOf(left), operandOf(right)]
    if (one === undefined || other === undefined) return false
    if (operator === '=') return one === other
    if (operator === '<=') return typeof one === 'number' && typeof other === 'number' && one <= other
    if (operator === '<') return typeof one === 'string' && typeof other === 'string' && one < other
    throw new Error(`This test cannot evaluate '${clause}'`)
  }
  return expression
    .split(' OR ')
    .some((part) => (part.startsWith('(') ? part.slice(1, -1) : part).split(' AND ').every(holds))
}
