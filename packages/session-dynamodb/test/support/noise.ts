/** Text that no compression makes small, for values that must not fit one item. */

import { createCipheriv } from 'node:crypto'

/**
 * Base64 of so many pseudo-random bytes: the least that it can be compressed to. The same for the same number, so that a
 * failing run can be repeated.
 */
export function noise(bytes: number): string {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 'noise'), Buffer.alloc(16, bytes % 251))
  return cipher.update(Buffer.alloc(bytes)).toString('base64')
}
