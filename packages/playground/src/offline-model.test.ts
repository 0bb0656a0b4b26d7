import { Agent, type Message } from '@strands-agents/sdk'
import { expect, test } from 'vitest'
import { OfflineModel } from './offline-model.ts'
import { demoTools } from './tools.ts'
import { textOf, toolCalls } from './transcript.ts'

/** Has a conversation with a fresh agent and returns the last answer. */
async function lastAnswer(questions: readonly string[], messages: Message[] = []): Promise<string> {
  const agent = new Agent({ model: new OfflineModel(), tools: demoTools(), messages, printer: false })
  let answer = ''
  for (const question of questions) answer = textOf((await agent.invoke(question)).lastMessage)
  return answer
}

test.each([
  [['My name is Ada.', 'What is my name?'], 'Your name is Ada.'],
  [
    ['Hi, my name is Ada and I live in Lisbon.', 'Who am I, and where do I live?'],
    'Your name is Ada. You live in Lisbon.',
  ],
  [['My favourite tea is jasmine.', "What's my favorite tea?"], 'Your favourite tea is jasmine.'],
  [
    ['Remember that the code for the locker is K7-4182.', 'What is the locker code?'],
    'The code for the locker is K7-4182.',
  ],
  [['The meeting is at 10.30 on Friday.', 'When is the meeting?'], 'The meeting is at 10.30 on Friday.'],
  [['My dog is Rex', 'My dog is Bello', 'do you remember my dog'], 'Your dog is Bello.'],
  [['My name is Ada.', 'My tea is green.', 'What do you know about me?'], 'Your name is Ada. Your tea is green.'],
  [['My name is Ada.', 'Hello'], 'Hello, Ada!'],
])('recalls what the user stated: %j', async (questions, answer) => {
  expect(await lastAnswer(questions)).toBe(answer)
})

test.each([
  ['What is my name?', 'I do not know your name: nothing in this conversation says it.'],
  ['What is the code?', 'I do not know the code: nothing in this conversation says it.'],
  ['What was the weather in Oslo?', 'I do not know: nobody asked the weather tool about Oslo in this conversation.'],
  ['What did we talk about earlier?', 'Nothing yet: this conversation starts here.'],
])('says that it does not know what is not there: %s', async (question, answer) => {
  expect(await lastAnswer([question])).toBe(answer)
})

test('forgets what is no longer among its messages', async () => {
  const agent = new Agent({ model: new OfflineModel(), printer: false })
  await agent.invoke('My name is Ada.')
  agent.messages.splice(0)
  expect(textOf((await agent.invoke('What is my name?')).lastMessage)).toMatch(/^I do not know your name/)
})

test('summarises the earlier messages of the user', async () => {
  expect(await lastAnswer(['My name is Ada.', 'What is 2 + 3?', 'What did we talk about?'])).toBe(
    'You said “My name is Ada.”, then “What is 2 + 3?”.',
  )
})

test('asks for the tools that serve the request, then reports what they said', async () => {
  const agent = new Agent({ model: new OfflineModel(), tools: demoTools(), printer: false })
  const { lastMessage } = await agent.invoke('I live in Oslo. What is the weather at home, and what is 12 * (3 + 4)?')
  expect(toolCalls(agent.messages).map(({ use, result }) => [use.name, use.input, result?.status])).toEqual([
    ['weather', { place: 'Oslo' }, 'success'],
    ['calculator', { expression: '12 * (3 + 4)' }, 'success'],
  ])
  expect(textOf(lastMessage)).toMatch(/^Noted: you live in Oslo\. Oslo: .+ at noon\. 12 \* \(3 \+ 4\) = 84\.$/)
  const later = await agent.invoke('What was the weather in Oslo?')
  expect(textOf(later.lastMessage)).toMatch(/^Earlier in this conversation the weather tool said: Oslo: /)
})

test('keeps notes in the state of the agent', async () => {
  const agent = new Agent({ model: new OfflineModel(), tools: demoTools(), printer: false })
  await agent.invoke('Please save a note: buy bread and butter')
  await agent.invoke('note: call Bob')
  expect(agent.appState.get('notes')).toEqual(['buy bread and butter', 'call Bob'])
  expect(textOf((await agent.invoke('What notes do I have?')).lastMessage)).toBe(
    'The notes are: 1. buy bread and butter; 2. call Bob.',
  )
})

test('reports a tool that fails', async () => {
  expect(await lastAnswer(['What is 1 / 0?'])).toBe("The calculator tool failed: Error: '1 / 0' has no value.")
})

test('uses only the tools that it is offered', async () => {
  const agent = new Agent({ model: new OfflineModel(), printer: false })
  const { lastMessage, stopReason } = await agent.invoke('What is 2 + 3?')
  expect([stopReason, textOf(lastMessage)]).toEqual(['endTurn', 'I have no calculator tool here.'])
})

test('streams in chunks and reports its usage', async () => {
  const agent = new Agent({ model: new OfflineModel(), printer: false })
  const chunks: string[] = []
  for await (const event of agent.stream('My name is Ada.')) {
    if (event.type !== 'modelStreamUpdateEvent' || event.event.type !== 'modelContentBlockDeltaEvent') continue
    if (event.event.delta.type === 'textDelta') chunks.push(event.event.delta.text)
  }
  expect(chunks).toEqual(['Noted: ', 'your ', 'name ', 'is ', 'Ada.'])
  const usage = agent.messages.at(-1)?.metadata?.usage
  expect(usage).toEqual({
    inputTokens: expect.any(Number),
    outputTokens: expect.any(Number),
    totalTokens: (usage?.inputTokens ?? 0) + (usage?.outputTokens ?? 0),
  })
  expect(usage?.inputTokens).toBeGreaterThan(0)
})

test('gives each tool call an id of its own', async () => {
  const agent = new Agent({ model: new OfflineModel(), tools: demoTools(), printer: false })
  for (const _ of [1, 2]) await agent.invoke('What is 2 + 3?')
  const ids = toolCalls(agent.messages).map(({ use }) => use.toolUseId)
  expect(new Set(ids).size).toBe(2)
})
