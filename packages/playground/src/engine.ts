/** Starts a DynamoDB for development: an explicit endpoint, DynamoDB Local, or the native binary. */

import { randomUUID } from 'node:crypto'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import { chooseEngine, type EngineChoice, EngineError, type EngineProbes, isLoopback } from './engine-choice.ts'
import { claimFolder, isAlive } from './engine-folder.ts'
import { machineProbes } from './engine-probes.ts'
import { answers, type EngineProgram, startProgram } from './engine-process.ts'

export { EngineError, type EngineProbes } from './engine-choice.ts'

/** A DynamoDB to work on. */
export interface Engine {
  /** What it is, for people: `DynamoDB Local`, `dynoxide`, or `the endpoint from …`. */
  readonly name: string
  readonly version?: string
  readonly endpoint: string
  /** Settings for an AWS SDK client: made-up credentials and region for this machine's engines only. */
  readonly clientConfig: DynamoDBClientConfig
  /** Something that the user should know about how the engine runs. */
  readonly note?: string
  /** Folder that keeps the tables; absent when they are in memory or elsewhere. */
  readonly folder?: string
  /** Ends what {@link startEngine} started; does nothing for an engine of somebody else. Safe to call twice. */
  readonly stop: () => Promise<void>
}

/** How to start an engine. */
export interface EngineOptions {
  /** DynamoDB to use; nothing is started then. @defaultValue `AWS_ENDPOINT_URL_DYNAMODB`, else embedded */
  readonly endpoint?: string | undefined
  /** Folder that keeps the tables of an embedded engine, one subfolder each. @defaultValue in memory */
  readonly dataFolder?: string | undefined
  /** Region for an endpoint that is not on this machine. @defaultValue the AWS SDK's own search */
  readonly region?: string | undefined
  /** @defaultValue `process.env` */
  readonly environment?: NodeJS.ProcessEnv
  /** @defaultValue this machine */
  readonly probes?: EngineProbes
}

const LOOPBACK_SERVER = fileURLToPath(new URL('./loopback-server.java', import.meta.url))
/** Starts a short-lived JVM sooner than the defaults do. */
const JAVA_FLAGS = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xshare:auto']

/** Client settings for a DynamoDB on this machine; the credentials are made up, and worth nothing anywhere else. */
export function localClientConfig(endpoint: string): DynamoDBClientConfig {
  return { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } }
}

/**
 * Starts, finds or joins a DynamoDB. Whatever was started ends with `stop()`, or with this process at the latest,
 * however that ends.
 *
 * @throws {@link EngineError} when there is none, or it does not answer; the message says what to do.
 */
export async function startEngine(options: EngineOptions = {}): Promise<Engine> {
  const { environment = process.env, probes = machineProbes } = options
  const choice = await chooseEngine({ endpoint: options.endpoint, environment }, probes)
  if (choice.kind === 'endpoint') return useEndpoint(choice, options.region)
  if (options.dataFolder === undefined) return embedded(choice, await startProgram(programFor(choice)))
  return startOnFolder(choice, resolve(options.dataFolder, choice.kind))
}

async function useEndpoint(choice: EngineChoice & { kind: 'endpoint' }, region: string | undefined): Promise<Engine> {
  const { endpoint, source } = choice
  if (!(await answers(endpoint))) {
    throw new EngineError(`Nothing answers at ${endpoint} (from ${source}). Start a DynamoDB there, or leave it out.`)
  }
  return {
    name: `the endpoint from ${source}`,
    endpoint,
    clientConfig: isLoopback(endpoint)
      ? localClientConfig(endpoint)
      : { endpoint, ...(region !== undefined && { region }) },
    stop: async () => {},
  }
}

/** Starts the engine on the folder, or joins the one that another process runs on it. */
async function startOnFolder(choice: EmbeddedChoice, folder: string): Promise<Engine> {
  const claim = await claimFolder(folder, { isAlive, answers })
  if (claim.kind === 'theirs') {
    const { endpoint, version, pid } = claim.holder
    const note = `Process ${pid} runs it, and it ends with that process.`
    return { ...embedded(choice, { endpoint, version, stop: async () => {} }), folder, note }
  }
  try {
    const running = await startProgram(programFor(choice, folder))
    await claim.publish(running)
    const stop = async (): Promise<void> => {
      await running.stop()
      await claim.release()
    }
    return { ...embedded(choice, { ...running, stop }), folder }
  } catch (error) {
    await claim.release()
    throw error
  }
}

type EmbeddedChoice = Exclude<EngineChoice, { kind: 'endpoint' }>

function embedded(
  choice: EmbeddedChoice,
  running: { endpoint: string; version: string | undefined; stop: () => Promise<void> },
): Engine {
  const version = choice.kind === 'dynoxide' ? choice.version : running.version
  const isOpen = choice.kind === 'dynamodb-local' && !choice.java.hasCompiler
  return {
    name: choice.kind === 'dynoxide' ? 'dynoxide' : 'DynamoDB Local',
    ...(version !== undefined && { version }),
    endpoint: running.endpoint,
    clientConfig: localClientConfig(running.endpoint),
    ...(isOpen && { note: 'It listens on every network interface: only a JDK, not a JRE, can bind it to 127.0.0.1.' }),
    stop: running.stop,
  }
}

function programFor(choice: EmbeddedChoice, folder?: string): EngineProgram {
  return choice.kind === 'dynoxide' ? dynoxide(choice.binary, folder) : dynamoDBLocal(choice, folder)
}

function dynoxide(binary: string, folder: string | undefined): EngineProgram {
  const storage = folder === undefined ? [] : ['--db-path', join(folder, 'tables.db')]
  return {
    name: 'dynoxide',
    command: binary,
    picksPort: false,
    parameters: (port) => ['serve', '--host', '127.0.0.1', '--port', String(port), ...storage],
    proof: { line: /listening on (http:\/\/127\.0\.0\.1:\d+)/ },
  }
}

function dynamoDBLocal(choice: EngineChoice & { kind: 'dynamodb-local' }, folder: string | undefined): EngineProgram {
  const { home, java } = choice
  const jar = join(home, 'DynamoDBLocal.jar')
  const flags = [...JAVA_FLAGS, `-Djava.library.path=${join(home, 'DynamoDBLocal_lib')}`]
  const storage = folder === undefined ? ['-inMemory'] : ['-dbPath', folder]
  const options = [...storage, '-sharedDb', '-disableTelemetry']
  const shared = { name: 'DynamoDB Local', command: java.command, version: /^Version:\s*(\S+)/m }
  if (java.hasCompiler) {
    return {
      ...shared,
      picksPort: true,
      parameters: () => [...flags, '-cp', jar, LOOPBACK_SERVER, ...options],
      proof: { line: /^listening on (\S+)/m },
    }
  }
  const origin = `http://${randomUUID()}.invalid`
  return {
    ...shared,
    picksPort: false,
    parameters: (port) => [...flags, '-jar', jar, ...options, '-port', String(port), '-cors', origin],
    proof: { origin },
  }
}
