/** An intervention that tells the model what to do. */

import { type InterventionActions, InterventionHandler } from '@strands-agents/sdk'

/** Pushes a message past the hooks before the model is called, as interventions do. */
export class Guide extends InterventionHandler {
  readonly name = 'guide'
  readonly #guidanceOf: () => string | undefined

  constructor(guidanceOf: () => string | undefined) {
    super()
    this.#guidanceOf = guidanceOf
  }

  override beforeModelCall():
    | ReturnType<typeof InterventionActions.guide>
    | ReturnType<typeof InterventionActions.proceed> {
    const feedback = this.#guidanceOf()
    return feedback === undefined ? { type: 'proceed' } : { type: 'guide', feedback }
  }
}
