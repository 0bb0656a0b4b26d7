/** Damage to stored items: every way in which bytes can be wrong, missing or in the wrong place, drawn at random. */

import { isDeepStrictEqual } from 'node:util'
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import fc from 'fast-check'
import { type RawItem, type RawItems, sortKeyOf } from './raw-items.ts'

/** What happens to one item. Numbers choose: each is taken modulo how many there are. */
export type Damage =
  | { readonly kind: 'set'; readonly attribute: number; readonly value: AttributeValue }
  | { readonly kind: 'add'; readonly name: string; readonly value: AttributeValue }
  | { readonly kind: 'alter'; readonly attribute: number; readonly at: number; readonly by: number }
  | { readonly kind: 'remove'; readonly attribute: number }
  | { readonly kind: 'delete' }
  /** Its attributes, under the key of another item, of its own kind or of any. */
  | { readonly kind: 'copy' | 'move' | 'swap'; readonly sameKind: boolean; readonly other: number }
  /** Its attributes, under a key that nobody has used. */
  | { readonly kind: 'rename'; readonly sk: (sk: string) => string; readonly keeps: boolean }

/** Sort keys at which there was or is something else now. */
export interface Damaged {
  readonly deleted: readonly string[]
  readonly written: readonly string[]
}

/** Attributes that items may gain: those that some item has, and some that are special to JavaScript. */
const NAMES = [
  'until',
  'turn',
  'touchedAt',
  'detached',
  'replaces',
  'window',
  'parts',
  'digest',
  'deletedAt',
  'expiresAt',
  '__proto__',
  'constructor',
  'toJSON',
]

/** Damage of every kind. */
export function damage(): fc.Arbitrary<Damage> {
  const index = fc.nat(1000)
  const name = fc.oneof(fc.constantFrom(...NAMES), fc.string({ minLength: 1, maxLength: 20 }))
  const sameKind = fc.boolean()
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant('set' as const), attribute: index, value: attributeValue() }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('add' as const), name, value: attributeValue() }) },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('alter' as const),
        attribute: index,
        at: index,
        by: fc.integer({ min: 1, max: 255 }),
      }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('remove' as const), attribute: index }) },
    { weight: 2, arbitrary: fc.constant({ kind: 'delete' as const }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constantFrom('copy' as const, 'move' as const, 'swap' as const),
        sameKind,
        other: index,
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('rename' as const), sk: otherKey(), keeps: fc.boolean() }) },
  )
}

/** Does the damage. Returns undefined when there is none to do, or no table would take it. */
export async function inflict(
  items: RawItems,
  sk: string,
  damage: Damage,
  kindOf: (sk: string) => string,
): Promise<Damaged | undefined> {
  const item = items.intact.get(sk)
  if (item === undefined) throw new Error(`There is no item ${sk}`)
  switch (damage.kind) {
    case 'delete':
      await items.delete(sk)
      return { deleted: [sk], written: [] }
    case 'copy':
    case 'move':
    case 'swap': {
      const others = [...items.intact.keys()].filter(
        (each) => each !== sk && (!damage.sameKind || kindOf(each) === kindOf(sk)),
      )
      const other = items.intact.get(others[damage.other % others.length] ?? '')
      if (other === undefined) return undefined
      const written = [sortKeyOf(other), ...(damage.kind === 'swap' ? [sk] : [])]
      if (!(await items.put(withKeyOf(item, other)))) return undefined
      if (damage.kind === 'move') await items.delete(sk)
      if (damage.kind === 'swap' && !(await items.put(withKeyOf(other, item)))) return undefined
      return { deleted: damage.kind === 'move' ? [sk] : [], written }
    }
    case 'rename': {
      const renamed = damage.sk(sk)
      if (items.intact.has(renamed) || !(await items.put({ ...item, sk: { S: renamed } }))) return undefined
      if (!damage.keeps) await items.delete(sk)
      return { deleted: damage.keeps ? [] : [sk], written: [renamed] }
    }
    default: {
      const changed = changedItem(item, damage)
      if (changed === undefined || isDeepStrictEqual(changed, item)) return undefined
      return (await items.put(changed)) ? { deleted: [], written: [sk] } : undefined
    }
  }
}

function changedItem(
  item: RawItem,
  damage: Damage & { readonly kind: 'set' | 'add' | 'alter' | 'remove' },
): RawItem | undefined {
  // Not a literal: an attribute may be called __proto__.
  const entries = new Map(Object.entries(item))
  const names = [...entries.keys()].filter((name) => name !== 'pk' && name !== 'sk')
  const chosen = damage.kind === 'add' ? damage.name : names[damage.attribute % names.length]
  if (chosen === undefined || chosen === 'pk' || chosen === 'sk') return undefined
  if (damage.kind === 'remove') entries.delete(chosen)
  else if (damage.kind === 'alter') {
    const altered = alter(entries.get(chosen), damage.at, damage.by)
    if (altered === undefined) return undefined
    entries.set(chosen, altered)
  } else entries.set(chosen, damage.value)
  return Object.fromEntries(entries)
}

/** One character, byte or digit is another. */
function alter(value: AttributeValue | undefined, at: number, by: number): AttributeValue | undefined {
  if (value?.S !== undefined) {
    const index = at % Math.max(1, value.S.length)
    const character = String.fromCharCode(((value.S.charCodeAt(index) || 32) + by) % 0xd800)
    return { S: value.S.slice(0, index) + character + value.S.slice(index + 1) }
  }
  if (value?.B !== undefined) {
    const bytes = Buffer.from(value.B)
    const index = at % Math.max(1, bytes.length)
    bytes[index] = ((bytes[index] ?? 0) + by) % 256
    return { B: bytes }
  }
  return value?.N === undefined ? undefined : { N: String(Number(value.N) + (at % 2 === 0 ? by : -by)) }
}

function withKeyOf(item: RawItem, { pk, sk }: RawItem): RawItem {
  return { ...item, ...(pk === undefined ? {} : { pk }), ...(sk === undefined ? {} : { sk }) }
}

/** Any value that DynamoDB can hold, among them some that JavaScript's own types cannot. */
function attributeValue(): fc.Arbitrary<AttributeValue> {
  const text = fc.oneof(
    fc.string({ maxLength: 60, unit: 'binary' }),
    fc.json({ maxDepth: 2 }),
    fc.constantFrom('', '0', '1-3', '1-9999999999', 'json', '[]', 'null'),
  )
  const number = fc.oneof(
    fc.integer().map(String),
    fc.constantFrom('0', '-1', '1.5', '1E100', '9007199254740993', '1234567890123456789.5', '1E-100'),
  )
  const bytes = fc.uint8Array({ maxLength: 40 })
  const leaf: fc.Arbitrary<AttributeValue> = fc.oneof(
    text.map((S): AttributeValue => ({ S })),
    number.map((N): AttributeValue => ({ N })),
    bytes.map((B): AttributeValue => ({ B })),
    fc.boolean().map((BOOL): AttributeValue => ({ BOOL })),
    fc.constant<AttributeValue>({ NULL: true }),
    fc
      .uniqueArray(
        number.map((each) => String(Number(each))),
        { minLength: 1, maxLength: 3 },
      )
      .map((NS): AttributeValue => ({ NS })),
    fc.uniqueArray(text, { minLength: 1, maxLength: 3 }).map((SS): AttributeValue => ({ SS })),
    fc.constant<AttributeValue>({ BS: [Buffer.from('a'), Buffer.from('b')] }),
  )
  const maps = fc
    .constantFrom('detached', 'v', 'data', 'x')
    .chain((key) => leaf.map((value): AttributeValue => ({ M: { [key]: value } })))
  return fc.oneof(
    { weight: 6, arbitrary: leaf },
    { weight: 1, arbitrary: maps },
    { weight: 1, arbitrary: fc.constant<AttributeValue>({ M: { detached: { BOOL: true }, deletedAt: { S: 'now' } } }) },
    { weight: 1, arbitrary: fc.array(leaf, { maxLength: 3 }).map((L): AttributeValue => ({ L })) },
  )
}

/** Another sort key, near or far. */
function otherKey(): fc.Arbitrary<(sk: string) => string> {
  const ends = ['0', '#', '$', '%', '#part#x#0000', '#part#', '%ZZ', ' ', '\u0000', '~']
  const numbers = [
    '0000000000',
    '0000000001',
    '0000000009',
    '0000000010',
    '0000000013',
    '0000000014',
    '0000000400',
    '9999999999',
    'middle',
    'i',
  ]
  return fc.oneof(
    fc.constantFrom(...ends).map((end) => (sk: string) => `${sk}${end}`),
    fc.constantFrom(...numbers).map((number) => (sk: string) => sk.replace(/msg#[^#]*/, `msg#${number}`)),
    fc
      .constantFrom('%ZZ', 'x', '', '%', '-')
      .map((id) => (sk: string) => sk.replace(/#(snapshot|turn|snapstate)#[^#]*/, `#$1#${id}`)),
    fc
      .constantFrom('%ZZ', 'x', '', '%00', 'part')
      .map((id) => (sk: string) => sk.replace(/^(agent|multiagent)#[^#]*/, `$1#${id}`)),
    fc.string({ minLength: 1, maxLength: 30 }).map((key) => () => key),
  )
}
