/** Runs before the library is packed: builds it, and puts the repository's README and licence into the package. */
import { copyFileSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { buildLibrary, root } from './setup.mjs'

const packageFolder = join(root, 'packages', 'session-dynamodb')

await buildLibrary()
removeStaleOutput()
for (const file of ['README.md', 'LICENSE']) copyFileSync(join(root, file), join(packageFolder, file))

/** A module that was renamed or removed would otherwise still be published under its old name. */
function removeStaleOutput() {
  const output = join(packageFolder, 'dist')
  for (const file of readdirSync(output, { recursive: true, encoding: 'utf8' })) {
    const source = file.replace(/\.(?:js|d\.ts)(?:\.map)?$/, '.ts')
    if (source !== file && !existsSync(join(packageFolder, 'src', source))) rmSync(join(output, file))
  }
}
