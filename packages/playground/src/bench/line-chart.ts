/** Line charts as SVG: small panels with logarithmic axes and labels at the ends of the lines. Pure. */

/** A line: its points from left to right, all of them above zero. */
export interface Line {
  readonly label: string
  readonly points: readonly (readonly [x: number, y: number])[]
  /** Where the line was cut off, when it was: it then ends with a cross and this number. */
  readonly cutAt?: number | undefined
}

/** One set of axes. */
export interface Panel {
  readonly title: string
  /** The same label has the same colour in every panel: the first one stands out. */
  readonly lines: readonly Line[]
}

/** What a file shows. */
export interface Chart {
  readonly title: string
  /** What can be seen in it, for those who cannot see it. */
  readonly description: string
  /** A line below the title. */
  readonly note: string
  readonly xTitle: string
  /** Written at the horizontal axis. */
  readonly xTicks: readonly number[]
  readonly panels: readonly Panel[]
}

const COLUMNS = 2
const PANEL = { width: 490, height: 270 }
const PLOT = { left: 56, right: 306, top: 34, bottom: 226 }
const HEAD = 60
const LABEL_HEIGHT = 13

/** Colours by the position of a line, for light and for dark surroundings: told apart by the colour-blind too (Okabe, Ito). */
const COLOURS = [
  ['#0060a8', '#56b4e9'],
  ['#b54a00', '#ff8c42'],
  ['#8a6d00', '#e6c84a'],
  ['#00795a', '#2fc79a'],
  ['#9b4a80', '#dd9cc4'],
] as const

const STYLE = [
  'text{font:12px system-ui,-apple-system,"Segoe UI",sans-serif;fill:#1f2328}',
  '.title{font-size:16px;font-weight:600}.panel{font-size:13px;font-weight:600}.tick{font-size:11px;fill:#59636e}',
  '.back{fill:#fff}.grid{stroke:#d9dee3}.line{fill:none;stroke-width:1.75}.first{stroke-width:3}.lead{stroke-width:.75;stroke-dasharray:2 3}',
  ...COLOURS.map(([light], index) => `.s${index}{stroke:${light}}.t${index}{fill:${light}}`),
  '@media (prefers-color-scheme:dark){text{fill:#e6edf3}.tick{fill:#9198a1}.back{fill:#0d1117}.grid{stroke:#2a313a}',
  ...COLOURS.map(([, dark], index) => `.s${index}{stroke:${dark}}.t${index}{fill:${dark}}`),
  '}',
].join('')

/** Draws a chart. The text is well-formed XML whatever the labels hold. */
export function drawChart(chart: Chart): string {
  const width = COLUMNS * PANEL.width
  const height = HEAD + Math.ceil(chart.panels.length / COLUMNS) * PANEL.height
  const labels = [...new Set(chart.panels.flatMap(({ lines }) => lines.map(({ label }) => label)))]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title desc">`,
    `<title id="title">${escapeXml(chart.title)}</title>`,
    `<desc id="desc">${escapeXml(chart.description)}</desc>`,
    `<style>${STYLE}</style>`,
    `<rect class="back" width="${width}" height="${height}"/>`,
    `<text class="title" x="16" y="28">${escapeXml(chart.title)}</text>`,
    `<text x="16" y="46">${escapeXml(chart.note)}</text>`,
    ...chart.panels.map((panel, index) => {
      const [x, y] = [(index % COLUMNS) * PANEL.width, HEAD + Math.floor(index / COLUMNS) * PANEL.height]
      return `<g transform="translate(${x} ${y})">${drawPanel(panel, chart, labels)}</g>`
    }),
    '</svg>',
    '',
  ].join('\n')
}

/** Moves positions apart until neighbours have some distance, within limits where there is room; keeps their order. */
export function spread(positions: readonly number[], distance: number, lowest: number, highest: number): number[] {
  const order = positions.map((_, index) => index).sort((one, other) => (positions[one] ?? 0) - (positions[other] ?? 0))
  const placed: number[] = positions.map(() => 0)
  let last = lowest - distance
  for (const index of order) {
    last = Math.max(positions[index] ?? 0, last + distance)
    placed[index] = last
  }
  let next = highest + distance
  for (const index of order.reverse()) {
    next = Math.min(placed[index] ?? 0, next - distance)
    placed[index] = next
  }
  return placed
}

function drawPanel({ title, lines }: Panel, { xTitle, xTicks }: Chart, labels: readonly string[]): string {
  const points = lines.flatMap((line) => line.points)
  const x = scale([...xTicks, ...points.map(([turn]) => turn)], PLOT.left, PLOT.right)
  const [lowest, highest] = decades(points.map(([, value]) => value))
  const y = scale([lowest, highest], PLOT.bottom, PLOT.top)
  const drawn = lines.filter((line) => line.points.length > 0)
  const ends = spread(
    drawn.map(({ points: [...each] }) => y(each.at(-1)?.[1] ?? lowest)),
    LABEL_HEIGHT,
    PLOT.top,
    PLOT.bottom,
  )
  return [
    `<text class="panel" x="${PLOT.left}" y="20">${escapeXml(title)}</text>`,
    ...ticksOf(lowest, highest).map(
      (value) =>
        `<path class="grid" d="M${PLOT.left} ${round(y(value))}H${PLOT.right}"/>` +
        `<text class="tick" x="${PLOT.left - 6}" y="${round(y(value) + 4)}" text-anchor="end">${shortNumber(value)}</text>`,
    ),
    ...xTicks.map(
      (turn) => `<text class="tick" x="${round(x(turn))}" y="${PLOT.bottom + 16}" text-anchor="middle">${turn}</text>`,
    ),
    `<text class="tick" x="${PLOT.right}" y="${PLOT.bottom + 32}" text-anchor="end">${escapeXml(xTitle)}</text>`,
    ...drawn.map((line, index) => drawLine(line, labels.indexOf(line.label), x, y, ends[index] ?? 0)),
  ].join('')
}

function drawLine(
  { label, points, cutAt }: Line,
  position: number,
  x: (value: number) => number,
  y: (value: number) => number,
  labelY: number,
): string {
  const colour = position % COLOURS.length
  const placed = points.map(([turn, value]) => [round(x(turn)), round(y(value))] as const)
  const [endX = 0, endY = 0] = placed.at(-1) ?? []
  const kind = `line s${colour}${position === 0 ? ' first' : ''}`
  const end =
    cutAt === undefined
      ? `<circle class="t${colour}" cx="${endX}" cy="${endY}" r="3"/>`
      : `<path class="${kind}" d="M${endX - 4} ${endY - 4}l8 8m0 -8l-8 8"/>` +
        `<text class="tick" x="${endX}" y="${round(endY - 8)}" text-anchor="middle">${cutAt}</text>`
  const lead = `<path class="lead s${colour}" d="M${endX + 6} ${endY}L${PLOT.right + 10} ${round(labelY)}"/>`
  return (
    `<path class="${kind}" d="M${placed.map((point) => point.join(' ')).join('L')}"/>${end}${lead}` +
    `<text class="t${colour}" x="${PLOT.right + 13}" y="${round(labelY + 4)}">${escapeXml(label)}</text>`
  )
}

/** A logarithmic scale. */
function scale(values: readonly number[], from: number, to: number): (value: number) => number {
  const [low, high] = [Math.log(Math.min(...values)), Math.log(Math.max(...values))]
  return (value) => from + ((to - from) * (Math.log(value) - low)) / (high - low || 1)
}

/** The powers of ten around some values. */
function decades(values: readonly number[]): [lowest: number, highest: number] {
  const low = Math.floor(Math.log10(Math.min(...values, 10)))
  const high = Math.ceil(Math.log10(Math.max(...values, 1)))
  return [10 ** low, 10 ** Math.max(high, low + 1)]
}

function ticksOf(lowest: number, highest: number): number[] {
  const count = Math.round(Math.log10(highest / lowest))
  return Array.from({ length: count + 1 }, (_, index) => lowest * 10 ** index)
}

function shortNumber(value: number): string {
  if (value >= 1_000_000) return `${value / 1_000_000}M`
  if (value >= 1_000) return `${value / 1_000}k`
  return String(Number(value.toPrecision(3)))
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function escapeXml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;')
}
