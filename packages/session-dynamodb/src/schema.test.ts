import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  BUCKET_ACTIONS,
  OBJECT_ACTIONS,
  OWNER_INDEX_ACTIONS,
  objectPrefixOf,
  TABLE_ACTIONS,
  tenantPrefixOf,
} from './schema.ts'

/** What a role needs for each command of the AWS SDK: the service's documentation of its IAM actions. */
const ACTIONS_OF_COMMAND: ReadonlyMap<string, readonly string[]> = new Map([
  ['BatchGetCommand', ['dynamodb:BatchGetItem']],
  ['BatchWriteCommand', ['dynamodb:BatchWriteItem']],
  ['DeleteCommand', ['dynamodb:DeleteItem']],
  ['GetCommand', ['dynamodb:GetItem']],
  ['PutCommand', ['dynamodb:PutItem']],
  ['QueryCommand', ['dynamodb:Query']],
  ['UpdateCommand', ['dynamodb:UpdateItem']],
  ['DeleteObjectCommand', ['s3:DeleteObject']],
  ['DeleteObjectsCommand', ['s3:DeleteObject']],
  ['GetObjectCommand', ['s3:GetObject']],
  ['HeadObjectCommand', ['s3:GetObject']],
  ['ListObjectsV2Command', ['s3:ListBucket']],
  ['PutObjectCommand', ['s3:PutObject']],
  // A transaction needs the actions of what is in it.
  ['TransactWriteCommand', []],
])

/** What a role needs for each kind of action in a transaction. */
const ACTIONS_IN_TRANSACTION: ReadonlyMap<string, string> = new Map([
  ['ConditionCheck', 'dynamodb:ConditionCheckItem'],
  ['Delete', 'dynamodb:DeleteItem'],
  ['Put', 'dynamodb:PutItem'],
  ['Update', 'dynamodb:UpdateItem'],
])

/** A development helper: roles that run agents do not create tables. */
const CONTROL_PLANE_MODULE = 'create-session-table.ts'

/** The IAM actions that the library's sources call, derived from the commands that they construct. */
function calledActions(): readonly string[] {
  const actions = new Set<string>()
  for (const file of readdirSync(import.meta.dirname)) {
    if (!file.endsWith('.ts') || file.endsWith('.test.ts') || file === CONTROL_PLANE_MODULE) continue
    const source = readFileSync(`${import.meta.dirname}/${file}`, 'utf8')
    // Anything else, such as a paginator or a waiter, would send requests that are not seen here.
    const helpers = valuesOfAwsSdk(source).filter((name) => !/(?:Client|Command)$/.test(name))
    expect(helpers, file).toEqual([])
    for (const [, command = ''] of source.matchAll(/\bnew\s+(?:\w+\.)?(\w+Command)\b/g)) {
      const needed = ACTIONS_OF_COMMAND.get(command)
      if (needed === undefined) throw new Error(`${file} sends a ${command}: which actions does it need?`)
      for (const action of needed) actions.add(action)
    }
    if (!/\bnew\s+(?:\w+\.)?Transact\w+Command\b/.test(source)) continue
    for (const [, kind = ''] of source.matchAll(/\b(ConditionCheck|Delete|Put|Update): /g)) {
      actions.add(ACTIONS_IN_TRANSACTION.get(kind) ?? kind)
    }
  }
  return [...actions].sort()
}

/** Names of what a module imports from the AWS SDK, types aside. */
function valuesOfAwsSdk(source: string): readonly string[] {
  const imports = source.matchAll(/^import (?!type\b)\{([^}]*)\} from '@aws-sdk\//gm)
  const names = [...imports].flatMap(([, list = '']) => list.split(',').map((name) => name.trim()))
  return names.filter((name) => name !== '' && !name.startsWith('type '))
}

describe('actions', () => {
  it('on the table are exactly those of the commands that the library sends', () => {
    expect(calledActions().filter((action) => action.startsWith('dynamodb:'))).toEqual([...TABLE_ACTIONS])
  })

  it('on offloaded objects and their bucket are too', () => {
    const called = calledActions().filter((action) => !action.startsWith('dynamodb:'))
    expect(called).toEqual([...OBJECT_ACTIONS, ...BUCKET_ACTIONS].sort())
  })

  it('of the index are among those of the table', () => {
    expect(TABLE_ACTIONS).toEqual(expect.arrayContaining([...OWNER_INDEX_ACTIONS]))
  })
})

describe('tenantPrefixOf', () => {
  it('escapes what could reach into another tenant', () => {
    expect(tenantPrefixOf('acme')).toBe('tenant#acme#')
    expect(tenantPrefixOf('acme#session')).toBe('tenant#acme%23session#')
  })
})

describe('objectPrefixOf', () => {
  it('is one folder for each session, the same for a table by name and by ARN', () => {
    const partitionKey = 'tenant#a%20b#session#s-1'

    expect(objectPrefixOf('sessions', partitionKey)).toBe('sessions/tenant%23a%2520b%23session%23s-1/')
    expect(objectPrefixOf('arn:aws:dynamodb:eu-west-1:123456789012:table/sessions', partitionKey)).toBe(
      objectPrefixOf('sessions', partitionKey),
    )
  })
})
