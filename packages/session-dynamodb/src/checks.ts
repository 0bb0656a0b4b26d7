/** What options are checked for, one by one. Pure. */

import { InvalidOptionError } from './errors.ts'

/** @throws {@link InvalidOptionError} for what is no object. */
export function checkObject(options: unknown, field = 'options'): void {
  if (typeof options !== 'object' || options === null) {
    throw new InvalidOptionError(field, options, 'expected an object')
  }
}

/** A value that may be missing, and is valid when it is not. @throws {@link InvalidOptionError} naming the field. */
export function optional<T>(field: string, value: T, isValid: (value: unknown) => boolean, expectation: string): T {
  if (value !== undefined && !isValid(value)) throw new InvalidOptionError(field, value, `expected ${expectation}`)
  return value
}

/** One of some values, of which the first is the default. @throws {@link InvalidOptionError} naming the field. */
export function oneOf<T extends string>(field: string, value: T | undefined, values: readonly [T, ...T[]]): T {
  if (value === undefined) return values[0]
  if (values.includes(value)) return value
  throw new InvalidOptionError(field, value, `expected one of ${values.map((each) => `'${each}'`).join(', ')}`)
}

export function isString(value: unknown): value is string {
  return typeof value === 'string'
}

export function isBoolean(value: unknown): boolean {
  return typeof value === 'boolean'
}

export function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

/** Whether a value is a whole number in a range, both ends included. */
export function isCount(least: number, most: number): (value: unknown) => boolean {
  return (value) => typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
}
