import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { runProgram } from './run-program.ts'

const options = { cwd: tmpdir(), env: { PATH: process.env['PATH'] }, signal: new AbortController().signal }

test('says nothing of a program that succeeds', async () => {
  expect(await runProgram('node', ['--eval', 'console.log(1)'], options)).toBeUndefined()
})

test('quotes a program that fails', async () => {
  const script = 'console.error("no such region"); process.exitCode = 3'

  await expect(runProgram('node', ['--eval', script], options)).rejects.toThrow(/ended with code 3:\nno such region/)
})

test('names a program that is not there', async () => {
  await expect(runProgram('no-such-program', ['--now'], options)).rejects.toThrow(/no-such-program --now: .*ENOENT/)
})

test('ends a program and its children when it has taken too long', async () => {
  const child = "require('child_process').spawn('node', ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' })"
  const run = runProgram('node', ['--eval', child], { ...options, signal: AbortSignal.timeout(100) })

  // The run ends when all who can still write have ended.
  await expect(run).rejects.toThrow(/it took too long/)
})
