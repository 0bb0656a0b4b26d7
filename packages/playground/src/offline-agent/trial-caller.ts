/** Tells who asks an offline agent, also at an emulator that has no IAM. Pure. */

import { authorisedCaller, type IdentifyEvent } from 'strands-session-dynamodb-infra/lambda-event'

/** The access key in the header of a signed request. */
const ACCESS_KEY = /^AWS4-HMAC-SHA256 Credential=(\w+)\//

/**
 * Whom IAM has authorised, or else whose access key the request names. Nobody has checked that signature, so this is for
 * trials only; the name can never be that of a principal of IAM, whose sessions thus stay out of reach.
 */
export const trialCaller: IdentifyEvent = (event) => {
  const [, accessKey] = ACCESS_KEY.exec(event.headers?.['authorization'] ?? '') ?? []
  return authorisedCaller(event) ?? (accessKey === undefined ? undefined : { principal: `access-key/${accessKey}` })
}
