/** Ids that try to reach into each other's keys. */

import fc from 'fast-check'

/** Where something of a session is: the ids that callers choose. */
export interface Ids {
  readonly tenantId: string | undefined
  readonly sessionId: string
  readonly agentId: string
  readonly snapshotId: string
  readonly turnId: string
  readonly owner: string
}

/** Pieces of keys, and what is special to them. */
const PIECES = [
  ...['a', 'b', 'A', '0', '0000000001', ' ', 'é', 'e\u0301', '界', '😀', '/', '..', '~', '$', '"', "'", '\\'],
  ...['#', '%', '%23', '%25', 'session', 'session#', 'tenant#', '#tenant#', '#session#', 'owner#', '#owner#'],
  ...[
    'agent#',
    'multiagent#',
    '#msg#',
    '#msg#head',
    '#msg#state',
    '#snapshot#',
    '#snapstate#',
    '#turn#',
    '#part#',
    '#manifest',
  ],
]

/** Pieces of what the SDK allows in a session id. */
const SESSION_PIECES = ['a', 'b', '-', '_', '0', 'session', 'tenant', 'agent', 'msg', 'head']

/** Two places that differ in at least one id. */
export function twoPlaces(): fc.Arbitrary<{ readonly mine: Ids; readonly theirs: Ids }> {
  const id = joined(PIECES)
  const ids: fc.Arbitrary<Ids> = fc.record({
    tenantId: fc.option(id, { nil: undefined }),
    sessionId: joined(SESSION_PIECES),
    agentId: id,
    snapshotId: id,
    turnId: id,
    owner: id,
  })
  const changed = fc.subarray(['tenantId', 'sessionId', 'agentId', 'snapshotId', 'turnId', 'owner'] as const, {
    minLength: 1,
    maxLength: 2,
  })
  return fc
    .tuple(ids, ids, changed)
    .map(([mine, other, names]) => ({
      mine,
      theirs: { ...mine, ...Object.fromEntries(names.map((name) => [name, other[name]])) },
    }))
    .filter(({ mine, theirs }) => JSON.stringify(mine) !== JSON.stringify(theirs))
}

/** Ids that nothing accepts. */
export const REFUSED = ['', '\u0000', 'a\nb', '\u007f', '\ud83d', 'x'.repeat(257), '界'.repeat(256)] as const

function joined(pieces: readonly string[]): fc.Arbitrary<string> {
  return fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 4 }).map((parts) => parts.join(''))
}
