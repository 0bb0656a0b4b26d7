/** The parent's side of a racing process: starts it, gives it orders, ends it. */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'

/** A process that writes to sessions. Orders may overlap. */
export interface RaceProcess {
  readonly order: <T>(order: Readonly<Record<string, unknown>>) => Promise<T>
  readonly end: () => Promise<void>
}

/** The writers are part of the library's tests: they run from its sources, not from what is built. */
const SCRIPT = fileURLToPath(new URL('../../../session-dynamodb/test/support/race-writer.ts', import.meta.url))

/** Starts a process. An order that it cannot carry out, or does not live to answer, rejects. */
export function startRaceProcess(clientConfig: DynamoDBClientConfig): RaceProcess {
  const child = fork(SCRIPT, {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    env: { ...process.env, RACE_CLIENT: JSON.stringify(clientConfig) },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const gone = once(child, 'exit')
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>()
  let orders = 0
  child.on('message', ({ id, result, error }: { id: number; result: never; error?: string }) => {
    const order = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) order?.resolve(result)
    else order?.reject(new Error(error))
  })
  child.on('exit', (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`A racing process ended with code ${code}.`))
  })
  return {
    order: <T>(order: Readonly<Record<string, unknown>>) =>
      new Promise<T>((resolve, reject) => {
        orders += 1
        waiting.set(orders, { resolve, reject })
        child.send({ ...order, id: orders })
      }),
    end: async () => {
      if (child.connected) child.disconnect()
      await gone
    },
  }
}
