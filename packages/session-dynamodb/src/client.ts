/** The DynamoDB client: the caller's, or one that all managers of a process share. No request is sent here. */

import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { InvalidOptionError } from './errors.ts'

/** How to reach DynamoDB: a client, or what to make one of. Neither means the AWS SDK's own defaults. */
export interface ClientOptions {
  /**
   * Client to use. Make it once, outside the Lambda handler, and pass it to every manager: connections are then reused.
   *
   * @defaultValue one client per process, made on first use
   */
  readonly client?: DynamoDBClient | DynamoDBDocumentClient | undefined
  /**
   * Region, endpoint, credentials and whatever else the AWS SDK's `DynamoDBClient` takes. Not together with `client`.
   *
   * @defaultValue the AWS SDK's own: `AWS_REGION`, `AWS_ENDPOINT_URL_DYNAMODB`, the credentials chain
   */
  readonly clientConfig?: DynamoDBClientConfig | undefined
}

let sharedClient: DynamoDBDocumentClient | undefined

/**
 * The document client for some options.
 *
 * @throws {@link InvalidOptionError} for both options at once, or for one that is not what it must be.
 */
export function documentClientOf(options: ClientOptions): DynamoDBDocumentClient {
  const { client, clientConfig } = options
  if (client !== undefined && clientConfig !== undefined) {
    throw new InvalidOptionError('client', client, "expected either 'client' or 'clientConfig', not both")
  }
  if (client !== undefined) return toDocumentClient(client)
  if (clientConfig === undefined) {
    sharedClient ??= DynamoDBDocumentClient.from(new DynamoDBClient({}))
    return sharedClient
  }
  if (typeof clientConfig !== 'object' || clientConfig === null) {
    throw new InvalidOptionError('clientConfig', clientConfig, 'expected an object such as { region, endpoint }')
  }
  return DynamoDBDocumentClient.from(new DynamoDBClient(clientConfig))
}

function toDocumentClient(client: DynamoDBClient | DynamoDBDocumentClient): DynamoDBDocumentClient {
  if (typeof client !== 'object' || client === null || typeof client.send !== 'function' || !('config' in client)) {
    throw new InvalidOptionError('client', client, 'expected a DynamoDBClient or a DynamoDBDocumentClient')
  }
  return isDocumentClient(client) ? client : DynamoDBDocumentClient.from(client)
}

/** Not `instanceof` alone: the caller's client may come from another copy of the AWS SDK. */
function isDocumentClient(client: DynamoDBClient | DynamoDBDocumentClient): client is DynamoDBDocumentClient {
  return client instanceof DynamoDBDocumentClient || 'translateConfig' in client.config
}
