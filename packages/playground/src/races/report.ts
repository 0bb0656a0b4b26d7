/** Prints what races came to. */

import { alignRows, formatNumber, type Paint } from '../format.ts'
import type { ProtectionFacts, RaceFacts, RacesReport } from './facts.ts'

/** The promises, and whether the races kept them. */
export function checkPromises(races: readonly RaceFacts[], protection: ProtectionFacts): RacesReport['promises'] {
  const all = (promise: string, kept: (race: RaceFacts) => boolean) => ({ promise, kept: races.every(kept) })
  return [
    all('no acknowledged turn is lost, doubled or mixed with another', ({ lost }) => lost === 0),
    all('waiting: every turn is acknowledged and stored, in alternation', (race) => {
      const { mode, started, acknowledged, stored, leftOver } = race
      return !mode.startsWith('waiting') || (acknowledged === started && stored === started && leftOver === 0)
    }),
    all("waiting, with state: no change of an agent's state is lost", ({ mode, started, counted }) => {
      return mode !== 'waiting, with state' || counted === started
    }),
    all('not waiting: a turn is either acknowledged or busy, and busy ones cost no model call', (race) => {
      const { mode, started, acknowledged, busy, stored, leftOver, wasted } = race
      const isKept = acknowledged + busy === started && stored === acknowledged && leftOver === 0 && wasted === 0
      return mode !== 'not waiting' || isKept
    }),
    all('without exclusion: a turn is either acknowledged or a conflict', (race) => {
      const { mode, started, acknowledged, conflicts } = race
      return mode !== 'without exclusion' || acknowledged + conflicts === started
    }),
    all('every session is whole', ({ problems }) => problems.length === 0),
    {
      promise: 'turns that nobody disturbs cost nothing extra',
      kept:
        protection.writeUnitsPerTurn === protection.writeUnitsPerTurnWithoutExclusion &&
        protection.requestsPerTurn === protection.requestsPerTurnWithoutExclusion,
    },
  ]
}

/** The report as lines for people. */
export function raceLines({ engine, races, protection, promises }: RacesReport, paint: Paint): string[] {
  const extra = protection.writeUnitsPerTurn - protection.writeUnitsPerTurnWithoutExclusion
  const failures = [...new Set(races.flatMap((race) => [...race.failures, ...race.problems]))]
  return [
    paint.bold(`Races on ${engine}: each writer is a process, each turn four messages`),
    '',
    ...alignRows([
      [
        '',
        'writers',
        'sessions',
        'started',
        'acknowledged',
        'busy',
        'conflicts',
        'failed',
        'stored',
        'lost',
        'seconds',
      ],
      ...races.map((race) => [
        ...[race.mode, race.writers, race.sessions, race.started, race.acknowledged, race.busy, race.conflicts],
        ...[race.failures.length, race.stored, race.lost, race.seconds],
      ]),
    ]),
    '',
    `Undisturbed turns: ${unitsOf(protection.writeUnitsPerTurn)} each with turn exclusion, ` +
      `${unitsOf(protection.writeUnitsPerTurnWithoutExclusion)} without; it costs ${unitsOf(extra)} more.`,
    '',
    ...promises.map(({ promise, kept }) => `${kept ? paint.green('kept  ') : paint.red('BROKEN')}  ${promise}`),
    ...failures.slice(0, 10).map((failure) => paint.red(failure)),
  ]
}

function unitsOf(units: number): string {
  return `${formatNumber(units)} WCU`
}
