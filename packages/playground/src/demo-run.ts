/** Runs the demo on an engine: two processes, the items that they leave, and what both stores cost. */

import { randomUUID } from 'node:crypto'
import { DeleteTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { createSessionTable } from 'strands-session-dynamodb'
import { countRequests } from './count-requests.ts'
import { measureSnapshotStore } from './demo-comparison.ts'
import { startProcess } from './demo-process.ts'
import { costLines, itemLines, turnLines } from './demo-report.ts'
import { newScript } from './demo-script.ts'
import { describeEngine } from './describe-engine.ts'
import type { Engine } from './engine.ts'
import { countOf, type Paint } from './format.ts'
import { type ItemFacts, listItems } from './table-items.ts'
import type { TurnFacts } from './turn.ts'

/** What one process of the demo did. */
export interface ProcessFacts {
  readonly pid: number
  /** Messages that it found in the session. */
  readonly restoredMessages: number
  readonly turns: readonly TurnFacts[]
  /** The signal that ended it. */
  readonly endedBy: string
}

/** Everything that the demo shows. */
export interface DemoFacts {
  readonly engine: { readonly name: string; readonly version: string | undefined; readonly endpoint: string }
  readonly tableName: string
  readonly sessionId: string
  /** What only the first process was told. */
  readonly code: string
  /** Whether the second process answered with the code. */
  readonly isProven: boolean
  /** The process that was killed, and the one that resumed. */
  readonly processes: readonly [ProcessFacts, ProcessFacts]
  readonly items: readonly ItemFacts[]
  /** The same turns on a store that writes one snapshot per save. */
  readonly snapshotStore: readonly TurnFacts[]
}

/** Where the demo's lines go, and how they look. */
export interface DemoOutput {
  readonly say: (...lines: readonly string[]) => void
  readonly paint: Paint
}

/** Runs the demo in a table of its own, which it deletes. */
export async function runDemo(engine: Engine, output: DemoOutput): Promise<DemoFacts> {
  const { say, paint } = output
  const client = new DynamoDBClient(engine.clientConfig)
  const sessionId = `demo-${randomUUID().slice(0, 8)}`
  const tableName = `strands-${sessionId}`
  const { name, version, endpoint } = engine
  try {
    await createSessionTable({ tableName, client })
    say(...describeEngine(engine, paint), `Table ${tableName}, session ${sessionId}`, '')

    const script = newScript()
    const place = { clientConfig: engine.clientConfig, tableName, sessionId }
    const first = await converse(place, script.first, output)
    say(
      '',
      `${paint.red(paint.bold(`Process ${first.pid} was killed`))} (${first.endedBy}) when its last answer was there.`,
    )
    say(`The next process knows the name of the session, nothing else.`, '')
    const second = await converse(place, script.second, output)
    const isProven = second.turns.some(({ answer }) => answer.includes(script.code))
    if (isProven)
      say('', `${paint.green('✓')} It knew ${paint.bold(script.code)}, which only the killed process was told.`)

    const items = await listItems(client, tableName)
    say('', ...itemLines(items, paint))
    const snapshotStore = await measureSnapshotStore({
      client,
      counter: countRequests(client),
      tableName: `${tableName}-snapshots`,
      sessionId,
      processes: [script.first, script.second],
    })
    say('', ...costLines([...first.turns, ...second.turns], snapshotStore, paint))
    return {
      engine: { name, version, endpoint },
      tableName,
      sessionId,
      code: script.code,
      isProven,
      processes: [first, second],
      items,
      snapshotStore,
    }
  } finally {
    await client.send(new DeleteTableCommand({ TableName: tableName })).catch(() => {})
    client.destroy()
  }
}

/** Asks a new process the questions, and kills it at the last answer. */
async function converse(
  place: Parameters<typeof startProcess>[0],
  questions: readonly string[],
  { say, paint }: DemoOutput,
): Promise<ProcessFacts> {
  const child = await startProcess(place)
  try {
    const verb =
      child.restored > 0 ? `resumes the session: ${countOf(child.restored, 'message')}` : 'starts the session'
    say(paint.bold(`Process ${child.pid} ${verb}`))
    const turns: TurnFacts[] = []
    for (const question of questions) {
      const turn = await child.ask(question)
      turns.push(turn)
      say(...turnLines(turn, paint))
    }
    return { pid: child.pid, restoredMessages: child.restored, turns, endedBy: await child.kill() }
  } finally {
    await child.kill()
  }
}
