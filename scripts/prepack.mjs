/**
 * Runs before a package is packed, `node scripts/prepack.mjs <its folder>`: builds it, and puts the licence into it. The
 * library's README is the repository's.
 */
import { copyFileSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { buildConstruct, buildLibrary, root } from './setup.mjs'

const LIBRARY = 'session-dynamodb'

const [folder = ''] = process.argv.slice(2)
const packageFolder = join(root, 'packages', folder)

await (folder === LIBRARY ? buildLibrary() : buildConstruct())
removeStaleOutput()
for (const file of folder === LIBRARY ? ['README.md', 'LICENSE'] : ['LICENSE']) {
  copyFileSync(join(root, file), join(packageFolder, file))
}

/** A module that was renamed or removed would otherwise still be published under its old name. */
function removeStaleOutput() {
  const output = join(packageFolder, 'dist')
  for (const file of readdirSync(output, { recursive: true, encoding: 'utf8' })) {
    const source = file.replace(/\.(?:js|d\.ts)(?:\.map)?$/, '.ts')
    if (source !== file && !existsSync(join(packageFolder, 'src', source))) rmSync(join(output, file))
  }
}
