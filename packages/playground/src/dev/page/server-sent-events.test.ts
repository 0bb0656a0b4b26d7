import { expect, test } from 'vitest'
import { readEvents, type ServerSentEvent } from './server-sent-events.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

async function eventsIn(pieces: readonly Uint8Array[]): Promise<ServerSentEvent[]> {
  const events: ServerSentEvent[] = []
  for await (const event of readEvents(ReadableStream.from(pieces))) events.push(event)
  return events
}

test('reads the same events however the stream is cut, and none that is incomplete', async () => {
  const stream = bytes(
    ': hello\n\nevent: text\ndata: {"text":"é 🫖"}\n\ndata: a\r\ndata:b\r\n\r\nevent: done\ndata: lost',
  )
  const expected = [
    { event: 'text', data: '{"text":"é 🫖"}' },
    { event: 'message', data: 'a\nb' },
  ]
  for (let size = 1; size <= stream.length; size++) {
    const count = Math.ceil(stream.length / size)
    const pieces = Array.from({ length: count }, (_, index) => stream.subarray(index * size, (index + 1) * size))
    expect(await eventsIn(pieces)).toEqual(expected)
  }
})

test('whoever stops reading ends the stream', async () => {
  let isCancelled = false
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(bytes('data: more\n\n')),
    cancel: () => {
      isCancelled = true
    },
  })
  for await (const event of readEvents(body)) {
    expect(event.data).toBe('more')
    break
  }
  expect(isCancelled).toBe(true)
})
