/** A process that runs sessions of the bench, one order after the other, so that two cores can be used. */

import type { Answer } from '../order-process.ts'
import { CONTESTANTS } from './contestants.ts'
import { runSession, type SessionBench, type SessionOrder } from './session.ts'

/** Most turns that are run and thrown away at first: they pay for the compiler that makes the others fast. */
const WARM_UP_TURNS = 10

/** A session to run, and where. */
export type ProcessOrder = SessionOrder & Pick<SessionBench, 'clientConfig' | 'prices'>

let warmUp: Promise<void> | undefined

process.on('message', (order: ProcessOrder & { readonly id: number }) => {
  const { id, turns, clientConfig, prices } = order
  const answer = (rest: Omit<Answer, 'id'>): void => {
    process.send?.({ id, ...rest })
  }
  warmUp ??= warmUpWith(Math.min(WARM_UP_TURNS, turns.at(-1) ?? 0), { clientConfig, prices })
  warmUp
    .then(() => runSession(order, { clientConfig, prices, onTurn: (note) => answer({ note }) }))
    .then(
      (result) => answer({ result }),
      (error: unknown) => answer({ error: String(error) }),
    )
})
process.on('disconnect', () => process.exit())

async function warmUpWith(turns: number, bench: SessionBench): Promise<void> {
  for (const { id } of CONTESTANTS) {
    await runSession({ trace: 'tools', contestant: id, agents: 'cold', turns: [turns] }, bench)
  }
}
