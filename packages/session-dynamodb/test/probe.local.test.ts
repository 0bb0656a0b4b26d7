import { PutItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { verifySession } from 'strands-session-dynamodb'
import { rawItemsOf } from './support/raw-items.ts'
import { createTestTable, type TestTable } from './support/table.ts'
import { always, testSession, messagesOf } from './support/test-session.ts'
let table: TestTable
beforeAll(async () => { table = await createTestTable() })
afterAll(() => table.drop())
const filled = async (id = 'agent') => {
  const session = testSession(table, { turnWaitMs: 0 })
  await session.agent(always('Yes.'), { id }).invoke('1?')
  await session.agent(always('Yes.'), { id }).invoke('2?')
  const items = await rawItemsOf(table, `session#${session.sessionId}`)
  return { session, items }
}
const say = (x: unknown) => process.stderr.write(`PROBE ${x instanceof Error ? `${x.name}: ${x.message.slice(0, 300)}` : JSON.stringify(x)}\n`)
const load = async (s: any) => s.session.restored().then((a: any) => messagesOf(a), (e: unknown) => e)
test('probe', async () => {
  const ROW = 'agent#agent#msg#0000000004'
  for (const [what, extra] of [
    ['big', { extra: { N: '9007199254740993' } }],
    ['huge', { extra: { N: '1E100' } }],
    ['fraction', { extra: { N: '1234567890123456789.5' } }],
    ['bigset', { extra: { NS: ['9007199254740993'] } }],
    ['version', { v: { N: '9007199254740993' } }],
  ] as const) {
    const f = await filled()
    await f.items.put({ ...f.items.intact.get(ROW)!, ...extra })
    say(what); say(await load(f))
    say(await verifySession({ ...table, sessionId: f.session.sessionId, tableName: table.tableName, client: table.client }).catch((e) => e))
  }
  const f = await filled()
  const entries = new Map(Object.entries(f.items.intact.get(ROW)!)); entries.set('__proto__', { M: { detached: { BOOL: true } } })
  say(await f.items.put(Object.fromEntries(entries)))
  say('proto'); say(await load(f))
  say([...(await f.items.read()).get(ROW) ? Object.keys((await f.items.read()).get(ROW)!) : []])
  const p = await filled('part')
  say('part'); say(await verifySession({ sessionId: p.session.sessionId, tableName: table.tableName, client: table.client }).catch((e) => e))
  for (const sk of ['agent#%ZZ#msg#head', 'agent#agent#snapshot#%ZZ', 'agent#%00#msg#head', 'multiagent#' + 'x'.repeat(300) + '#msg#head']) {
    const g = await filled()
    await g.items.put({ ...g.items.intact.get(ROW)!, sk: { S: sk } })
    say(sk.slice(0, 40)); say(await verifySession({ sessionId: g.session.sessionId, tableName: table.tableName, client: table.client }).catch((e) => e))
    const m = g.session.manager()
    say(await m.listSnapshotIds({ target: g.session.agent([]) }).catch((e: unknown) => e))
  }
  // copy session item of another
  const a = await filled(), b = await filled()
  await a.items.put({ ...b.items.intact.get('session')!, pk: { S: `session#${a.session.sessionId}` } })
  say([a.session.sessionId, b.session.sessionId, await a.session.manager().findSession()])
}, 100000)
