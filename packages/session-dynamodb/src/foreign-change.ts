/** Tells whether somebody else has changed a log since this writer knew it. Pure. */

import type { ConflictFacts } from './errors.ts'
import type { Head } from './items.ts'
import type { ScopeKeys } from './keys.ts'
import type { LogEntry } from './window.ts'

/** What a writer knew of a log. */
export interface KnownBefore {
  readonly head: Pick<Head, 'version'>
  readonly last: number
}

/** What is stored by now. */
export interface FoundNow {
  readonly head: Pick<Head, 'version' | 'writer'>
  readonly window: readonly number[] | undefined
  readonly entries: ReadonlyMap<number, LogEntry>
  /** Name of the writer who asks. */
  readonly writer: string
}

/**
 * Looks for a head or a row that is newer than what was known and not the writer's own.
 *
 * @param before - undefined or null when nothing was stored.
 * @param now - undefined when nothing is stored.
 */
export function foreignChange(
  keys: ScopeKeys,
  before: KnownBefore | null,
  now: FoundNow | undefined,
): Pick<ConflictFacts, 'key' | 'expected' | 'actual' | 'writer'> | undefined {
  const version = before?.head.version ?? 0
  const expected = `version ${version}`
  if (now === undefined) return version === 0 ? undefined : { key: keys.head().sk, expected, actual: 'nothing' }
  const { head, window, entries, writer } = now
  if (head.version !== version && head.writer !== writer) {
    const actual = `version ${head.version} written by ${head.writer}`
    return { key: keys.head().sk, expected, actual, writer: head.writer }
  }
  for (const seq of window ?? []) {
    const found = entries.get(seq)?.writer
    if (seq > (before?.last ?? 0) && found !== writer) {
      const actual = `one written by ${found}`
      return { key: keys.message(seq).sk, expected: 'a row of this writer', actual, writer: found }
    }
  }
  return undefined
}
