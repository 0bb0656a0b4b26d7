/** A clock that tests move, and what DynamoDB removes as time goes by. */

import { DeleteCommand } from '@aws-sdk/lib-dynamodb'
import { vi } from 'vitest'
import { itemsOfSession, type StoredItem } from './stored-items.ts'
import type { TestTable } from './table.ts'

/** Makes time stand still at the beginning of 2026. Timers and requests go on as ever. `vi.useRealTimers()` ends it. */
export function stopClock(): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 0, 1) })
}

/** Lets time go by. */
export function passSeconds(seconds: number): void {
  vi.setSystemTime(Date.now() + seconds * 1000)
}

/** Items of a session that DynamoDB may remove by now. */
export async function expiredItems(table: TestTable, sessionId: string): Promise<StoredItem[]> {
  const items = await itemsOfSession(table, sessionId)
  return items.filter(({ expiresAt }) => typeof expiresAt === 'number' && expiresAt <= Date.now() / 1000)
}

/** Removes some of them, as DynamoDB does sooner or later. */
export async function removeExpired(
  table: TestTable,
  sessionId: string,
  isChosen: (item: StoredItem, index: number) => boolean = () => true,
): Promise<void> {
  const { tableName: TableName, documentClient } = table
  const chosen = (await expiredItems(table, sessionId)).filter(isChosen)
  await Promise.all(chosen.map(({ pk, sk }) => documentClient.send(new DeleteCommand({ TableName, Key: { pk, sk } }))))
}
