/** A document client that sends nothing: it records the commands that reach it, and answers as a test tells it to. */

import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb'
import { type AwsClientStub, mockClient } from 'aws-sdk-client-mock'

/** What the library asks DynamoDB to do: the command's name and its input. */
export type SentCommand = readonly [name: string, input: unknown]

/** A client for a test, and what was sent through it. */
export interface MockedClient {
  readonly client: DynamoDBDocumentClient
  /** Tells what each command answers. Until then each answers with an empty output. */
  readonly answers: AwsClientStub<DynamoDBDocumentClient>
  /** The commands since the last call, in the order in which they were sent. Ends all answers that were told. */
  readonly takeSent: () => SentCommand[]
}

/**
 * Makes a client of its own for each test.
 *
 * @param options - `keepsHeads`: answer a read of a head with what was last written there.
 */
export function mockedClient({ keepsHeads = false } = {}): MockedClient {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'eu-west-1' }))
  const answers = mockClient(client)
  const heads = new Map<unknown, object>()
  const sentSoFar = (): SentCommand[] =>
    answers.calls().map(({ args: [command] }): SentCommand => [command.constructor.name, command.input])
  const noteHeads = (): void => {
    for (const item of sentSoFar().flatMap(([, input]) => itemsIn(input))) {
      if (/#msg#head$/.test(String(item['sk']))) heads.set(item['sk'], item)
    }
  }
  const answerPlainly = (): void => {
    answers.onAnyCommand().resolves({})
    if (!keepsHeads) return
    answers.on(GetCommand).callsFake(async ({ Key }) => {
      noteHeads()
      const Item = heads.get(Key.sk)
      return Item === undefined ? {} : { Item }
    })
  }
  answerPlainly()
  return {
    client,
    answers,
    takeSent: () => {
      const sent = sentSoFar()
      noteHeads()
      answers.reset()
      answerPlainly()
      return sent
    },
  }
}

/** The items that a command writes whole, by itself or in a transaction. */
function itemsIn(input: unknown): Record<string, unknown>[] {
  const { Item, TransactItems = [] } = Object(input)
  const puts = TransactItems.flatMap(({ Put }: { Put?: { Item: Record<string, unknown> } }) => Put?.Item ?? [])
  return Item === undefined ? puts : [Item]
}

/** What a function throws. */
export function errorOf(act: () => unknown): unknown {
  try {
    act()
  } catch (error) {
    return error
  }
  throw new Error('Nothing was thrown')
}

/** What a promise is rejected with. */
export async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  if ('error' in outcome) return outcome.error
  throw new Error(`It was not rejected, but resolved with ${JSON.stringify(outcome.value)}`)
}
