import { InMemoryStorage } from '@strands-agents/sdk/storage'
import { expect, test } from 'vitest'
import { GzipStorage } from './gzip-storage.ts'

test('keeps less than it is given, and gives all of it back', async () => {
  const bytes = new InMemoryStorage()
  const storage = new GzipStorage(bytes)
  const data = new TextEncoder().encode('the same again '.repeat(100))
  await storage.write('a/1', data)
  expect((await bytes.read('a/1'))?.byteLength).toBeLessThan(100)
  expect(new Uint8Array((await storage.read('a/1')) ?? [])).toEqual(data)
  expect(await storage.list('a/')).toEqual(['a/1'])
  await storage.delete('a/1')
  expect(await storage.read('a/1')).toBeNull()
})
