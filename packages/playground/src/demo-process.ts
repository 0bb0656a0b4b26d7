/** The parent's side of a demo process: starts it, asks it, kills it. */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Order, Report } from './demo-turns.ts'
import type { TurnFacts } from './turn.ts'

/** A process that holds a conversation. */
export interface DemoProcess {
  readonly pid: number
  /** Messages that it restored from the session. */
  readonly restored: number
  readonly ask: (question: string) => Promise<TurnFacts>
  /** Kills it without warning (`SIGKILL`) and waits until it is gone. @returns the signal that ended it */
  readonly kill: () => Promise<string>
}

const SCRIPT = fileURLToPath(new URL('./demo-turns.ts', import.meta.url))

/**
 * Starts a process on a session.
 *
 * @throws Error with the process's own message when it fails.
 */
export async function startProcess(place: Omit<Order & { type: 'start' }, 'type'>): Promise<DemoProcess> {
  const child = fork(SCRIPT, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const gone = once(child, 'exit')
  const kill = async (): Promise<string> => {
    child.kill('SIGKILL')
    await gone
    return child.signalCode ?? `exit code ${child.exitCode}`
  }
  try {
    const report = await request(child, { type: 'start', ...place })
    if (report.type !== 'started') throw unexpected(report)
    const ask = async (question: string): Promise<TurnFacts> => {
      const answer = await request(child, { type: 'ask', question })
      if (answer.type !== 'answered') throw unexpected(answer)
      return answer.turn
    }
    return { pid: child.pid ?? 0, restored: report.restored, ask, kill }
  } catch (error) {
    await kill()
    throw error
  }
}

/** Sends an order and waits for the answer, or for the end of the process. */
function request(child: ChildProcess, order: Order): Promise<Report> {
  return new Promise((resolve, reject) => {
    const onMessage = (report: Report): void => settle(() => resolve(report))
    const onExit = (code: number | null): void =>
      settle(() => reject(new Error(`The process ended with code ${code}.`)))
    const settle = (finish: () => void): void => {
      child.off('message', onMessage).off('exit', onExit)
      finish()
    }
    child.on('message', onMessage).on('exit', onExit)
    child.send(order)
  })
}

function unexpected(report: Report): Error {
  return new Error(report.type === 'failed' ? report.message : `The process answered with '${report.type}'.`)
}
