import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { belongsTo, incarnationAt, writerOf } from './incarnation.ts'

// Until the year 5188: https://262.ecma-international.org/#sec-time-values-and-time-range allows more.
const time = fc.integer({ min: 0, max: 36 ** 9 - 1 })
const nonce = fc.uint8Array({ minLength: 6, maxLength: 6 }).map((bytes) => Buffer.from(bytes).toString('base64url'))

describe('incarnations', () => {
  it('sort like the times at which they begin', () => {
    fc.assert(
      fc.property(
        fc.oneof(time, fc.constantFrom(0, 1, 35, 36, Date.UTC(2026, 0), Date.UTC(5000, 0))),
        time,
        (one, other) => {
          expect(compare(incarnationAt(one), incarnationAt(other))).toBe(Math.sign(one - other))
        },
      ),
    )
  })

  it('are nine characters long', () => {
    expect([0, 36 ** 9 - 1].map(incarnationAt)).toEqual(['000000000', 'zzzzzzzzz'])
  })
})

describe('writers', () => {
  it('belong to their own incarnation only', () => {
    fc.assert(
      fc.property(time, time, nonce, (one, other, random) => {
        expect(belongsTo(writerOf(incarnationAt(one), random), incarnationAt(other))).toBe(one === other)
      }),
    )
  })

  it('sort before every later incarnation, and not before their own', () => {
    fc.assert(
      fc.property(time, time, nonce, (one, other, random) => {
        expect(writerOf(incarnationAt(one), random) < incarnationAt(other)).toBe(one < other)
      }),
    )
  })

  it('of one incarnation are told apart', () => {
    expect(writerOf('000000001', 'a')).toBe('000000001-a')
    expect(writerOf('000000001', 'a')).not.toBe(writerOf('000000001', 'b'))
  })
})

/** DynamoDB compares bytes; these are ASCII. */
function compare(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}
