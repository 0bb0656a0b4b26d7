import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { EngineError } from './engine-choice.ts'
import { answers, type EngineProgram, startProgram } from './engine-process.ts'

/** A stand-in for a database: a web server that announces its port. */
const SERVER = `
  const server = require('node:http').createServer((request, response) => response.end('{}'))
  server.on('error', (error) => { console.error(error.message); process.exit(1) })
  server.listen(Number(process.argv[1]), '127.0.0.1', () => console.log('Version: 1.2.3\\nup at http://127.0.0.1:' + server.address().port))
`

function programOf(source: string, overrides: Partial<EngineProgram> = {}): EngineProgram {
  return {
    name: 'test server',
    command: process.execPath,
    picksPort: false,
    parameters: (port) => ['-e', source, String(port)],
    proof: { line: /up at (\S+)/ },
    version: /^Version: (\S+)/m,
    ...overrides,
  }
}

test('starts a program on a free port, and ends it', async () => {
  const running = await startProgram(programOf(SERVER))
  expect([running.version, await answers(running.endpoint)]).toEqual(['1.2.3', true])
  await running.stop()
  await running.stop()
  expect(await answers(running.endpoint)).toBe(false)
})

test('takes another port when somebody was faster', async () => {
  const stranger = createServer((_request, response) => response.end('{}')).listen(0, '127.0.0.1')
  await once(stranger, 'listening')
  const address = stranger.address()
  const taken = address !== null && typeof address === 'object' ? address.port : 0
  const ports: number[] = []
  const parameters = (port: number): string[] => {
    ports.push(port)
    return ['-e', SERVER, String(ports.length === 1 ? taken : port)]
  }
  const running = await startProgram(programOf(SERVER, { parameters }))
  expect(ports).toHaveLength(2)
  expect(running.endpoint).toBe(`http://127.0.0.1:${ports[1]}`)
  await running.stop()
  stranger.close()
})

test.each([
  ['ends', programOf('console.error("no licence"); process.exit(3)'), /test server did not start.*code 3.*no licence/s],
  ['does not exist', programOf('', { command: 'no-such-program' }), /test server did not start.*no-such-program/s],
])('a program that %s is an error that quotes it', async (_case, program, message) => {
  const started = startProgram(program)
  await expect(started).rejects.toThrow(EngineError)
  await expect(started).rejects.toThrow(message)
})

test('the program ends when its parent is killed', async () => {
  const guard = fileURLToPath(new URL('./engine-guard.ts', import.meta.url))
  const parentSource = `
    const child = require('node:child_process').spawn(process.execPath, process.argv.slice(1), { detached: true })
    child.stdout.pipe(process.stdout)
  `
  const parent = spawn(process.execPath, ['-e', parentSource, guard, process.execPath, '-e', SERVER, '0'])
  const [announcement] = await once(parent.stdout, 'data')
  const endpoint = /up at (\S+)/.exec(String(announcement))?.[1] ?? ''
  expect(await answers(endpoint)).toBe(true)

  parent.kill('SIGKILL')
  // The guard ends the program once the system has closed its input; there is no event to wait for.
  await expect.poll(() => answers(endpoint), { timeout: 5_000 }).toBe(false)
})
