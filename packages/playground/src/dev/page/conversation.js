/** One conversation on the page: what was said in it, and the turn that is under way. */

import { AgentError } from './agent-client.js'
import { Answer, questionElement } from './answer.js'
import { announce, make } from './elements.js'
import { forgetTurn, pendingTurn, rememberTurn } from './pending-turn.js'

/** @typedef {import('./agent-client.js').AgentClient} AgentClient */
/** @typedef {import('./agent-client.js').Turn} Turn */

/** How near to its end a conversation counts as read to the end, in pixels. */
const NEAR_END = 80

/** What is said about failures that the agent does not put into words for people. */
const EXPLANATIONS = new Map([
  ['busy', 'Another answer is being written in this conversation. Wait for it to end, then try again.'],
  ['unreachable', 'The agent cannot be reached. See that it runs, then try again.'],
  ['cut_off', 'The connection was lost. Try again: your message is not sent twice.'],
  ['not_found', 'This conversation does not exist, or not any more.'],
  ['internal', 'The agent could not answer. Its log says why.'],
])

/** Failures that the same request meets again. */
const FINAL = new Set(['bad_request', 'too_large', 'not_found'])

export class Conversation {
  element = make('div', { class: 'log', role: 'log', 'aria-label': 'Conversation', tabindex: '0' })
  /** @type {AbortController | undefined} */
  #running
  /** @type {AgentClient} */
  #client
  /** @type {(conversation: Conversation) => void} */
  #onChange

  /**
   * @param {AgentClient} client
   * @param {string | undefined} sessionId - absent for a new conversation
   * @param {(conversation: Conversation) => void} onChange - called when the session is known, and when a turn begins or ends
   */
  constructor(client, sessionId, onChange) {
    this.#client = client
    this.sessionId = sessionId
    this.#onChange = onChange
  }

  get isAnswering() {
    return this.#running !== undefined
  }

  /** Shows what the table has of the conversation. */
  async load() {
    if (this.sessionId === undefined) return
    try {
      const messages = await this.#client.messages(this.sessionId)
      if (messages === undefined) throw new AgentError('not_found', '')
      /** @type {Answer | undefined} */
      let answer
      for (const [index, { role, text, tools = [] }] of messages.entries()) {
        if (role === 'user') {
          if (text !== '') this.element.append(questionElement(text))
          // A message of the user's without words holds what tools returned: the same answer goes on.
          if (text !== '') answer = undefined
          continue
        }
        if (answer === undefined) {
          answer = new Answer()
          answer.isGrowing = false
          this.element.append(answer.element)
        }
        if (text !== '') answer.addText(text)
        for (const [position, name] of tools.entries()) answer.setTool(`${index}.${position}`, name, 'success')
      }
      // The page was reloaded in the middle of an answer: the same turn goes on, or its answer comes again.
      const turn = pendingTurn(this.sessionId)
      if (turn !== undefined) void this.#retry(turn)
    } catch (error) {
      this.#offer(explain(error))
    }
  }

  /**
   * Sends a message and shows the answer.
   *
   * @param {string} prompt
   */
  async send(prompt) {
    for (const left of this.element.querySelectorAll('.welcome, .notice')) left.remove()
    this.element.append(questionElement(prompt))
    await this.#run({ prompt, turnId: crypto.randomUUID(), sessionId: this.sessionId })
  }

  stop() {
    this.#running?.abort()
  }

  /** Shows the newest words. */
  scrollToEnd() {
    this.element.scrollTop = this.element.scrollHeight
  }

  /**
   * Runs a turn again in place of what is left of its answer.
   *
   * @param {Turn} turn
   */
  async #retry(turn) {
    const question = [...this.element.querySelectorAll('.question')].at(-1)
    if (question?.textContent === questionElement(turn.prompt).textContent) {
      while (question.nextElementSibling) question.nextElementSibling.remove()
    } else {
      this.element.append(questionElement(turn.prompt))
    }
    await this.#run(turn)
  }

  /** @param {Turn} turn */
  async #run(turn) {
    const answer = new Answer()
    const running = new AbortController()
    this.#running = running
    this.element.setAttribute('aria-busy', 'true')
    this.element.append(answer.element)
    answer.isGrowing = true
    rememberTurn(turn)
    this.#onChange(this)
    this.scrollToEnd()
    announce('The agent is answering.')
    try {
      for await (const event of this.#client.chat(turn, running.signal)) {
        this.#keepAtEnd(() => this.#show(event, turn, answer))
      }
      forgetTurn(turn.sessionId)
      announce('The answer is complete.')
    } catch (error) {
      if (answer.isEmpty) answer.element.remove()
      if (running.signal.aborted) {
        forgetTurn(turn.sessionId)
        answer.element.append(make('p', { class: 'faint' }, 'You stopped this answer.'))
        this.element.append(answer.element)
        announce('Stopped.')
      } else if (error instanceof AgentError && FINAL.has(error.code)) {
        forgetTurn(turn.sessionId)
        this.#offer(explain(error))
      } else {
        this.#offer(explain(error), 'Try again', () => this.#retry(turn))
      }
      this.scrollToEnd()
    } finally {
      answer.isGrowing = false
      this.element.setAttribute('aria-busy', 'false')
      this.#running = undefined
      this.#onChange(this)
    }
  }

  /**
   * @param {import('./agent-client.js').AgentEvent} event
   * @param {Turn} turn
   * @param {Answer} answer
   */
  #show(event, turn, answer) {
    if (event.type === 'text') answer.addText(event.text)
    if (event.type === 'tool') answer.setTool(event.toolUseId, event.name, event.status)
    if (event.type === 'session') {
      // A retry must meet the same session, also when this attempt began it.
      turn.sessionId = event.sessionId
      rememberTurn(turn)
      if (this.sessionId === event.sessionId) return
      this.sessionId = event.sessionId
      this.#onChange(this)
    }
  }

  /**
   * Follows what grows, unless the reader has scrolled back.
   *
   * @param {() => void} change
   */
  #keepAtEnd(change) {
    const { scrollTop, scrollHeight, clientHeight } = this.element
    const wasAtEnd = scrollHeight - scrollTop - clientHeight < NEAR_END
    change()
    if (wasAtEnd) requestAnimationFrame(() => this.scrollToEnd())
  }

  /**
   * Says what is the matter, and offers what can be done.
   *
   * @param {string} text
   * @param {string} [label]
   * @param {() => Promise<void>} [act]
   */
  #offer(text, label, act) {
    const notice = make('div', { class: 'notice', role: 'alert' }, make('p', {}, text))
    if (label !== undefined && act !== undefined) {
      const button = make('button', { type: 'button', class: 'quiet' }, label)
      button.addEventListener('click', () => {
        notice.remove()
        void act()
      })
      notice.append(button)
    }
    this.element.append(notice)
  }
}

/**
 * @param {unknown} error
 * @returns {string} for people
 */
export function explain(error) {
  if (!(error instanceof AgentError)) return 'The page met an error of its own. Reload it.'
  const text = EXPLANATIONS.get(error.code) ?? error.message
  return error.retryAfter === undefined ? text : `${text} (It may take ${error.retryAfter} s.)`
}
