/** The files of the chat page, and the headers that they are served with. */

import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'

/** A file as it is sent to a browser. */
export interface PageFile {
  readonly headers: Readonly<Record<string, string>>
  readonly content: Buffer
}

/** All that a browser may ask for; nothing else in the folder is served. */
const FILES = new Map([
  ['/', 'index.html'],
  ...[
    'style.css',
    'icon.svg',
    'agent-client.js',
    'answer.js',
    'chat.js',
    'conversation.js',
    'drawer.js',
    'elements.js',
    'markdown.js',
    'pending-turn.js',
    'server-sent-events.js',
    'session-list.js',
  ].map((name) => [`/${name}`, name] as const),
])

const CONTENT_TYPES = new Map([
  ['.html', 'text/html; charset=utf-8'],
  ['.css', 'text/css; charset=utf-8'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.svg', 'image/svg+xml'],
])

/** The page loads its own files and talks to its own server, and nothing else: no inline script, no other site. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** The file for a path of the site; undefined when there is none. Read anew each time, so that edits show at a reload. */
export async function pageFile(path: string): Promise<PageFile | undefined> {
  const name = FILES.get(path)
  if (name === undefined) return undefined
  return {
    headers: {
      'content-type': CONTENT_TYPES.get(extname(name)) ?? 'application/octet-stream',
      'content-security-policy': POLICY,
      'cache-control': 'no-cache',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    },
    content: await readFile(new URL(`page/${name}`, import.meta.url)),
  }
}
