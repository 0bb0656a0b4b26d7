/** Reads a stream of server-sent events, in the part of the format that the sample agent writes. */

/**
 * An event of the stream.
 *
 * @typedef {object} ServerSentEvent
 * @property {string} event - its name; `message` when the stream gives none
 * @property {string} data
 */

/**
 * The events of a stream, as they become complete; one that the stream's end cuts off is dropped.
 *
 * @param {ReadableStream<Uint8Array>} body
 * @returns {AsyncGenerator<ServerSentEvent, void, undefined>}
 */
export async function* readEvents(body) {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      rest += decoder.decode(value, { stream: true })
      // A carriage return at the end may be half of a line break.
      const blocks = rest.replace(/\r\n/g, '\n').split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const event = parseEvent(block)
        if (event !== undefined) yield event
      }
    }
  } finally {
    // Whoever stops reading wants no more: the server is to learn it.
    await reader.cancel().catch(() => {})
  }
}

/**
 * Parses one event.
 *
 * @param {string} block - its lines
 * @returns {ServerSentEvent | undefined} undefined for a block without data, such as a comment
 */
function parseEvent(block) {
  let event = 'message'
  /** @type {string[]} */
  const data = []
  for (const line of block.split('\n')) {
    const [, field, value] = /^([^:]+): ?(.*)$/.exec(line) ?? []
    if (field === 'event' && value) event = value
    if (field === 'data') data.push(value ?? '')
  }
  return data.length === 0 ? undefined : { event, data: data.join('\n') }
}
