/** The parent's side of a process that carries out orders: starts it, gives it orders, ends it. */

import { fork } from 'node:child_process'
import { once } from 'node:events'

/** A process that carries out orders. They may overlap. */
export interface OrderProcess {
  /** Gives an order and waits for its result; what the process says meanwhile goes to `onNote`. */
  readonly order: <T>(order: object, onNote?: (note: never) => void) => Promise<T>
  readonly end: () => Promise<void>
}

/** What a process answers to an order: a note, and in the end the result or why there is none. */
export interface Answer {
  readonly id: number
  readonly note?: unknown
  readonly result?: unknown
  readonly error?: string
}

/** Starts a script. An order that it cannot carry out, or does not live to answer, rejects. */
export function startOrderProcess(script: string, environment: NodeJS.ProcessEnv = {}): OrderProcess {
  const child = fork(script, {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const gone = once(child, 'exit')
  const waiting = new Map<
    number,
    { resolve: (value: never) => void; reject: (error: Error) => void; onNote: ((note: never) => void) | undefined }
  >()
  let orders = 0
  child.on('message', ({ id, note, result, error }: Answer & { note: never; result: never }) => {
    const order = waiting.get(id)
    if (note !== undefined) {
      order?.onNote?.(note)
      return
    }
    waiting.delete(id)
    if (error === undefined) order?.resolve(result)
    else order?.reject(new Error(error))
  })
  child.on('exit', (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`A process ended with code ${code}.`))
  })
  return {
    order: <T>(order: object, onNote?: (note: never) => void) =>
      new Promise<T>((resolve, reject) => {
        orders += 1
        waiting.set(orders, { resolve, reject, onNote })
        child.send({ ...order, id: orders })
      }),
    end: async () => {
      if (child.connected) child.disconnect()
      await gone
    },
  }
}
