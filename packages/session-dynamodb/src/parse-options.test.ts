import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest'
import { errorOf, mockedClient } from '../test/support/mocked-client.ts'
import type { DynamoDBSessionManagerOptions } from './options.ts'
import { parseManagerOptions, parseStorageOptions, parseTableOptions } from './parse-options.ts'

const tableName = 'sessions'
const sessionId = 's'

beforeEach(() => {
  vi.stubEnv('STRANDS_SESSION_TABLE', undefined)
})
afterEach(() => {
  vi.unstubAllEnvs()
})

/** All options, parsed as the manager parses them. */
function parse(options: DynamoDBSessionManagerOptions) {
  const manager = parseManagerOptions(options)
  const { table, ...storage } = parseStorageOptions(options)
  const { client: _, ...rest } = table
  return { ...manager, ...storage, ...rest }
}

describe('options', () => {
  it('have defaults', () => {
    expect(parse({ sessionId, tableName })).toEqual({
      sessionId,
      tableName,
      tenantId: undefined,
      owner: undefined,
      title: undefined,
      saveLatestOn: 'message',
      multiAgentSaveLatestOn: 'node',
      snapshotTrigger: undefined,
      autoCreate: true,
      restoreSystemPrompt: true,
      compression: 'auto',
      consistentRead: true,
      windowSize: 40,
      touchIntervalSeconds: 300,
      ttlSeconds: undefined,
      retention: 'all',
      turnExclusion: true,
      turnLeaseMs: 120_000,
      turnWaitMs: 30_000,
      repair: 'complete',
      onAnswerNotSaved: undefined,
      remainingMs: undefined,
      onCapacity: undefined,
      onRetry: undefined,
      logger: {
        debug: expect.any(Function),
        info: expect.any(Function),
        warn: expect.any(Function),
        error: expect.any(Function),
      },
    })
  })

  it('that are undefined are those that are not given', () => {
    const names = [
      ...['tenantId', 'owner', 'title', 'saveLatestOn', 'multiAgentSaveLatestOn', 'snapshotTrigger', 'autoCreate'],
      ...['restoreSystemPrompt', 'compression', 'consistentRead', 'windowSize', 'touchIntervalSeconds', 'onCapacity'],
      ...['ttlSeconds', 'retention'],
      ...['turnExclusion', 'turnLeaseMs', 'turnWaitMs', 'repair', 'onAnswerNotSaved', 'onRetry'],
      ...['getRemainingTimeInMillis', 'client', 'clientConfig'],
    ]
    const undefinedOptions = Object.fromEntries(names.map((name) => [name, undefined]))
    const { logger: one, ...parsed } = parse({ sessionId, tableName, ...undefinedOptions })
    const { logger: other, ...expected } = parse({ sessionId, tableName })
    expect([parsed, one]).toEqual([expected, other])
  })

  it('are taken as they are', () => {
    const options = {
      sessionId: 'my-session_1',
      tableName: 'arn:aws:dynamodb:eu-west-1:123456789012:table/Agent_sessions.v1',
      tenantId: 'a#b',
      owner: 'me@b.example',
      title: 'Übersicht 😀'.padEnd(256, '.'),
      saveLatestOn: 'trigger',
      multiAgentSaveLatestOn: 'invocation',
      snapshotTrigger: () => true,
      autoCreate: false,
      restoreSystemPrompt: false,
      compression: 'off',
      consistentRead: false,
      windowSize: 1,
      touchIntervalSeconds: 86_400,
      ttlSeconds: 315_360_000,
      retention: 'window',
      turnExclusion: false,
      turnLeaseMs: 1000,
      turnWaitMs: 0,
      repair: 'off',
      onAnswerNotSaved: () => undefined,
      onCapacity: () => undefined,
      onRetry: () => undefined,
      logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    } as const
    const remainingMs = (): number => 1
    expect(parse({ ...options, getRemainingTimeInMillis: remainingMs })).toEqual({ ...options, remainingMs })
    const day = 86_400_000
    expect(parse({ ...options, turnLeaseMs: day, turnWaitMs: day, repair: 'drop' })).toMatchObject({
      ...{ turnLeaseMs: day, turnWaitMs: day, repair: 'drop' },
    })
  })

  it('take the table from the environment when they do not name it', () => {
    vi.stubEnv('STRANDS_SESSION_TABLE', 'from-the-environment')
    expect(parseTableOptions({}).table.tableName).toBe('from-the-environment')
    expect(parseTableOptions({ tableName: undefined }).table.tableName).toBe('from-the-environment')
    expect(parseTableOptions({ tableName }).table.tableName).toBe(tableName)
  })

  it('must name the table somewhere', () => {
    expect(errorOf(() => parseTableOptions({}))).toMatchObject({
      name: 'InvalidOptionError',
      field: 'tableName',
      value: undefined,
      message: "tableName: expected a table's name or ARN, here or in STRANDS_SESSION_TABLE, got undefined",
    })
    vi.stubEnv('STRANDS_SESSION_TABLE', '')
    expect(errorOf(() => parseTableOptions({}))).toMatchObject({ field: 'tableName', value: '' })
  })

  it('null is no way to say that the environment names the table', () => {
    vi.stubEnv('STRANDS_SESSION_TABLE', 'from-the-environment')
    expect(errorOf(() => parseTableOptions({ tableName: null as never }))).toMatchObject({
      name: 'InvalidOptionError',
      field: 'tableName',
      value: null,
    })
  })

  it('warn and complain on the console, and say nothing else, unless a logger is given', () => {
    const spies = (['debug', 'info', 'warn', 'error'] as const).map((name) =>
      vi.spyOn(console, name).mockImplementation(() => undefined),
    )
    const { logger } = parse({ sessionId, tableName })
    logger.debug('a')
    logger.info('b')
    logger.warn('c')
    logger.error('d')
    expect(spies.map((spy) => spy.mock.calls)).toEqual([[], [], [['c']], [['d']]])
    for (const spy of spies) spy.mockRestore()
  })
})

/** For each option, what it refuses. */
const wrong: Readonly<Record<string, readonly unknown[]>> = {
  sessionId: [undefined, null, '', 'A', 'a b', 'a#AGENT#b', 'a#msg#head', '..', '%23', 'x'.repeat(257), 7, ['s']],
  tableName: [null, '', 'ab', 'a b', 'a#b', 'ü-sessions', 'x'.repeat(1025), 7, {}],
  tenantId: [null, '', 'x'.repeat(257), 'a\u0000', 'a\n', '\ud800', 7, {}],
  owner: [null, '', 'x'.repeat(257), 'a\u0000', '\ud800', 7, {}],
  title: [null, 'x'.repeat(257), 7, {}],
  saveLatestOn: [null, '', 'Message', 'node', 7, true],
  multiAgentSaveLatestOn: [null, '', 'message', 7, true],
  snapshotTrigger: [null, 'always', true, {}],
  autoCreate: [null, 'false', 0, 1, {}],
  restoreSystemPrompt: [null, 'false', 0],
  compression: [null, '', 'on', 'br', true, {}],
  consistentRead: [null, 'true', 1],
  windowSize: [null, 0, -1, 1.5, 10_001, '40', Number.NaN, Number.POSITIVE_INFINITY, 40n],
  touchIntervalSeconds: [null, 0, -1, 1.5, 86_401, '300', Number.NaN],
  logger: [null, true, 'console', {}, { debug: () => {}, info: () => {}, warn: () => {} }, { ...console, error: 7 }],
  turnExclusion: [null, 'false', 0, 1],
  turnLeaseMs: [null, 0, 999, -1, 1000.5, 86_400_001, '120000', Number.NaN, Number.POSITIVE_INFINITY],
  turnWaitMs: [null, -1, 0.5, 86_400_001, '0', Number.NaN, Number.POSITIVE_INFINITY],
  repair: [null, '', 'Complete', 'none', true, 7],
  onAnswerNotSaved: [null, true, 'throw', {}],
  onCapacity: [null, true, 'yes', {}],
  onRetry: [null, true, 3, {}],
  getRemainingTimeInMillis: [null, 30_000, '30000', {}],
  client: [null, 'client', {}, 7],
  clientConfig: [null, 'eu-west-1', 7],
}
const cases = Object.entries(wrong).flatMap(([field, values]) => values.map((value) => ({ field, value })))

describe('a wrong option', () => {
  test.each(cases)('$field: $value is refused, with its name and its value', ({ field, value }) => {
    expect(errorOf(() => parse({ sessionId, tableName, [field]: value }))).toMatchObject({
      name: 'InvalidOptionError',
      field,
      value,
      message: expect.stringMatching(new RegExp(`^${field}: expected .*, got `)),
    })
  })

  test.each([[undefined], [null], ['sessions'], [7]])('%j is no options at all', (options) => {
    const facts = { name: 'InvalidOptionError', field: 'options', value: options }
    expect(errorOf(() => parseTableOptions(options as never))).toMatchObject(facts)
    expect(errorOf(() => parseStorageOptions(options as never))).toMatchObject(facts)
    expect(errorOf(() => parseManagerOptions(options as never))).toMatchObject(facts)
  })

  it('client and clientConfig exclude each other', () => {
    const client = new DynamoDBClient({ region: 'eu-west-1' })
    expect(errorOf(() => parse({ sessionId, tableName, client, clientConfig: {} }))).toMatchObject({
      name: 'InvalidOptionError',
      field: 'client',
      value: client,
    })
  })

  it('ids whose keys would not fit DynamoDB are refused too', () => {
    const long = '界'.repeat(256)
    expect(errorOf(() => parse({ sessionId, tableName, owner: long }))).toMatchObject({ field: 'owner', value: long })
    expect(errorOf(() => parse({ sessionId, tableName, tenantId: long }))).toMatchObject({
      field: 'tenantId',
      value: long,
    })
  })

  it('sends no request', () => {
    const { client, takeSent } = mockedClient()
    parse({ sessionId, tableName, client })
    for (const { field, value } of cases.filter(({ field }) => !field.startsWith('client'))) {
      errorOf(() => parse({ sessionId, tableName, client, [field]: value }))
    }
    expect(takeSent()).toEqual([])
  })
})
