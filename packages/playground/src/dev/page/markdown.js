/** Shows the part of Markdown that models write: paragraphs, headings, lists, code, emphasis and links. */

import { make } from './elements.js'

const FENCE = /^ {0,3}(```+|~~~+)/
const HEADING = /^ {0,3}#{1,6} +(.*?)(?: +#+)?$/
const ITEM = /^ {0,6}(?:[-*+]|(\d{1,9})[.)]) +(.*)$/
/** Code, strong and plain emphasis, and links to the web. */
const INLINE = /(`+)(.+?)\1|\*\*(\S(?:.*?\S)?)\*\*|\*(\S(?:.*?\S)?)\*|\[([^\]]+)\]\((https?:\/\/[^\s)]+)\)/s

/**
 * The elements for a text. Whatever is no Markdown is shown as it is; nothing in it can become other markup.
 *
 * @param {string} text
 * @returns {HTMLElement[]}
 */
export function renderMarkdown(text) {
  /** @type {HTMLElement[]} */
  const blocks = []
  const lines = text.split('\n')
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] ?? ''
    const fence = FENCE.exec(line)?.[1]
    if (line.trim() === '') {
      at += 1
    } else if (fence !== undefined) {
      const end = lines.findIndex((other, index) => index > at && other.trim().startsWith(fence))
      const code = lines.slice(at + 1, end < 0 ? undefined : end).join('\n')
      // A wide listing scrolls, so it must be within the keyboard's reach.
      blocks.push(make('pre', { tabindex: '0', role: 'region', 'aria-label': 'Code' }, make('code', {}, code)))
      at = end < 0 ? lines.length : end + 1
    } else if (HEADING.test(line)) {
      blocks.push(make('h3', {}, ...inline(HEADING.exec(line)?.[1] ?? '')))
      at += 1
    } else {
      const isItem = ITEM.test(line)
      const end = lines.findIndex((other, index) => index > at && endsBlock(other, isItem))
      const block = lines.slice(at, end < 0 ? undefined : end)
      blocks.push(isItem ? list(block) : make('p', {}, ...inlineLines(block)))
      at += block.length
    }
  }
  return blocks
}

/**
 * Whether a line is not part of the list or paragraph before it.
 *
 * @param {string} line
 * @param {boolean} inList
 */
function endsBlock(line, inList) {
  return line.trim() === '' || FENCE.test(line) || HEADING.test(line) || (ITEM.test(line) && !inList)
}

/** @param {string[]} lines */
function list(lines) {
  /** @type {string[][]} */
  const items = []
  for (const line of lines) {
    const item = ITEM.exec(line)
    if (item) items.push([item[2] ?? ''])
    else items.at(-1)?.push(line.trim())
  }
  const first = ITEM.exec(lines[0] ?? '')?.[1]
  const children = items.map((item) => make('li', {}, ...inlineLines(item)))
  return first === undefined ? make('ul', {}, ...children) : make('ol', { start: first }, ...children)
}

/**
 * @param {string[]} lines
 * @returns {(Node | string)[]}
 */
function inlineLines(lines) {
  return lines.flatMap((line, index) => (index === 0 ? inline(line) : [make('br'), ...inline(line)]))
}

/**
 * @param {string} text
 * @returns {(Node | string)[]}
 */
function inline(text) {
  const match = INLINE.exec(text)
  if (match === null) return [text]
  const [whole, , code, strong, emphasis, label, url] = match
  /** @type {Node} */
  let node
  if (code !== undefined) node = make('code', {}, code)
  else if (strong !== undefined) node = make('strong', {}, ...inline(strong))
  else if (emphasis !== undefined) node = make('em', {}, ...inline(emphasis))
  else node = make('a', { href: url, target: '_blank', rel: 'noopener noreferrer' }, label ?? '')
  return [text.slice(0, match.index), node, ...inline(text.slice(match.index + whole.length))]
}
