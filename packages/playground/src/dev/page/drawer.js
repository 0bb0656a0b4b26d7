/** The list of conversations as a drawer, on screens that are too narrow for both. */

import { byId } from './elements.js'

const opener = byId('open-sidebar', HTMLButtonElement)
const closer = byId('close-sidebar', HTMLButtonElement)
const page = document.querySelector('main')

opener.addEventListener('click', () => setDrawer(true))
closer.addEventListener('click', () => setDrawer(false))
byId('backdrop', HTMLElement).addEventListener('click', () => setDrawer(false))
document.addEventListener('keydown', ({ key }) => {
  // Escape closes what lies on top, and only that.
  if (key === 'Escape' && document.querySelector('dialog[open]') === null) setDrawer(false)
})
matchMedia('(width >= 48rem)').addEventListener('change', () => setDrawer(false))

/**
 * Opens or closes the drawer; what is behind an open one is out of reach.
 *
 * @param {boolean} isOpen
 */
export function setDrawer(isOpen) {
  if (document.body.classList.contains('drawer-open') === isOpen) return
  document.body.classList.toggle('drawer-open', isOpen)
  opener.setAttribute('aria-expanded', String(isOpen))
  if (page) page.inert = isOpen
  const target = isOpen ? closer : opener
  target.focus()
}
