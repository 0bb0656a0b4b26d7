import { setImmediate as nextTurn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { rejectionOf } from '../test/support/mocked-client.ts'
import { chunksOf, KeyedQueue, mapConcurrently } from './concurrency.ts'

describe('KeyedQueue', () => {
  it('runs the tasks of a key one after the other, in order, and those of other keys meanwhile', async () => {
    const task = fc.record({ key: fc.constantFrom('a', 'b', 'c'), fails: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(task, { maxLength: 12 }), async (scheduler, tasks) => {
        const queue = new KeyedQueue()
        const events: { readonly key: string; readonly event: string }[] = []
        const outcomes = tasks.map(({ key, fails }, index) =>
          queue.run(key, async () => {
            events.push({ key, event: `${index} begins` })
            await scheduler.schedule(Promise.resolve(), `task ${index}`)
            events.push({ key, event: `${index} ends` })
            if (fails) throw new Error(`${index} failed`)
            return index
          }),
        )
        const settled = await scheduler.waitFor(Promise.allSettled(outcomes))

        expect(settled).toEqual(
          tasks.map(({ fails }, index) =>
            fails
              ? { status: 'rejected', reason: new Error(`${index} failed`) }
              : { status: 'fulfilled', value: index },
          ),
        )
        for (const key of ['a', 'b', 'c']) {
          const expected = tasks.flatMap((each, index) =>
            each.key === key ? [`${index} begins`, `${index} ends`] : [],
          )
          expect(events.filter((each) => each.key === key).map(({ event }) => event)).toEqual(expected)
        }
      }),
    )
  })

  it('does not let a key wait for another one', async () => {
    const queue = new KeyedQueue()
    const { promise, resolve } = Promise.withResolvers<void>()
    const stuck = queue.run('a', () => promise)
    await queue.run('b', async () => undefined)
    resolve()
    await stuck
  })

  it('goes on after a task that throws at once', async () => {
    const queue = new KeyedQueue()
    const failure = new Error('at once')
    const failed = queue.run('a', () => {
      throw failure
    })
    const next = queue.run('a', async () => 'next')
    expect(await rejectionOf(failed)).toBe(failure)
    expect(await next).toBe('next')
  })

  it('keeps nothing of tasks that have ended', async () => {
    setFlagsFromString('--expose-gc')
    const collectGarbage: () => void = runInNewContext('gc')
    const queue = new KeyedQueue()
    const results: WeakRef<object>[] = []
    for (const key of ['a', 'a', 'b']) results.push(new WeakRef(await queue.run(key, async () => ({ key }))))

    // References that the engine itself keeps end with the turn of the event loop.
    await nextTurn()
    collectGarbage()

    expect(results.map((result) => result.deref())).toEqual([undefined, undefined, undefined])
    expect(await queue.run('a', async () => 'still works')).toBe('still works')
  })
})

describe('mapConcurrently', () => {
  it('maps in order with as many calls under way as it may, and no more', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.integer(), { maxLength: 20 }),
        fc.integer({ min: 1, max: 8 }),
        async (scheduler, values, limit) => {
          let underWay = 0
          let most = 0
          const mapped = mapConcurrently(values, limit, async (value) => {
            most = Math.max(most, ++underWay)
            await scheduler.schedule(Promise.resolve())
            underWay--
            return value * 2
          })
          expect(await scheduler.waitFor(mapped)).toEqual(values.map((value) => value * 2))
          expect(most).toBe(Math.min(limit, values.length))
        },
      ),
    )
  })

  it('throws the first error once the calls under way have ended, and starts no further one', async () => {
    const failures = fc.uniqueArray(fc.nat({ max: 11 }), { minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), failures, fc.integer({ min: 1, max: 5 }), async (scheduler, failing, limit) => {
        const values = Array.from({ length: 12 }, (_, index) => index)
        const failed: number[] = []
        const running = new Set<number>()
        let startedAfterFailure = 0
        const mapped = mapConcurrently(values, limit, async (value) => {
          if (failed.length > 0) startedAfterFailure++
          running.add(value)
          await scheduler.schedule(Promise.resolve())
          running.delete(value)
          if (!failing.includes(value)) return
          failed.push(value)
          throw new Error(`${value} failed`)
        })
        const error = await scheduler.waitFor(rejectionOf(mapped))

        expect(error).toEqual(new Error(`${failed[0]} failed`))
        expect([...running]).toEqual([])
        expect(startedAfterFailure).toBe(0)
      }),
    )
  })

  test.each([undefined, null, 0, ''])('counts %j as an error too', async (thrown) => {
    expect(await rejectionOf(mapConcurrently([1], 1, () => Promise.reject(thrown)))).toBe(thrown)
  })

  it('calls nothing for no values', async () => {
    expect(await mapConcurrently([], 8, () => Promise.reject(new Error('called')))).toEqual([])
  })
})

describe('chunksOf', () => {
  test.each([
    [[], 3, []],
    [[1], 3, [[1]]],
    [[1, 2, 3], 3, [[1, 2, 3]]],
    [[1, 2, 3, 4], 3, [[1, 2, 3], [4]]],
  ])('splits %j by %i into %j', (values, size, expected) => {
    expect(chunksOf(values, size)).toEqual(expected)
  })

  it('loses nothing and fills every chunk but the last', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.integer({ min: 1, max: 30 }), (values, size) => {
        const chunks = chunksOf(values, size)
        expect(chunks.flat()).toEqual(values)
        expect(chunks.slice(0, -1).every((chunk) => chunk.length === size)).toBe(true)
        expect(chunks.every((chunk) => chunk.length > 0 && chunk.length <= size)).toBe(true)
      }),
    )
  })
})
