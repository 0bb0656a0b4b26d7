import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, inject, onTestFinished, test } from 'vitest'
import { AgentClient } from '../src/dev/page/agent-client.js'
import { runScript } from './processes.ts'

const SCRIPT = fileURLToPath(new URL('../src/dev.ts', import.meta.url))
const endpoint = ['--endpoint', inject('dynamoDBEndpoint')]

/** Starts `npm run dev` as a user does, and waits for its URL. */
async function startDev(): Promise<{ url: string; interrupt: () => Promise<number | null> }> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', SCRIPT, '--port', '0', ...endpoint])
  onTestFinished(() => void child.kill('SIGKILL'))
  const ended = once(child, 'exit')
  for await (const line of createInterface({ input: child.stdout })) {
    const [url] = /http:\/\/127\.0\.0\.1:\d+\/$/.exec(line) ?? []
    if (url === undefined) continue
    const interrupt = async (): Promise<number | null> => {
      child.kill('SIGINT')
      await ended
      return child.exitCode
    }
    return { url, interrupt }
  }
  throw new Error('npm run dev said no URL')
}

test('serves the agent and its page to this machine only, and ends after the answer that is being given', async () => {
  const { url, interrupt } = await startDev()
  const page = await fetch(url)
  expect([page.status, page.headers.get('content-security-policy')]).toEqual([
    200,
    expect.stringMatching(/^default-src 'none'; script-src 'self';/),
  ])
  expect(await page.text()).toMatch(/<script type="module" src="\/chat\.js">/)
  for (const headers of [{ origin: 'http://example.com' }, { origin: 'null' }]) {
    expect((await fetch(new URL('/ping', url), { headers })).status).toBe(403)
  }
  for (const path of ['/index.html', '/tsconfig.json', '/..%2fserver.ts', '/chat']) {
    expect((await fetch(new URL(path, url))).status).toBe(404)
  }

  const client = new AgentClient((path, init) => fetch(new URL(path, url), init))
  const answer = client.chat({ prompt: 'What is 6 * 7?', turnId: crypto.randomUUID() })
  await answer.next()
  const code = interrupt()
  let text = ''
  for await (const event of answer) if (event.type === 'text') text += event.text
  expect(text).toMatch(/6 \* 7 = 42\.$/)
  expect(await code).toBe(0)

  await expect(fetch(url)).rejects.toThrow()
})

test('says that a port is taken', async () => {
  const again = await startDev()
  const taken = await runScript('dev', ['--port', new URL(again.url).port, ...endpoint])
  expect([taken.code, taken.stderr]).toEqual([1, expect.stringMatching(/Port \d+ cannot be used: Another program/)])
  expect(await again.interrupt()).toBe(0)
})

test('refuses options that are wrong, before anything is started', async () => {
  const { code, stdout, stderr } = await runScript('dev', ['--port', 'eighty'])
  expect([code, stdout, stderr]).toEqual([2, '', expect.stringMatching(/--port.*eighty.*Usage: npm run dev/s)])
})
