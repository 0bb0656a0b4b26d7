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

/**
 * A context value that is one of a few; the first is the default.
 *
 * @throws Error for any other value, naming both
 */
export function readChoice<T extends string>(app: App, name: string, choices: readonly [T, ...T[]]): T {
  const value: unknown = app.node.tryGetContext(name)
  if (value === undefined) return choices[0]
  const choice = choices.find((each) => each === value)
  if (choice !== undefined) return choice
  throw new Error(`context '${name}': expected one of ${choices.join(', ')}, got '${String(value)}'`)
}

/**
 * A context value that is a text.
 *
 * @returns undefined when it is not given
 * @throws Error for any other value, naming both
 */
export function readText(app: App, name: string): string | undefined {
  const value: unknown = app.node.tryGetContext(name)
  if (value === undefined || (typeof value === 'string' && value !== '')) return value
  throw new Error(`context '${name}': expected a text, got '${String(value)}'`)
}
