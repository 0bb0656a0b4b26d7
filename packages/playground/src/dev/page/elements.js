/** Finds and makes the page's elements. */

/**
 * The element of the page that has this id.
 *
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
export function byId(id, kind) {
  const element = document.getElementById(id)
  if (element instanceof kind) return element
  throw new TypeError(`The page has no ${kind.name} #${id}`)
}

/**
 * A new element.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} name
 * @param {Partial<Record<string, string>>} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name)
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value ?? '')
  element.append(...children)
  return element
}

/**
 * A copy of a template's content, which is one element.
 *
 * @param {string} id
 * @returns {Element}
 */
export function fromTemplate(id) {
  const copy = byId(id, HTMLTemplateElement).content.firstElementChild?.cloneNode(true)
  if (copy instanceof Element) return copy
  throw new TypeError(`The template #${id} is empty`)
}

/**
 * Says something to people who do not see the page.
 *
 * @param {string} text
 */
export function announce(text) {
  byId('status', HTMLElement).textContent = text
}
