import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { claimFolder, type FolderChecks } from './engine-folder.ts'

const ENGINE = { endpoint: 'http://127.0.0.1:4711', version: '1.2.3' }
const RUNNING: FolderChecks = { isAlive: () => true, answers: async () => true }

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'engine-folder-'))
})

afterEach(() => rm(folder, { recursive: true }))

test('the first one gets the folder, the second one the endpoint of the first', async () => {
  const first = await claimFolder(folder, RUNNING)
  if (first.kind !== 'ours') throw new Error('the folder was free')
  await first.publish(ENGINE)
  expect(await claimFolder(folder, RUNNING)).toEqual({ kind: 'theirs', holder: { pid: process.pid, ...ENGINE } })
})

test('a second one waits while the first one starts', async () => {
  const first = await claimFolder(folder, RUNNING)
  if (first.kind !== 'ours') throw new Error('the folder was free')
  const second = claimFolder(folder, RUNNING)
  await first.publish(ENGINE)
  expect((await second).kind).toBe('theirs')
})

test('a released folder is free again, and nothing stays in it', async () => {
  const first = await claimFolder(folder, RUNNING)
  if (first.kind !== 'ours') throw new Error('the folder was free')
  await first.publish(ENGINE)
  await first.release()
  expect(await readdir(folder)).toEqual([])
  expect((await claimFolder(folder, RUNNING)).kind).toBe('ours')
})

test.each([
  ['has died', { pid: 1, ...ENGINE }, { ...RUNNING, isAlive: () => false }],
  ['is another program by now', { pid: 1, ...ENGINE }, { ...RUNNING, answers: async () => false }],
  ['has left half a file', undefined, RUNNING],
])('a lock whose holder %s is replaced', async (_case, holder, checks) => {
  await writeFile(join(folder, 'engine.lock'), holder === undefined ? '{"pid":' : JSON.stringify(holder))
  expect((await claimFolder(folder, checks)).kind).toBe('ours')
  expect(await readdir(folder)).toEqual(['engine.lock'])
})

test('only one of many gets the folder', async () => {
  const claims = Array.from({ length: 20 }, () => claimFolder(folder, RUNNING))
  const first = await Promise.race(claims)
  if (first.kind !== 'ours') throw new Error('the folder was free')
  await first.publish(ENGINE)
  const kinds = (await Promise.all(claims)).map(({ kind }) => kind)
  expect(kinds.filter((kind) => kind === 'ours')).toHaveLength(1)
})
