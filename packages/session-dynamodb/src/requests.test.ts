import { ThrottlingException } from '@aws-sdk/client-dynamodb'
import { describe, expect, it, test, vi } from 'vitest'
import { rejectionOf } from '../test/support/mocked-client.ts'
import { type CapacityUsage, type RequestOptions, Requests, type Retry } from './requests.ts'

const tableName = 'sessions'
const aws = { message: 'because', $metadata: {} }

function requestsFor(options: Partial<RequestOptions> = {}) {
  const pauses: number[] = []
  const retries: Retry[] = []
  const usages: CapacityUsage[] = []
  const requests = new Requests({
    tableName,
    onRetry: (retry) => retries.push(retry),
    onCapacity: (usage) => usages.push(usage),
    pause: async (milliseconds) => pauses.push(milliseconds),
    ...options,
  })
  return { requests, pauses, retries, usages }
}

/** The answer, or the error, of a request that was sent so many times. */
const sentTimes = <T extends object>(attempts: unknown, result: T): T =>
  Object.assign(result, { $metadata: { attempts } })

describe('a request', () => {
  it('gives its output as it is', async () => {
    const { requests, retries, usages } = requestsFor()
    const output = { Item: { a: 1 } }
    expect(await requests.send('GetItem', async () => output)).toBe(output)
    expect([retries, usages]).toEqual([[], []])
  })

  it('is not limited when nobody says how much time is left', async () => {
    const request = vi.fn(async () => ({}))
    await requestsFor().requests.send('GetItem', request)
    expect(request.mock.calls).toEqual([[{}]])
  })

  it('asks for the consumed capacity only when somebody listens', () => {
    expect(requestsFor().requests.measured).toEqual({ ReturnConsumedCapacity: 'TOTAL' })
    expect(requestsFor({ onCapacity: undefined }).requests.measured).toEqual({})
  })
})

describe('consumed capacity', () => {
  test.each([
    ['GetItem', { CapacityUnits: 1.5 }, { readUnits: 1.5, writeUnits: 0 }],
    ['BatchGetItem', [{ CapacityUnits: 1 }, { CapacityUnits: 2 }], { readUnits: 3, writeUnits: 0 }],
    ['TransactGetItems', [{ CapacityUnits: 4 }], { readUnits: 4, writeUnits: 0 }],
    ['Query', { CapacityUnits: 0.5 }, { readUnits: 0.5, writeUnits: 0 }],
    ['PutItem', { CapacityUnits: 2 }, { readUnits: 0, writeUnits: 2 }],
    ['UpdateItem', { CapacityUnits: 3 }, { readUnits: 0, writeUnits: 3 }],
    ['DeleteItem', { CapacityUnits: 1 }, { readUnits: 0, writeUnits: 1 }],
    ['TransactWriteItems', [{ CapacityUnits: 6 }, {}], { readUnits: 0, writeUnits: 6 }],
    ['BatchWriteItem', undefined, { readUnits: 0, writeUnits: 0 }],
  ])('of %s is reported as what was read or written', async (operation, ConsumedCapacity, units) => {
    const { requests, usages } = requestsFor()
    await requests.send(operation, async () => sentTimes(2, { ConsumedCapacity }))
    expect(usages).toEqual([{ operation, attempts: 2, ...units }])
  })

  it('that an engine does not tell is not made up', async () => {
    const { requests, usages } = requestsFor()
    await requests.send('PutItem', async () => ({}))
    expect(usages).toEqual([])
  })
})

describe('a retry', () => {
  it('of the AWS SDK is reported once the request has succeeded', async () => {
    const { requests, retries } = requestsFor()
    await requests.send('PutItem', async () => sentTimes(3, {}))
    expect(retries).toEqual([{ operation: 'PutItem', attempts: 3, repetitions: 2 }])
  })

  it('of the AWS SDK is reported with the error when the request failed nevertheless', async () => {
    const { requests, retries } = requestsFor()
    const cause = sentTimes(4, new ThrottlingException(aws))
    const error = await rejectionOf(requests.send('PutItem', () => Promise.reject(cause)))
    expect(error).toMatchObject({ name: 'TableRequestError', operation: 'PutItem', retryable: true, cause })
    expect(retries).toEqual([{ operation: 'PutItem', attempts: 4, repetitions: 3, error: cause }])
  })

  it('is counted', async () => {
    const { requests } = requestsFor()
    await requests.send('PutItem', async () => sentTimes(3, {}))
    await rejectionOf(requests.send('PutItem', () => Promise.reject(sentTimes(2, new Error('no')))))
    const outcomes = [new Error('not yet'), undefined]
    await requests.untilDone('BatchWriteItem', async () => outcomes.shift())
    expect(requests.retryCount).toBe(4)
  })

  test.each([[1], [0], [undefined], ['3'], [null]])(
    'is not one when the request was sent %j times',
    async (attempts) => {
      const { requests, retries } = requestsFor()
      await requests.send('PutItem', async () => sentTimes(attempts, {}))
      await rejectionOf(requests.send('PutItem', () => Promise.reject(sentTimes(attempts, new Error('no')))))
      expect(retries).toEqual([])
    },
  )

  test.each([[new Error('no')], ['no'], [null], [undefined], [7]])('is not one when %s is thrown', async (thrown) => {
    const { requests, retries } = requestsFor()
    expect(await rejectionOf(requests.send('PutItem', () => Promise.reject(thrown)))).toMatchObject({
      ...{ name: 'TableRequestError', operation: 'PutItem', retryable: false, cause: thrown },
    })
    expect(retries).toEqual([])
  })

  it('needs nobody to listen', async () => {
    const { requests } = requestsFor({ onRetry: undefined })
    await requests.send('PutItem', async () => sentTimes(3, {}))
    const outcomes = [new Error('not yet'), undefined]
    await requests.untilDone('BatchWriteItem', async () => outcomes.shift())
    expect(outcomes).toEqual([])
  })
})

describe('a request that is repeated until it is done', () => {
  const obstacle = new Error('2 items were left unprocessed')

  it('is sent once when nothing is in its way', async () => {
    const { requests, pauses, retries } = requestsFor()
    const send = vi.fn(async () => undefined)
    await requests.untilDone('BatchWriteItem', send)
    expect([send.mock.calls.length, pauses, retries]).toEqual([1, [], []])
  })

  it('is reported each time that it is sent again, after a jittered pause that may double', async () => {
    const { requests, pauses, retries } = requestsFor()
    const outcomes = [obstacle, obstacle, obstacle, undefined]
    await requests.untilDone('BatchWriteItem', async () => outcomes.shift())
    expect(outcomes).toEqual([])
    expect(retries).toEqual([2, 3, 4].map((attempts) => ({ operation: 'BatchWriteItem', attempts, repetitions: 1 })))
    expect(pauses.map((pause, index) => pause >= 0 && pause < 100 * 2 ** index)).toEqual([true, true, true])
  })

  it('fails with what was in its way after eight attempts', async () => {
    const { requests, pauses, retries } = requestsFor()
    const send = vi.fn(async () => obstacle)
    expect(await rejectionOf(requests.untilDone('BatchWriteItem', send))).toMatchObject({
      ...{ name: 'TableRequestError', operation: 'BatchWriteItem', retryable: true, cause: obstacle },
    })
    expect([send.mock.calls.length, pauses.length, retries.length]).toEqual([8, 7, 7])
  })

  it('is not sent again when the process would end before', async () => {
    let left = 1000
    const { requests, pauses } = requestsFor({ remainingMs: () => left })
    const send = vi.fn(async () => {
      left -= 400
      return obstacle
    })
    expect(await rejectionOf(requests.untilDone('BatchWriteItem', send))).toMatchObject({
      ...{ name: 'TableRequestError', operation: 'BatchWriteItem', retryable: true, cause: obstacle },
    })
    expect(send.mock.calls.length).toBeLessThanOrEqual(2)
    expect(pauses).toHaveLength(send.mock.calls.length - 1)
  })

  it('ends with the first error', async () => {
    const { requests, pauses } = requestsFor()
    const failure = new Error('no')
    expect(await rejectionOf(requests.untilDone('BatchWriteItem', () => Promise.reject(failure)))).toBe(failure)
    expect(pauses).toEqual([])
  })

  it('pauses by the real clock when it is given no other', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const { requests } = requestsFor({ pause: undefined })
    const outcomes = [obstacle, undefined]
    await requests.untilDone('BatchWriteItem', async () => outcomes.shift())
    vi.restoreAllMocks()
    expect(outcomes).toEqual([])
  })
})

describe('a process that is to end', () => {
  /** What AbortSignal.timeout() was asked for: the deadline of each request. */
  function deadlines() {
    const timeout = vi.spyOn(AbortSignal, 'timeout')
    return { asked: () => timeout.mock.calls.map(([milliseconds]) => milliseconds), end: () => timeout.mockRestore() }
  }

  test.each([
    [30_000, 29_800],
    [201, 1],
    [200, 0],
    [0, 0],
    [-5, 0],
  ])('in %i ms aborts a request after %i ms, so that there is time to report it', async (left, expected) => {
    const { asked, end } = deadlines()
    const { requests } = requestsFor({ remainingMs: () => left })
    const request = vi.fn(async (_: { abortSignal?: AbortSignal }) => ({}))
    await requests.send('PutItem', request)
    expect(asked()).toEqual([expected])
    expect(request.mock.calls.at(0)?.[0].abortSignal).toBeInstanceOf(AbortSignal)
    end()
  })

  it('is asked anew for each request', async () => {
    const { asked, end } = deadlines()
    let left = 10_000
    const { requests } = requestsFor({ remainingMs: () => left })
    await requests.send('PutItem', async () => ({}))
    left = 5000
    await requests.send('PutItem', async () => ({}))
    expect(asked()).toEqual([9800, 4800])
    end()
  })

  it('gets an error of ours when the request is aborted', async () => {
    const { requests, retries } = requestsFor({ remainingMs: () => 201 })
    const error = await rejectionOf(
      requests.send('PutItem', ({ abortSignal }) => {
        const { promise, reject } = Promise.withResolvers<object>()
        abortSignal?.addEventListener('abort', () => {
          reject(Object.assign(new Error('Request aborted'), { name: 'AbortError' }))
        })
        return promise
      }),
    )
    expect(error).toMatchObject({
      ...{ name: 'TableRequestError', operation: 'PutItem', cause: { name: 'AbortError' } },
      message: "PutItem on table 'sessions' failed: AbortError: Request aborted",
    })
    expect(retries).toEqual([])
  })
})
