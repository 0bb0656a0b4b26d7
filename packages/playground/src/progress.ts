/** Says how far a long run is: on one line of a terminal, else in plain lines from time to time. */

/** Where progress goes: stderr, as a rule, because stdout is for results. */
export interface ProgressStream {
  readonly isTTY?: boolean
  readonly write: (text: string) => unknown
}

/** What tells how far a run is. */
export interface Progress {
  /** Tells which step of how many is done. A stream that is no terminal gets each `every`th step, and the last. */
  readonly step: (what: string, done: number, total: number) => void
  /** Takes the line of a terminal away. */
  readonly end: () => void
}

/** Starts to tell. @param every - Steps from one plain line to the next. */
export function startProgress(unit: string, every: number, stream: ProgressStream = process.stderr): Progress {
  return {
    step: (what, done, total) => {
      const text = `${what}: ${unit} ${done} of ${total}`
      if (stream.isTTY) stream.write(`\r\u001b[K${text}`)
      else if (done % every === 0 || done === total) stream.write(`${text}\n`)
    },
    end: () => {
      if (stream.isTTY) stream.write('\r\u001b[K')
    },
  }
}
