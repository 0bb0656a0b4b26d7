import { Agent } from '@strands-agents/sdk'
import { expect, test } from 'vitest'
import { ScriptedModel, type ScriptedTurn } from '../../packages/session-dynamodb/test/support/scripted-model.ts'
import { chatEvents } from './events.ts'
import { calculator } from './tools.ts'

const quiet = { sessionId: 's-1', isTimeUp: () => false, onError: () => {} }

/** What an agent that plays a script tells its caller. */
async function tell(script: readonly ScriptedTurn[], options: Partial<Parameters<typeof chatEvents>[1]> = {}) {
  const agent = new Agent({ model: new ScriptedModel(script), tools: [calculator()], printer: false })
  const told: string[] = []
  for await (const piece of chatEvents(agent.stream('Hello'), { ...quiet, ...options })) told.push(piece)
  return told.join('')
}

test('a turn with a tool, as a browser would read it', async () => {
  const toolUses = [{ name: 'calculator', input: { expression: '6 * 7' } }]

  expect(await tell([{ text: 'Let me see.', toolUses }, { text: 'It is\n42.' }])).toBe(
    [
      'event: session\ndata: {"sessionId":"s-1"}',
      'event: text\ndata: {"text":"Let me see."}',
      'event: tool\ndata: {"toolUseId":"tool-1","name":"calculator","status":"started"}',
      'event: tool\ndata: {"toolUseId":"tool-1","name":"calculator","status":"success"}',
      'event: text\ndata: {"text":"It is\\n42."}',
      'event: done\ndata: {"stopReason":"endTurn"}',
      '',
    ].join('\n\n'),
  )
})

test('a tool that fails is told as such, without its message', async () => {
  const toolUses = [{ name: 'calculator', input: { expression: 'secret' } }]
  const told = await tell([{ toolUses }, { text: 'No.' }])

  expect(told).toContain('"name":"calculator","status":"error"')
  expect(told).not.toContain('secret')
})

test('what fails before there is anything to tell is thrown, and may become a status code', async () => {
  const error = Object.assign(new Error('You have no access to the model'), { name: 'AccessDeniedException' })

  await expect(tell([{ error }])).rejects.toThrow('no access')
})

test('what fails later is the last event, and leaks nothing', async () => {
  const noted: unknown[] = []
  const error = new Error('secret')
  const told = await tell([{ text: 'Well', error }], { onError: (each) => noted.push(each) })

  expect(told).toContain('event: text\ndata: {"text":"Well"}')
  expect(told).toMatch(/event: error\ndata: \{"code":"internal","message":"[^"]+"\}\n\n$/)
  expect(told).not.toContain('secret')
  expect(noted).toHaveLength(1)
})
