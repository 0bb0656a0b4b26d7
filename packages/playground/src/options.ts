/** Parses the options of a command, and tells a wrong option from a failure. */

import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'

/** A command line that the command does not understand; its message is for the user. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Values of the options that were given. */
export type OptionValues<T extends ParseArgsOptionsConfig> = {
  readonly [Name in keyof T]?: T[Name]['type'] extends 'boolean' ? boolean : string
}

/**
 * The options on a command line; words that are no options are refused.
 *
 * @throws {@link UsageError} for an unknown option, a missing value, or an empty one.
 */
export function parseOptions<T extends ParseArgsOptionsConfig>(
  parameters: readonly string[],
  options: T,
): OptionValues<T>
export function parseOptions(
  parameters: readonly string[],
  options: ParseArgsOptionsConfig,
): Record<string, string | boolean> {
  const values: Record<string, string | boolean> = {}
  for (const [name, value] of Object.entries(parse(parameters, options))) {
    if (typeof value !== 'string' && typeof value !== 'boolean') continue
    if (value === '') throw new UsageError(`--${name} needs a value`)
    values[name] = value
  }
  return values
}

/**
 * Checks an option that is a web address.
 *
 * @throws {@link UsageError} when it is none.
 */
export function checkUrl(name: string, value: string | undefined): void {
  if (value !== undefined && !(URL.canParse(value) && /^https?:$/.test(new URL(value).protocol))) {
    throw new UsageError(`--${name} must be an http or https URL, got '${value}'`)
  }
}

/**
 * Parses an option that is a whole number from 1 on.
 *
 * @throws {@link UsageError} when it is none, or more than `most`.
 */
export function parseWholeNumber(name: string, text: string, most: number): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new UsageError(`--${name} must be a whole number from 1 to ${most}, got '${text}'`)
  }
  return value
}

/**
 * Parses an option that is a list, its elements separated by commas.
 *
 * @returns the elements in their usual order; all of them when the option was not given
 * @throws {@link UsageError} for an element that is not one of `known`.
 */
export function parseList<T extends string>(name: string, text: string | undefined, known: readonly T[]): readonly T[] {
  if (text === undefined) return known
  const wanted = text.split(',')
  const stranger = wanted.find((each) => !known.some((element) => element === each))
  if (stranger !== undefined) throw new UsageError(`--${name} must be of ${known.join(', ')}; got '${stranger}'`)
  return known.filter((element) => wanted.includes(element))
}

/**
 * Runs a command and sets the exit code: 2 after a {@link UsageError}, with the usage, and 1 after any other error.
 */
export async function runCommand(usage: string, command: () => Promise<void>): Promise<void> {
  try {
    await command()
  } catch (error) {
    process.exitCode = error instanceof UsageError ? 2 : 1
    const message = error instanceof Error ? error.message : String(error)
    process.stderr.write(error instanceof UsageError ? `${message}\n\n${usage}\n` : `${message}\n`)
  }
}

function parse(parameters: readonly string[], options: ParseArgsOptionsConfig): object {
  try {
    return parseArgs({ args: [...parameters], options, strict: true, allowPositionals: false }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error })
  }
}
