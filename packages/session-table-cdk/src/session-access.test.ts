import fc from 'fast-check'
import { tenantPrefixOf } from 'strands-session-dynamodb/schema'
import { describe, expect, it } from 'vitest'
import { accessTo } from './session-access.ts'

/** The pattern of the keys that a grant for a tenant allows. */
function leadingKeysOf(tenant: string): string {
  const [statement] = accessTo({ tableArns: ['arn:table'], tableName: 'table' }, tenant)
  return statement?.conditions?.['ForAllValues:StringLike']['dynamodb:LeadingKeys'][0]
}

describe("a tenant's pattern", () => {
  it('matches the keys of the tenant and of no other, whatever characters their names have', () => {
    const tenants = fc.string({
      unit: fc.constantFrom('a', 'b', '*', '?', '$', '{', '}', '#', '%', ' ', 'é'),
      minLength: 1,
    })
    const property = fc.property(tenants, tenants, (tenant, other) => {
      const pattern = leadingKeysOf(tenant)
      expect(matches(pattern, `${tenantPrefixOf(tenant)}session#s`)).toBe(true)
      expect(matches(pattern, `${tenantPrefixOf(tenant)}owner#o`)).toBe(true)
      expect(matches(pattern, `${tenantPrefixOf(other)}session#s`)).toBe(tenant === other)
      expect(matches(pattern, 'session#s')).toBe(false)
    })
    fc.assert(property, {
      numRuns: 50,
      examples: [
        ['a*', 'ab'],
        ['*', 'a'],
        ['a', 'a#b'],
      ],
    })
  })
})

/** Whether a text matches a pattern as IAM has it: `*` any characters, `?` any one, `${…}` the character itself. */
function matches(pattern: string, text: string): boolean {
  const parts = pattern.match(/\$\{[*?$]\}|[\s\S]/gu) ?? []
  const source = parts.map((part) => {
    if (part === '*') return '[^]*'
    if (part === '?') return '[^]'
    return (part.length > 1 ? (part[2] ?? '') : part).replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
  })
  return new RegExp(`^${source.join('')}$`, 'u').test(text)
}
