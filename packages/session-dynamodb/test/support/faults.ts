/** Requests that fail on purpose, as DynamoDB and networks fail. */

import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { testClientConfig } from './table.ts'

/** A request that is about to be sent. */
export interface PendingRequest {
  /** Such as `PutItem`. */
  readonly operation: string
  readonly input: Readonly<Record<string, unknown>>
  /** The input as JSON, to look for keys in it. */
  readonly text: string
}

/**
 * What becomes of a request: nothing special, an error instead of it, an error although it was carried out, or the same
 * on the wire, where the AWS SDK sends it again.
 */
export type Fate = undefined | 'fails' | 'loses its answer' | 'is sent twice'

/** A client whose requests meet the fate that the test decides. */
export interface FaultyClient {
  readonly client: DynamoDBClient
  /** Decides from now on; replaces what was said before. */
  readonly decide: (fateOf: (request: PendingRequest) => Fate) => void
  /** From now on all is well. */
  readonly heal: () => void
  readonly close: () => void
}

/** The error of a request that fails: DynamoDB throttles, and the SDK has given up retrying. */
export const INJECTED_ERROR = 'ProvisionedThroughputExceededException'

export function faultyClient(): FaultyClient {
  const client = new DynamoDBClient(testClientConfig())
  let fateOf: (request: PendingRequest) => Fate = () => undefined
  const isSentTwice = Symbol('is sent twice')
  client.middlewareStack.add(
    (next, context) => async (call) => {
      const result = await next(call)
      if (!Reflect.get(context, isSentTwice)) return result
      Reflect.set(context, isSentTwice, false)
      throw Object.assign(injectedError(), { name: 'TimeoutError' })
    },
    { step: 'finalizeRequest', name: 'lostAnswers', priority: 'low' },
  )
  client.middlewareStack.add(
    (next, context) => async (call) => {
      const operation = String(context['commandName']).replace(/Command$/, '')
      const fate = fateOf({ operation, input: { ...call.input }, text: JSON.stringify(call.input) })
      if (fate === 'fails') throw injectedError()
      if (fate === 'is sent twice') Reflect.set(context, isSentTwice, true)
      const result = await next(call)
      if (fate === 'loses its answer') throw injectedError()
      return result
    },
    { step: 'initialize', name: 'faults', priority: 'high' },
  )
  return {
    client,
    decide: (decision) => {
      fateOf = decision
    },
    heal: () => {
      fateOf = () => undefined
    },
    close: () => client.destroy(),
  }
}

/** A fate for one request only: the one that matches for the nth time, counted from 1. */
export function onlyOnce(
  fate: Fate,
  matches: (request: PendingRequest) => boolean,
  nth = 1,
): (request: PendingRequest) => Fate {
  let count = 0
  return (request) => {
    if (!matches(request)) return undefined
    count += 1
    return count === nth ? fate : undefined
  }
}

function injectedError(): Error {
  return Object.assign(new Error('The request was refused by the test.'), { name: INJECTED_ERROR })
}
