/** Tells the end of a store that keeps a session in one item from any other failure. */

/** The service's refusal of an item of more than 400 KB, however often it was wrapped. */
export function overLimitError(error: unknown): Error | undefined {
  if (!(error instanceof Error)) return undefined
  return error.name === 'ValidationException' && /item size/i.test(error.message) ? error : overLimitError(error.cause)
}
