/** Loaded before Lambda's runtime client: gives it a client in JavaScript in the place of the compiled one. */

import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

const replacement = fileURLToPath(new URL('native-client.ts', import.meta.url))

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === './rapid-client.node' ? next(replacement, context) : next(specifier, context),
})
