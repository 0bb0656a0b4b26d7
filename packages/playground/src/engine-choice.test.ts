import { expect, test } from 'vitest'
import { chooseEngine, EngineError, type EngineProbes, isLoopback } from './engine-choice.ts'
import { parseJavaModules } from './engine-probes.ts'

const JDK = { command: 'java', release: 17, hasCompiler: true }
const DYNOXIDE = { binary: '/bin/dynoxide', version: '1.2.3' }
const EVERYTHING: EngineProbes = {
  findJava: async () => JDK,
  findDynamoDBLocal: async () => '/local',
  findDynoxide: async () => DYNOXIDE,
}
const NOTHING: EngineProbes = {
  findJava: async () => undefined,
  findDynamoDBLocal: async () => undefined,
  findDynoxide: async () => undefined,
}

test('an explicit endpoint comes before the environment, and both before an embedded engine', async () => {
  const environment = { AWS_ENDPOINT_URL_DYNAMODB: 'http://localhost:2' }
  expect(await chooseEngine({ endpoint: 'http://localhost:1', environment }, EVERYTHING)).toEqual({
    kind: 'endpoint',
    endpoint: 'http://localhost:1',
    source: '--endpoint',
  })
  expect(await chooseEngine({ environment }, EVERYTHING)).toEqual({
    kind: 'endpoint',
    endpoint: 'http://localhost:2',
    source: 'AWS_ENDPOINT_URL_DYNAMODB',
  })
})

test('DynamoDB Local comes before the native binary', async () => {
  const choice = await chooseEngine({ environment: {} }, EVERYTHING)
  expect(choice).toEqual({ kind: 'dynamodb-local', home: '/local', java: JDK })
})

test.each([
  ['without Java', { ...EVERYTHING, findJava: NOTHING.findJava }],
  ['with an old Java', { ...EVERYTHING, findJava: async () => ({ ...JDK, release: 11 }) }],
  ['without DynamoDB Local', { ...EVERYTHING, findDynamoDBLocal: NOTHING.findDynamoDBLocal }],
])('%s the native binary is used', async (_case, probes) => {
  expect(await chooseEngine({ environment: {} }, probes)).toEqual({ kind: 'dynoxide', ...DYNOXIDE })
})

test('with nothing there, the error says what to install', async () => {
  const choice = chooseEngine({ environment: {} }, NOTHING)
  await expect(choice).rejects.toThrow(EngineError)
  await expect(choice).rejects.toThrow(/Java 17.*no Java is here.*@dynoxide\/linux-x64.*--endpoint/s)
  const oldJava = { ...NOTHING, findJava: async () => ({ ...JDK, release: 11 }) }
  await expect(chooseEngine({ environment: {} }, oldJava)).rejects.toThrow(/Java 11 is here/)
})

test.each(['localhost:8000', 'ftp://localhost', 'nonsense'])("'%s' is no endpoint", async (endpoint) => {
  await expect(chooseEngine({ endpoint, environment: {} }, EVERYTHING)).rejects.toThrow(`got '${endpoint}'`)
})

test('an endpoint is local by its host name only', () => {
  const local = ['http://localhost:1', 'http://127.0.0.1', 'http://127.1.2.3:4', 'http://[::1]:5']
  const remote = [
    'https://dynamodb.eu-west-1.amazonaws.com',
    'http://127.0.0.1.example.com',
    'http://localhost.example.com',
  ]
  expect([local.map(isLoopback), remote.map(isLoopback)]).toEqual([
    [true, true, true, true],
    [false, false, false],
  ])
})

test('reads the release of Java, and whether it is a JDK', () => {
  const modules = 'java.base@21.0.2\njava.logging@21.0.2\njdk.compiler@21.0.2\n'
  expect(parseJavaModules('java', modules)).toEqual({ command: 'java', release: 21, hasCompiler: true })
  expect(parseJavaModules('java', 'java.base@17\n')).toEqual({ command: 'java', release: 17, hasCompiler: false })
  expect(parseJavaModules('java', 'Unrecognized option: --list-modules')).toBeUndefined()
})
