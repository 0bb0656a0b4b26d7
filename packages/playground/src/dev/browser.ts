/** A headless Chromium that shows the chat page, for the screenshots and the tests. */

import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'

/** Programs that are Chromium or a near relative of it, as Linux distributions name them. */
const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']

/** Names another program to use. */
const PROGRAM_VARIABLE = 'CHROMIUM_PATH'

/** The Chromium of this machine: `CHROMIUM_PATH`, or the first one on the path. Undefined when there is none. */
export function findChromium(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  if (environment[PROGRAM_VARIABLE]) return environment[PROGRAM_VARIABLE]
  const folders = (environment['PATH'] ?? '').split(delimiter)
  return PROGRAMS.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram)
}

/** Starts a Chromium without a window. */
export async function startChromium(executablePath: string): Promise<Browser> {
  // The sandbox takes rights that containers do not have; the browser sees no page but our own.
  return chromium.launch({ executablePath, chromiumSandbox: false })
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
