import { expect, test } from 'vitest'
import { measureSizes } from './bundle.ts'

test('tells the bytes of the library from those of the SDKs', async () => {
  const { agent, sdks, library, added, limit } = await measureSizes()
  expect(added.gzipped).toBeGreaterThan(limit / 2)
  expect(added.gzipped).toBeLessThanOrEqual(limit)
  expect(library.bytes - added.bytes).toBe(sdks.bytes)
  expect(sdks.bytes).toBeGreaterThan(agent.bytes)
})
