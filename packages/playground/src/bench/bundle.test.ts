import { expect, test } from 'vitest'
import { measureSizes } from './bundle.ts'

test('the library adds at most 20 KB, gzipped, to a function on top of the SDKs', async () => {
  const { agent, sdks, library, added, limit } = await measureSizes()
  expect(added.gzipped).toBeLessThanOrEqual(limit)
  // That the library is in one of them, and not in the others.
  expect(added.gzipped).toBeGreaterThan(limit / 2)
  expect(library.bytes - added.bytes).toBe(sdks.bytes)
  expect(sdks.bytes).toBeGreaterThan(agent.bytes)
})
