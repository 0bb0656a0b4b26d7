import { Agent, tool } from '@strands-agents/sdk'
import { expect, test } from 'vitest'
import { ScriptedModel } from './scripted-model.ts'

test('plays text, tool uses, redactions and errors in order, and notes what each call saw', async () => {
  const model = new ScriptedModel([
    { text: 'one moment', toolUses: [{ name: 'echo', input: { word: 'hi' } }] },
    { text: 'done' },
    { redact: { input: 'user text removed', output: 'answer removed' } },
    { error: new Error('no model today') },
  ])
  const echo = tool({ name: 'echo', description: 'Says it again', callback: () => 'hi' })
  const agent = new Agent({ model, tools: [echo], printer: false })

  await agent.invoke('first')
  await agent.invoke('second')
  await expect(agent.invoke('third')).rejects.toThrow('no model today')

  const contents = agent.messages.map(({ role, content }) => [role, JSON.parse(JSON.stringify(content))])
  expect(contents).toEqual([
    ['user', [{ text: 'first' }]],
    ['assistant', [{ text: 'one moment' }, { toolUse: { name: 'echo', toolUseId: 'tool-1', input: { word: 'hi' } } }]],
    ['user', [{ toolResult: { toolUseId: 'tool-1', status: 'success', content: [{ text: 'hi' }] } }]],
    ['assistant', [{ text: 'done' }]],
    ['user', [{ text: 'user text removed' }]],
    ['assistant', [{ text: 'answer removed' }]],
    ['user', [{ text: 'third' }]],
  ])
  expect(model.calls.map((call) => JSON.parse(call).length)).toEqual([1, 3, 5, 7])
})

test('a script can be a function, and a list says when it is over', async () => {
  const counting = new Agent({ model: new ScriptedModel((call) => ({ text: `answer ${call}` })), printer: false })
  await counting.invoke('a')
  expect((await counting.invoke('b')).toString()).toBe('answer 1')
  await expect(new Agent({ model: new ScriptedModel([]), printer: false }).invoke('a')).rejects.toThrow('0 turns')
})
