/** Text for terminals: colours, aligned tables, numbers. */

/** Wraps text in a terminal style, or leaves it as it is. */
export type Paint = Readonly<Record<'bold' | 'dim' | 'red' | 'green' | 'cyan' | 'yellow', (text: string) => string>>

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const

/** Styles for a stream: none unless it is a terminal, and none when `NO_COLOR` is set (https://no-color.org). */
export function paintFor(stream: { readonly isTTY?: boolean }, environment: NodeJS.ProcessEnv = process.env): Paint {
  const isColoured = stream.isTTY === true && !environment.NO_COLOR
  const style =
    (code: number) =>
    (text: string): string =>
      isColoured ? `\u001b[${code}m${text}\u001b[0m` : text
  return {
    bold: style(CODES.bold),
    dim: style(CODES.dim),
    red: style(CODES.red),
    green: style(CODES.green),
    yellow: style(CODES.yellow),
    cyan: style(CODES.cyan),
  }
}

/** Lines with their columns aligned: numbers to the right, everything else to the left. */
export function alignRows(rows: readonly (readonly (string | number)[])[]): string[] {
  const texts = rows.map((row) => row.map((cell) => (typeof cell === 'number' ? formatNumber(cell) : cell)))
  const widths = texts.reduce<number[]>(
    (known, row) => row.map((text, column) => Math.max(known[column] ?? 0, text.length)),
    [],
  )
  const isNumeric = widths.map((_, column) => rows.some((row) => typeof row[column] === 'number'))
  return texts.map((row) =>
    row
      .map((text, column) => {
        const width = widths[column] ?? 0
        return isNumeric[column] ? text.padStart(width) : text.padEnd(width)
      })
      .join('  ')
      .trimEnd(),
  )
}

/** A number as people read it: thousands separated, at most one decimal. */
export function formatNumber(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 1 })
}

/** A count with its noun, e.g. `1 message`, `12 messages`. */
export function countOf(count: number, noun: string): string {
  return `${formatNumber(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** A text on one line, cut to a length. */
export function oneLine(text: string, length: number): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > length ? `${line.slice(0, length - 1)}…` : line
}
