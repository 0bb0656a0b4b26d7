/** A command that sends a signed request, for people to paste. */

/**
 * A `curl` line that asks the agent something and shows the answer as it comes. It takes the caller's credentials from the
 * environment, where `aws configure export-credentials --format env` puts them.
 *
 * @param service - What the request is signed for: `lambda` or `execute-api`.
 */
export function signedRequest(url: string, region: string, service: string): string {
  return [
    `curl -N --aws-sigv4 'aws:amz:${region}:${service}'`,
    '--user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" -H "x-amz-security-token: $AWS_SESSION_TOKEN"',
    `-H 'content-type: application/json' -d '{"prompt":"What is 6 * 7?"}' '${url}chat'`,
  ].join(' ')
}
