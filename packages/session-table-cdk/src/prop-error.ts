/** The error for a prop that is wrong, thrown while the construct is made. */

import { Token } from 'aws-cdk-lib'

/** A prop is wrong, or cannot be had where the construct is. */
export class InvalidPropError extends Error {
  override name = 'InvalidPropError'
  /** Name of the prop. */
  readonly prop: string
  /** What was passed. */
  readonly value: unknown

  constructor(prop: string, value: unknown, expectation: string) {
    super(`${prop}: ${expectation}, got ${describe(value)}`)
    this.prop = prop
    this.value = value
  }
}

function describe(value: unknown): string {
  if (Token.isUnresolved(value)) return 'a value that is known only when the stack is deployed'
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object'
  return typeof value === 'string' ? `'${value}'` : String(value)
}
