/** Shows a question, and the answer to it as it grows. */

import { make } from './elements.js'
import { renderMarkdown } from './markdown.js'

/** What a tool line says before and after the tool's name. */
const TOOL_STATUS = /** @type {const} */ ({
  started: ['Using ', ' …'],
  success: ['Used ', ''],
  error: ['', ' failed'],
})

/**
 * @param {string} text
 * @returns {HTMLElement}
 */
export function questionElement(text) {
  return make('div', { class: 'question' }, make('p', {}, make('span', { class: 'hidden' }, 'You said: '), text))
}

/** An answer: text, and a line for each tool that was used, in the order in which they came. */
export class Answer {
  element = make('div', { class: 'answer' })
  /** @type {Map<string, HTMLElement>} lines by the id of the tool's use */
  #tools = new Map()
  /** The text that grows at the moment. */
  #text = ''
  /** @type {HTMLElement | undefined} */
  #prose
  #isDrawing = false

  /** Whether more is to come; readers that speak wait for the end. @param {boolean} isGrowing */
  set isGrowing(isGrowing) {
    this.element.setAttribute('aria-busy', String(isGrowing))
  }

  get isEmpty() {
    return this.element.childElementCount === 0
  }

  /** @param {string} text */
  addText(text) {
    if (this.#prose === undefined) {
      this.#prose = make('div', { class: 'prose' })
      this.#text = ''
      this.element.append(this.#prose)
    }
    this.#text += text
    if (this.#isDrawing) return
    // Words come faster than a screen shows them.
    this.#isDrawing = true
    requestAnimationFrame(() => this.#draw())
  }

  /**
   * @param {string} toolUseId
   * @param {string} name
   * @param {'started' | 'success' | 'error'} status
   */
  setTool(toolUseId, name, status) {
    let line = this.#tools.get(toolUseId)
    if (line === undefined) {
      this.#draw()
      this.#prose = undefined
      line = make('p', { class: 'tool' })
      this.#tools.set(toolUseId, line)
      this.element.append(line)
    }
    line.dataset['status'] = status
    const [before, after] = TOOL_STATUS[status]
    line.replaceChildren(make('span', {}, before, make('strong', {}, name), after))
  }

  /** Shows all that has come. */
  #draw() {
    this.#isDrawing = false
    this.#prose?.replaceChildren(...renderMarkdown(this.#text))
  }
}
