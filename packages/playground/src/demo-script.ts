/** The conversation of the demo. */

import { randomInt } from 'node:crypto'

/** What the two processes are asked. */
export interface DemoScript {
  /** Made up for this run, and said to the first process only. */
  readonly code: string
  /** Questions for the process that gets killed. */
  readonly first: readonly string[]
  /** Questions for the process that resumes. */
  readonly second: readonly string[]
}

/** Letters that are hard to mistake for digits. */
const LETTERS = 'ACEFHKMPRTXY'

/** A conversation about a secret that no model and no source file can know. */
export function newScript(random: (below: number) => number = randomInt): DemoScript {
  const code = `${LETTERS.charAt(random(LETTERS.length))}${LETTERS.charAt(random(LETTERS.length))}-${1_000 + random(9_000)}`
  return {
    code,
    first: [
      'Hi, my name is Ada and I live in Lisbon.',
      'What is the weather at home?',
      `Remember that the code for the parcel locker is ${code}.`,
      'Save a note: collect the parcel before Friday.',
    ],
    second: ['What is the code for the parcel locker, and what was the weather in Lisbon?', 'Which notes do I have?'],
  }
}
