import { randomUUID } from 'node:crypto'
import { expect, inject, test } from 'vitest'
import { runScript } from './processes.ts'

const table = ['--endpoint', inject('dynamoDBEndpoint'), '--table', `chat-${randomUUID()}`]
const owned = [...table, '--owner', 'ada', '--tenant', 'acme']

test('a conversation that was left goes on where it was', async () => {
  const first = await runScript('chat', [...owned, '--session', 's1'], 'My name is Ada.\n/quit\nnot read\n')
  expect([first.code, first.stdout]).toEqual([
    0,
    expect.stringMatching(/Session s1: new.*My name is Ada.\nagent Noted: your name is Ada.\nyou {3}\/quit\n$/s),
  ])
  const second = await runScript('chat', [...owned, '--session', 's1'], 'Who am I?\n/history\n')
  expect(second.stdout).toMatch(/Session s1: resumed with 2 messages.*agent Your name is Ada\./s)
  expect(second.stdout).toMatch(
    /\/history\nyou {3}My name is Ada\.\nagent Noted: your name is Ada\.\nyou {3}Who am I\?/,
  )
})

test('/delete forgets, /new begins another session, /sessions lists those of the owner', async () => {
  const lines = ['My name is Bob.', '/delete', 'Who am I?', '/new s3', 'Hello', '/sessions', '/new Bad!', '/nonsense']
  const { code, stdout } = await runScript('chat', [...owned, '--session', 's2'], lines.join('\n'))
  expect(code).toBe(0)
  expect(stdout).toMatch(/Session s2 is deleted.*I do not know your name.*Session s3: new/s)
  expect(stdout).toMatch(/\* {2}s3 .*\n {3}s2 /)
  expect(stdout).toMatch(/sessionId: .*Bad!.*There is no \/nonsense/s)
})

test('refuses options that are wrong, before anything is started', async () => {
  const { code, stdout, stderr } = await runScript('chat', ['--session', 'Bad Id'])
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toMatch(/sessionId.*Bad Id.*Usage: npm run chat/s)
})
