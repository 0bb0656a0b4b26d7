import type { Scope, SnapshotLocation } from '@strands-agents/sdk'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { errorOf } from '../test/support/mocked-client.ts'
import { InvalidOptionError } from './errors.ts'
import { checkId, checkSessionId, MAX_ID_LENGTH } from './ids.ts'
import {
  type ItemKey,
  isEntryPoint,
  ownerKeyOf,
  partitionKeyOf,
  partKey,
  partOwnerOf,
  partPrefix,
  ScopeKeys,
  scopeOf,
  sessionIdOf,
  sessionKey,
} from './keys.ts'

const DIGEST = 'ungWv48Bz-pBQUDeXa4i'

/** Ids made of what keys are made of, so that they would collide if they were not escaped. */
const hostileId = fc
  .array(
    fc.oneof(
      fc.constantFrom('#', '%', '%23', '/', '.', ' ', 'a', 'b', 'agent', 'multiagent', 'session', 'tenant', 'owner'),
      fc.constantFrom('msg', 'head', 'state', 'part', 'snapshot', 'manifest', '0000000001', DIGEST, 'é', '界', '😀'),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 2 }),
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((tokens) => tokens.join(''))
  .filter((id) => !/\p{Cc}/u.test(id))
const sessionId = fc.stringMatching(/^[a-z0-9_-]{1,8}$/)
const tenantId = fc.option(hostileId, { nil: undefined })
const seq = fc.integer({ min: 1, max: 9_999_999_999 })
const place = fc.record({
  tenantId,
  location: fc.record({ sessionId, scope: fc.constantFrom<Scope>('agent', 'multiAgent'), scopeId: hostileId }),
})
type Place = typeof place extends fc.Arbitrary<infer T> ? T : never

/** Two places of which one is as near to the other as ids can bring it. */
const neighbours = fc
  .tuple(place, place, hostileId, fc.constantFrom('tenant', 'session', 'agent', 'everything'))
  .map(([mine, other, tail, difference]): [Place, Place] => {
    const { location, tenantId } = mine
    if (difference === 'tenant') return [mine, { location, tenantId: `${tenantId ?? ''}${tail}` }]
    if (difference === 'session') {
      return [mine, { tenantId, location: { ...location, sessionId: other.location.sessionId } }]
    }
    if (difference === 'agent') {
      return [mine, { tenantId, location: { ...location, scopeId: `${location.scopeId}${tail}` } }]
    }
    return [mine, other]
  })

const agentAt = (scopeId: string): SnapshotLocation => ({ sessionId: 's', scope: 'agent', scopeId })
const agent = new ScopeKeys(agentAt('a'))

describe('keys', () => {
  it('name every item of a session', () => {
    const tenants = new ScopeKeys({ sessionId: 's-1', scope: 'multiAgent', scopeId: 'my graph' }, 'a#b')
    const pk = 'tenant#a%23b#session#s-1'

    expect([
      sessionKey('s-1', 'a#b'),
      tenants.head(),
      tenants.state(),
      tenants.message(42),
      tenants.snapshot('v1.0'),
      tenants.snapshotState(DIGEST),
      tenants.turn('event#1'),
      tenants.manifest(),
      partKey(tenants.message(42), DIGEST, 7),
    ]).toEqual([
      { pk, sk: 'session' },
      { pk, sk: 'multiagent#my%20graph#msg#head' },
      { pk, sk: 'multiagent#my%20graph#msg#state' },
      { pk, sk: 'multiagent#my%20graph#msg#0000000042' },
      { pk, sk: 'multiagent#my%20graph#snapshot#v1.0' },
      { pk, sk: `multiagent#my%20graph#snapstate#${DIGEST}` },
      { pk, sk: 'multiagent#my%20graph#turn#event%231' },
      { pk, sk: 'multiagent#my%20graph#manifest' },
      { pk, sk: `multiagent#my%20graph#msg#0000000042#part#${DIGEST}#0007` },
    ])
    expect(agent.head()).toEqual({ pk: 'session#s', sk: 'agent#a#msg#head' })
    expect([ownerKeyOf('me@b.example'), ownerKeyOf('o', 't')]).toEqual(['owner#me%40b.example', 'tenant#t#owner#o'])
  })

  it('give sequence numbers back', () => {
    fc.assert(
      fc.property(place, seq, ({ location, tenantId }, number) => {
        const keys = new ScopeKeys(location, tenantId)
        expect(keys.seqOf(keys.message(number).sk)).toBe(number)
      }),
    )
  })

  it('give snapshot ids back', () => {
    fc.assert(
      fc.property(place, hostileId, ({ location, tenantId }, snapshotId) => {
        const keys = new ScopeKeys(location, tenantId)
        expect(keys.snapshotIdOf(keys.snapshot(snapshotId).sk)).toBe(snapshotId)
      }),
    )
  })

  it('give session ids back, to their own tenant only', () => {
    fc.assert(
      fc.property(sessionId, tenantId, tenantId, (id, tenant, other) => {
        const found = sessionIdOf(partitionKeyOf(id, tenant), other)
        expect(found).toBe(tenant === other ? id : undefined)
      }),
    )
  })

  test.each([
    ['agent#a#msg#head'],
    ['agent#a#msg#state'],
    ['agent#a#msg#000000001'],
    ['agent#a#msg#00000000001'],
    ['agent#a#msg#+000000001'],
    [`agent#a#msg#0000000001#part#${DIGEST}#0000`],
    ['agent#b#msg#0000000001'],
    ['session'],
  ])('%s is not the key of a message', (sk) => {
    expect(agent.seqOf(sk)).toBeUndefined()
  })

  it('tell whose they are, and which ones make others visible', () => {
    fc.assert(
      fc.property(place, hostileId, seq, (mine, id, number) => {
        const keys = new ScopeKeys(mine.location, mine.tenantId)
        const { scope, scopeId } = mine.location
        const entryPoints = [keys.head(), keys.snapshot(id)]
        const others = [keys.state(), keys.message(number), keys.snapshotState(DIGEST), keys.turn(id), keys.manifest()]
        const parts = [...others, keys.snapshot(id)].map((owner) => partKey(owner, DIGEST, 0))
        for (const { sk } of [...entryPoints, ...others, ...parts]) expect(scopeOf(sk)).toEqual({ scope, scopeId })
        expect(entryPoints.map(({ sk }) => isEntryPoint(sk))).toEqual([true, true])
        expect(others.filter(({ sk }) => isEntryPoint(sk))).toEqual([])
      }),
    )
    expect([scopeOf('session'), scopeOf('agent#a'), scopeOf('other#a#msg#head')]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(isEntryPoint('session')).toBe(false)
  })

  it('of parts tell the item that they belong to, and no other key does', () => {
    fc.assert(
      fc.property(
        place,
        fc.oneof(hostileId, fc.constant('part')),
        seq,
        fc.nat({ max: 9999 }),
        (mine, id, number, index) => {
          const keys = new ScopeKeys({ ...mine.location, scopeId: id }, mine.tenantId)
          const owners = [
            keys.state(),
            keys.message(number),
            keys.snapshotState(DIGEST),
            keys.turn(id),
            keys.manifest(),
          ]
          for (const owner of owners) {
            expect(partOwnerOf(partKey(owner, DIGEST, index).sk)).toEqual({ owner: owner.sk, digest: DIGEST })
          }
          const whole = [...owners, keys.head(), keys.snapshot(id), keys.snapshot('123'), keys.turn('123')]
          expect(whole.filter(({ sk }) => partOwnerOf(sk) !== undefined)).toEqual([])
        },
      ),
    )
    expect(partOwnerOf('session')).toBeUndefined()
  })

  test.each([['%ZZ'], ['%'], ['%2'], ['%00'], ['%E7%95'], ['%41'], ['a b'], ['%c3%a9']])(
    'of no id give none: %j',
    (escaped) => {
      expect(scopeOf(`agent#${escaped}#msg#head`)).toBeUndefined()
      expect(scopeOf(`multiagent#${escaped}#msg#head`)).toBeUndefined()
      if (escaped !== '%00') expect(agent.snapshotIdOf(`agent#a#snapshot#${escaped}`)).toBeUndefined()
      if (escaped !== '%00') expect(sessionIdOf(`session#${escaped}`)).toBeUndefined()
    },
  )

  it('name what a prefix of parts reads', () => {
    const owner = agent.state()
    expect(partPrefix(owner, DIGEST)).toBe(`agent#a#msg#state#part#${DIGEST}#`)
    expect(partKey(owner, DIGEST, 3).sk.startsWith(partPrefix(owner, DIGEST))).toBe(true)
  })
})

describe('no id reaches', () => {
  it('keys of another tenant, session, agent or orchestrator', () => {
    fc.assert(
      fc.property(neighbours, hostileId, seq, ([mine, theirs], snapshotId, number) => {
        fc.pre(JSON.stringify(mine) !== JSON.stringify(theirs))
        expect(keysOf(mine, snapshotId, number).filter(readsOf(theirs))).toEqual([])
        expect(keysOf(theirs, snapshotId, number).filter(readsOf(mine))).toEqual([])
      }),
      { numRuns: 2000 },
    )
  })

  it('another kind of item of its own agent', () => {
    fc.assert(
      fc.property(place, hostileId, hostileId, seq, (mine, one, other, number) => {
        fc.pre(one !== other)
        const keys = [...keysOf(mine, one, number), ...snapshotKeysOf(mine, other)]
        expect(new Set(keys.map(({ pk, sk }) => `${pk}\n${sk}`)).size).toBe(keys.length)
      }),
    )
  })

  test.each([
    ['a#msg#head', 'a'],
    ['a#msg#0000000001#part', 'a'],
    ['a%23msg', 'a#msg'],
    ['A', 'a'],
    ['a ', 'a'],
    ['..', '.'],
    ['%', '%25'],
    // The same letter, composed and decomposed: two ids, because the SDK tells them apart.
    ['é', 'e\u0301'],
  ])('with the id %j the keys of the agent %j', (hostile, victim) => {
    const owned = keysOf({ tenantId: undefined, location: agentAt(hostile) }, 'x', 1)
    expect(owned.filter(readsOf({ tenantId: undefined, location: agentAt(victim) }))).toEqual([])
  })

  it("a session of a tenant, when it is a session without one: 'session#…' and 'tenant#…' never meet", () => {
    expect(partitionKeyOf('b', 'a#session#b')).toBe('tenant#a%23session%23b#session#b')
    expect(errorOf(() => partitionKeyOf('a#session#b'))).toBeInstanceOf(InvalidOptionError)
  })
})

describe('sort keys', () => {
  it('put messages in order, each before its parts, then head, state and the parts of the state', () => {
    const inOrder = [
      agent.message(1).sk,
      partKey(agent.message(1), DIGEST, 0).sk,
      partKey(agent.message(1), DIGEST, 9).sk,
      partKey(agent.message(1), DIGEST, 10).sk,
      agent.message(2).sk,
      agent.message(10).sk,
      agent.message(9_999_999_999).sk,
      agent.head().sk,
      agent.state().sk,
      partKey(agent.state(), DIGEST, 0).sk,
    ]
    expect([...inOrder].reverse().sort(inBytes)).toEqual(inOrder)
    expect(inOrder.every((sk) => sk.startsWith(agent.logPrefix))).toBe(true)
    expect([agent.manifest(), agent.snapshot('x'), agent.snapshotState(DIGEST)].map(({ sk }) => sk)).not.toContainEqual(
      expect.stringMatching(/^agent#a#msg#/),
    )
  })

  it('sort like their sequence numbers', () => {
    fc.assert(
      fc.property(seq, seq, (one, other) => {
        const order = inBytes(agent.message(one).sk, agent.message(other).sk)
        expect(Math.sign(order)).toBe(Math.sign(one - other))
      }),
    )
  })
})

describe('ids', () => {
  const bad = [
    ['empty', ''],
    ['too long', 'x'.repeat(MAX_ID_LENGTH + 1)],
    ['a null character', 'a\u0000'],
    ['a line feed', 'a\nb'],
    ['a delete character', 'a\u007f'],
    ['a C1 control character', 'a\u0085b'],
    ['half a surrogate pair, high', 'a\ud83d'],
    ['half a surrogate pair, low', '\ude00a'],
    ['undefined', undefined],
    ['null', null],
    ['a number', 7],
    ['an array', ['a']],
    ['a String object', new String('a')],
  ] as const

  test.each(bad)('that are %s are refused, with the field and the value', (_, value) => {
    const untyped = value as never
    const facts = (field: string) => ({ name: 'InvalidOptionError', field, value })

    expect(errorOf(() => checkId('owner', untyped))).toMatchObject(facts('owner'))
    expect(errorOf(() => checkSessionId(untyped))).toMatchObject(facts('sessionId'))
    expect(errorOf(() => new ScopeKeys(agentAt(untyped)))).toMatchObject(facts('agentId'))
    expect(errorOf(() => new ScopeKeys({ ...agentAt('a'), sessionId: untyped }))).toMatchObject(facts('sessionId'))
    expect(errorOf(() => new ScopeKeys({ ...agentAt(untyped), scope: 'multiAgent' }))).toMatchObject(
      facts('multiAgentId'),
    )
    expect(errorOf(() => agent.snapshot(untyped))).toMatchObject(facts('snapshotId'))
    expect(errorOf(() => ownerKeyOf(untyped))).toMatchObject(facts('owner'))
    if (value !== undefined) {
      expect(errorOf(() => partitionKeyOf('s', untyped))).toMatchObject(facts('tenantId'))
    }
  })

  test.each(['constructor', 'toString', '__proto__', 'Agent', '', undefined])('%s is no scope', (scope) => {
    const location = { ...agentAt('a'), scope: scope as Scope }
    expect(errorOf(() => new ScopeKeys(location))).toMatchObject({
      name: 'InvalidOptionError',
      field: 'scope',
      value: scope,
    })
  })

  it('may have 256 plain characters, all at once', () => {
    const longest = 'x'.repeat(MAX_ID_LENGTH)
    const keys = new ScopeKeys({ sessionId: longest, scope: 'multiAgent', scopeId: longest }, longest)
    expect(keys.snapshot(longest)).toEqual({
      pk: `tenant#${longest}#session#${longest}`,
      sk: `multiagent#${longest}#snapshot#${longest}`,
    })
    expect(ownerKeyOf(longest, longest)).toBe(`tenant#${longest}#owner#${longest}`)
  })

  it("are refused when their keys would not fit DynamoDB's limits", () => {
    const long = fc
      .tuple(fc.constantFrom('x', '#', 'é', '界', '😀'), fc.integer({ min: 1, max: MAX_ID_LENGTH }))
      .map(([unit, count]) => unit.repeat(count).slice(0, MAX_ID_LENGTH))
      .filter((id) => id.isWellFormed())
    fc.assert(
      fc.property(long, long, long, (tenant, scopeId, snapshotId) => {
        const mine = { tenantId: tenant, location: agentAt(scopeId) }
        const attempt = valueOrError(() => keysOf(mine, snapshotId, 1))
        if (attempt instanceof Error) {
          const tooLong = [
            [`tenant#${encodeURIComponent(tenant)}#session#s`, 2048, 'tenantId', tenant],
            // The longest key of a scope is that of a part of a snapshot's state.
            [`agent#${encodeURIComponent(scopeId)}#snapshot#`, 1024 - 80, 'agentId', scopeId],
            [
              `agent#${encodeURIComponent(scopeId)}#snapshot#${encodeURIComponent(snapshotId)}`,
              1024,
              'snapshotId',
              snapshotId,
            ],
          ] as const
          const first = tooLong.find(([key, limit]) => key.length > limit)
          expect(attempt).toMatchObject({ name: 'InvalidOptionError', field: first?.[2], value: first?.[3] })
        } else {
          for (const { pk, sk } of attempt) {
            expect(Buffer.byteLength(pk)).toBeLessThanOrEqual(2048)
            expect(Buffer.byteLength(sk)).toBeLessThanOrEqual(1024)
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  it('name the owner whose key would be too long', () => {
    expect(ownerKeyOf('界'.repeat(226))).toHaveLength('owner#'.length + 226 * 9)
    expect(errorOf(() => ownerKeyOf('界'.repeat(227)))).toMatchObject({ field: 'owner', value: '界'.repeat(227) })
  })
})

/** One key of every kind that a scope can have. */
function keysOf({ location, tenantId }: Place, snapshotId: string, number: number): ItemKey[] {
  const keys = new ScopeKeys(location, tenantId)
  const owners = [keys.message(number), keys.state(), keys.snapshotState(DIGEST), keys.manifest()]
  const parts = owners.map((owner) => partKey(owner, DIGEST, 9999))
  return [...owners, ...parts, keys.head(), keys.snapshot(snapshotId), keys.turn(snapshotId)]
}

function snapshotKeysOf({ location, tenantId }: Place, snapshotId: string): ItemKey[] {
  return [new ScopeKeys(location, tenantId).snapshot(snapshotId)]
}

/** Whether a scope's requests would read or write a key. */
function readsOf({ location, tenantId }: Place): (key: ItemKey) => boolean {
  const keys = new ScopeKeys(location, tenantId)
  const turnPrefix = keys.turn('x').sk.slice(0, -1)
  const prefixes = [keys.logPrefix, keys.snapshotPrefix, keys.snapshotState('').sk, keys.manifest().sk, turnPrefix]
  return ({ pk, sk }) => pk === keys.pk && prefixes.some((prefix) => sk.startsWith(prefix))
}

/** DynamoDB's order of strings. */
function inBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}

function valueOrError<T>(make: () => T): T | Error {
  try {
    return make()
  } catch (error) {
    if (error instanceof InvalidOptionError) return error
    throw error
  }
}
