/** One engine per data folder: whoever comes second finds the first one's endpoint in a lock file. */

import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { EngineError } from './engine-choice.ts'

/** What the lock file says about the process that holds a folder. */
export interface FolderHolder {
  /** The process that started the engine. */
  readonly pid: number
  /** Absent while the engine is still starting. */
  readonly endpoint?: string
  readonly version?: string
}

/** A folder that is ours, or the running engine of the process that holds it. */
export type FolderClaim =
  | {
      readonly kind: 'ours'
      /** Tells others where the engine answers. */
      readonly publish: (engine: { endpoint: string; version: string | undefined }) => Promise<void>
      /** Gives the folder up. */
      readonly release: () => Promise<void>
    }
  | { readonly kind: 'theirs'; readonly holder: FolderHolder & { readonly endpoint: string } }

/** How to tell a living holder from one that crashed; parameters, so that tests need no processes. */
export interface FolderChecks {
  readonly isAlive: (pid: number) => boolean
  readonly answers: (endpoint: string) => Promise<boolean>
}

/** Longest wait for another process that is starting the engine, in milliseconds. */
const START_TIMEOUT = 60_000
const POLL_INTERVAL = 100

/**
 * Takes the folder, or joins the process that has it. A lock whose holder is gone is replaced.
 *
 * @throws {@link EngineError} when the holder lives but never says where its engine answers.
 */
export async function claimFolder(folder: string, checks: FolderChecks): Promise<FolderClaim> {
  await mkdir(folder, { recursive: true })
  const path = join(folder, 'engine.lock')
  const deadline = Date.now() + START_TIMEOUT
  while (true) {
    if (await create(path)) return ours(path)
    const found = await readFile(path, 'utf8').catch(() => undefined)
    if (found === undefined) continue
    const holder = parseHolder(found)
    if (holder === undefined || !checks.isAlive(holder.pid)) {
      await removeStale(path, found)
    } else if (holder.endpoint === undefined) {
      if (Date.now() > deadline) throw blocked(folder, path, holder)
      await sleep(POLL_INTERVAL)
    } else if (await checks.answers(holder.endpoint)) {
      return { kind: 'theirs', holder: { ...holder, endpoint: holder.endpoint } }
    } else {
      // The holder's number was given to another program, or its engine is gone.
      await removeStale(path, found)
    }
  }
}

/** Whether a process with this number exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

async function create(path: string): Promise<boolean> {
  try {
    await writeFile(path, JSON.stringify({ pid: process.pid }), { flag: 'wx' })
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

function ours(path: string): FolderClaim {
  return {
    kind: 'ours',
    publish: async ({ endpoint, version }) => {
      // A rename, so that nobody reads half a file.
      const draft = `${path}.${process.pid}`
      await writeFile(draft, JSON.stringify({ pid: process.pid, endpoint, version }))
      await rename(draft, path)
    },
    release: async () => {
      const holder = parseHolder(await readFile(path, 'utf8').catch(() => ''))
      if (holder?.pid === process.pid) await rm(path, { force: true })
    },
  }
}

/** Removes the lock file unless it changed since it was read. */
async function removeStale(path: string, expected: string): Promise<void> {
  const aside = `${path}.stale.${process.pid}`
  try {
    await rename(path, aside)
  } catch {
    return // Another process was faster.
  }
  // Between the read and the rename a newcomer may have taken the folder: hand its file back.
  if ((await readFile(aside, 'utf8')) === expected) await rm(aside)
  else await rename(aside, path)
}

function parseHolder(text: string): FolderHolder | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (value === null || typeof value !== 'object' || !('pid' in value) || typeof value.pid !== 'number')
      return undefined
    return {
      pid: value.pid,
      ...('endpoint' in value && typeof value.endpoint === 'string' && { endpoint: value.endpoint }),
      ...('version' in value && typeof value.version === 'string' && { version: value.version }),
    }
  } catch {
    return undefined
  }
}

function blocked(folder: string, path: string, holder: FolderHolder): EngineError {
  return new EngineError(
    `Process ${holder.pid} holds the data folder ${folder}, but its DynamoDB does not start. End that process, or delete ${path}.`,
  )
}
