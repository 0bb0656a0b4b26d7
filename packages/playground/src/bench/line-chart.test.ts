import { expect, test } from 'vitest'
import { type Chart, drawChart, spread } from './line-chart.ts'

const chart: Chart = {
  title: 'Units & more',
  description: 'Ours < theirs.',
  note: 'A note.',
  xTitle: 'turn',
  xTicks: [1, 10, 100],
  panels: [
    {
      title: 'one',
      lines: [
        {
          label: 'ours',
          points: [
            [1, 10],
            [10, 10],
            [100, 10],
          ],
        },
        {
          label: 'theirs',
          points: [
            [1, 1],
            [10, 1_000],
          ],
          cutAt: 11,
        },
        { label: 'empty', points: [] },
      ],
    },
    { title: 'two', lines: [{ label: 'theirs', points: [[1, 5]] }] },
  ],
}

test('draws well-formed XML with a title and a description', () => {
  const svg = drawChart(chart)
  expect(elementsOf(svg)).toContain('path')
  expect(svg).toContain('<title id="title">Units &amp; more</title>')
  expect(svg).toContain('<desc id="desc">Ours &lt; theirs.</desc>')
  expect(svg).toMatch(/aria-labelledby="title desc"/)
  expect(svg).toMatch(/@media \(prefers-color-scheme:dark\)/)
  expect(svg).not.toMatch(/NaN|Infinity|undefined/)
})

test('draws each value where a logarithmic axis has it', () => {
  const [ours = '', theirs = ''] = [...drawChart(chart).matchAll(/<path class="line[^"]*" d="(M[^l"]+)"/g)].map(
    ([, d]) => d,
  )
  // From 1 to 1,000 on an axis from the bottom, 226, to the top, 34; turn 10 of 100 is half-way.
  expect(ours).toBe('M56 162L181 162L306 162')
  expect(theirs).toBe('M56 226L181 34')
})

test('labels each line at its end, and a line that was cut off with where', () => {
  const svg = drawChart(chart)
  expect(svg.match(/>theirs<\/text>/g)).toHaveLength(2)
  expect(svg).toMatch(/text-anchor="middle">11<\/text>/)
  expect(svg).not.toContain('>empty<')
})

test('a label has the same colour in every panel', () => {
  const classes = [...drawChart(chart).matchAll(/<text class="(t\d)"[^>]*>theirs</g)].map(([, name]) => name)
  expect(classes).toEqual(['t1', 't1'])
})

test('spreads labels that would cover each other, in their order', () => {
  expect(spread([50, 10, 90], 10, 0, 100)).toEqual([50, 10, 90])
  expect(spread([10, 10, 12], 10, 0, 100)).toEqual([10, 20, 30])
  expect(spread([99, 98, 97], 10, 0, 100)).toEqual([100, 90, 80])
  expect(spread([], 10, 0, 100)).toEqual([])
})

/** The names of a document's elements, all of them closed and none before its turn. */
function elementsOf(xml: string): string[] {
  const open: string[] = []
  const names: string[] = []
  for (const [, end, name = '', isEmpty] of xml.matchAll(/<(\/?)([a-z]+)(?:\s+[a-zA-Z-]+="[^"<]*")*(\/?)>/g)) {
    if (end === '/') expect(open.pop()).toBe(name)
    else {
      names.push(name)
      if (isEmpty !== '/') open.push(name)
    }
  }
  expect(open).toEqual([])
  // What is left once the elements are gone has no markup in it.
  expect(xml.replace(/<style>.*<\/style>/, '').replace(/<\/?[a-z]+(?:\s+[a-zA-Z-]+="[^"<]*")*\/?>/g, '')).not.toMatch(
    /[<>]/,
  )
  return names
}
