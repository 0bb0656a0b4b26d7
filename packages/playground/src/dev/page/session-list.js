/** The list of the user's conversations. */

import { byId, fromTemplate, make } from './elements.js'

/** @typedef {import('./agent-client.js').SessionSummary} SessionSummary */

const list = byId('sessions', HTMLUListElement)
const older = byId('older', HTMLButtonElement)
const none = byId('no-sessions', HTMLParagraphElement)

const UNITS = /** @type {const} */ ([
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
])
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })

/** @typedef {{ open: (sessionId: string) => void, remove: (sessionId: string, title: string) => void, more: (cursor: string) => void }} Actions */

export class SessionList {
  /** @type {Actions} */
  #actions
  /** @type {string | undefined} */
  #cursor

  /** @param {Actions} actions - what a click leads to */
  constructor(actions) {
    this.#actions = actions
    older.addEventListener('click', () => this.#cursor !== undefined && actions.more(this.#cursor))
  }

  /**
   * Shows a page of sessions.
   *
   * @param {import('./agent-client.js').SessionPage} page
   * @param {boolean} isMore - whether it comes after what is shown
   */
  show({ sessions, cursor }, isMore) {
    const items = sessions.map((session) => this.#item(session))
    if (isMore) list.append(...items)
    else list.replaceChildren(...items)
    this.#cursor = cursor
    older.hidden = cursor === undefined
    none.hidden = list.childElementCount > 0
  }

  /**
   * Marks the conversation that is open.
   *
   * @param {string | undefined} sessionId
   * @returns {string | undefined} its title, when it is in the list
   */
  mark(sessionId) {
    let title
    for (const link of list.querySelectorAll('a')) {
      if (link.dataset['session'] === sessionId) {
        link.setAttribute('aria-current', 'page')
        title = link.querySelector('.name')?.textContent ?? undefined
      } else {
        link.removeAttribute('aria-current')
      }
    }
    return title
  }

  /** @param {SessionSummary} session */
  #item({ sessionId, title, updatedAt }) {
    const name = title ?? `Conversation ${sessionId.slice(0, 8)}`
    const href = `/?session=${encodeURIComponent(sessionId)}`
    const time = make('time', { datetime: updatedAt }, ago(new Date(updatedAt)))
    const link = make('a', { href, title: name }, make('span', { class: 'name' }, name), time)
    link.dataset['session'] = sessionId
    link.addEventListener('click', (event) => {
      // A new tab or window is the browser's affair.
      if (event.ctrlKey || event.metaKey || event.shiftKey) return
      event.preventDefault()
      this.#actions.open(sessionId)
    })
    const attributes = { type: 'button', class: 'quiet icon', 'aria-label': `Delete “${name}”` }
    const button = make('button', attributes, fromTemplate('trash'))
    button.addEventListener('click', () => this.#actions.remove(sessionId, name))
    return make('li', {}, link, button)
  }
}

/**
 * How long ago something was, for people.
 *
 * @param {Date} date
 */
function ago(date) {
  const seconds = (Date.now() - date.getTime()) / 1000
  if (seconds > 7 * 86_400) return date.toLocaleDateString('en', { dateStyle: 'medium' })
  const [unit, size] = UNITS.find(([, length]) => seconds >= length) ?? ['second', 1]
  return unit === 'second' ? 'just now' : relative.format(-Math.floor(seconds / size), unit)
}
