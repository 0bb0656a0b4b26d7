/** Reads the app's context values, such as `cdk deploy -c ephemeral=true`. */
import type { App } from 'aws-cdk-lib'

/**
 * A context value that is true or false.
 *
 * @returns false when it is not given
 * @throws Error for any other value, naming both
 */
export function readFlag(app: App, name: string): boolean {
  const value: unknown = app.node.tryGetContext(name)
  if (value === undefined) return false
  const text = String(value)
  if (text !== 'true' && text !== 'false') throw new Error(`context '${name}': expected true or false, got '${text}'`)
  return text === 'true'
}
