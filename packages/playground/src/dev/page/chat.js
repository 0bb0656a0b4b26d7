/** The chat page: which conversation is open, the message box, and the list beside it. */

import { AgentClient } from './agent-client.js'
import { Conversation, explain } from './conversation.js'
import { setDrawer } from './drawer.js'
import { announce, byId, fromTemplate, make } from './elements.js'
import { SessionList } from './session-list.js'

/** What a newcomer may say; each shows something that the agent can do. */
const SUGGESTIONS = ['My name is Ada, and my favourite tea is Darjeeling.', 'What is 17 * 23?', 'Who am I?']
const UNTITLED = 'New conversation'

const composer = byId('composer', HTMLFormElement)
const prompt = byId('prompt', HTMLTextAreaElement)
const send = byId('send', HTMLButtonElement)
const stop = byId('stop', HTMLButtonElement)
const title = byId('title', HTMLElement)
const place = byId('conversation', HTMLElement)
const problem = byId('list-problem', HTMLElement)
const confirmation = byId('confirm', HTMLDialogElement)

const client = new AgentClient((path, init) => fetch(path, init))
const sessions = new SessionList({
  open: (sessionId) => void go(sessionId),
  remove: (sessionId, name) => void remove(sessionId, name),
  more: (cursor) => void refresh(cursor),
})
/** Conversations whose answers go on while another one is open. @type {Map<string, Conversation>} */
const answering = new Map()
let current = new Conversation(client, undefined, changed)

composer.addEventListener('submit', (event) => {
  event.preventDefault()
  void say(prompt.value)
})
prompt.addEventListener('input', update)
prompt.addEventListener('keydown', (event) => {
  // Enter also ends the composition of a character in some scripts.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
  event.preventDefault()
  composer.requestSubmit()
})
stop.addEventListener('click', () => {
  current.stop()
  prompt.focus()
})
byId('new', HTMLAnchorElement).addEventListener('click', (event) => {
  event.preventDefault()
  void go(undefined)
})
addEventListener('popstate', () => void open(sessionInUrl()))

await Promise.all([open(sessionInUrl()), refresh()])

function sessionInUrl() {
  return new URLSearchParams(location.search).get('session') ?? undefined
}

/**
 * Goes to a conversation, as a link does.
 *
 * @param {string | undefined} sessionId - absent for a new one
 */
async function go(sessionId) {
  setDrawer(false)
  if (sessionId !== sessionInUrl()) history.pushState(null, '', urlOf(sessionId))
  await open(sessionId)
  prompt.focus()
}

/** @param {string | undefined} sessionId */
function urlOf(sessionId) {
  return sessionId === undefined ? '/' : `/?session=${encodeURIComponent(sessionId)}`
}

/** @param {string | undefined} sessionId */
async function open(sessionId) {
  const running = sessionId === undefined ? undefined : answering.get(sessionId)
  const opened = running ?? new Conversation(client, sessionId, changed)
  current = opened
  if (running === undefined) await opened.load()
  // Another one may have been opened in the meantime.
  if (current !== opened) return
  if (sessionId === undefined) opened.element.append(welcome())
  place.replaceChildren(opened.element)
  opened.scrollToEnd()
  update()
}

function welcome() {
  const section = fromTemplate('welcome')
  for (const text of SUGGESTIONS) {
    const button = make('button', { type: 'button', class: 'quiet' }, text)
    button.addEventListener('click', () => void say(text))
    section.querySelector('ul')?.append(make('li', {}, button))
  }
  return section
}

/** @param {string} text */
async function say(text) {
  const words = text.trim()
  if (words === '' || current.isAnswering) return
  prompt.value = ''
  prompt.focus()
  await current.send(words)
}

/**
 * A conversation has got its session, or its turn has begun or ended.
 *
 * @param {Conversation} conversation
 */
function changed(conversation) {
  const { sessionId, isAnswering } = conversation
  if (sessionId !== undefined) {
    if (isAnswering) answering.set(sessionId, conversation)
    else answering.delete(sessionId)
    if (conversation === current && sessionInUrl() === undefined) history.replaceState(null, '', urlOf(sessionId))
  }
  update()
  if (!isAnswering) void refresh()
}

/** Brings what surrounds the conversation up to date with it. */
function update() {
  const { isAnswering, sessionId } = current
  send.hidden = isAnswering
  stop.hidden = !isAnswering
  send.disabled = prompt.value.trim() === ''
  title.textContent = sessions.mark(sessionId) ?? (sessionId === undefined ? UNTITLED : 'Conversation')
  document.title = title.textContent
}

/** @param {string} [cursor] - where the page of older conversations begins */
async function refresh(cursor) {
  try {
    sessions.show(await client.sessions(cursor), cursor !== undefined)
    tellProblem('')
  } catch (error) {
    tellProblem(`The list could not be read. ${explain(error)}`)
  }
  update()
}

/**
 * Says above the list what is the matter with it.
 *
 * @param {string} text - empty when all is well again
 */
function tellProblem(text) {
  problem.textContent = text
  problem.hidden = text === ''
}

/**
 * Deletes a conversation, after asking.
 *
 * @param {string} sessionId
 * @param {string} name
 */
async function remove(sessionId, name) {
  byId('confirm-title', HTMLElement).textContent = name
  confirmation.returnValue = ''
  confirmation.showModal()
  await new Promise((resolve) => confirmation.addEventListener('close', resolve, { once: true }))
  if (confirmation.returnValue !== 'delete') return
  try {
    await client.delete(sessionId)
    announce('Deleted.')
  } catch (error) {
    tellProblem(`It could not be deleted. ${explain(error)}`)
    return
  }
  if (current.sessionId === sessionId) await go(undefined)
  await refresh()
}
