/** Says which DynamoDB a command runs on. */

import type { Engine } from './engine.ts'
import type { Paint } from './format.ts'

/** One line for the engine, and one for what the user should know about it. */
export function describeEngine(engine: Engine, paint: Paint): string[] {
  const version = engine.version === undefined ? '' : ` ${engine.version}`
  return [
    `${paint.bold(`${engine.name}${version}`)} at ${engine.endpoint}`,
    ...(engine.folder === undefined ? [] : [paint.dim(`Tables are kept in ${engine.folder}`)]),
    ...(engine.note === undefined ? [] : [paint.dim(engine.note)]),
  ]
}
