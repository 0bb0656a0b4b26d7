/** `npm run screenshot`: the pictures of the chat page in the README, made anew in `docs/`. */

import { fileURLToPath } from 'node:url'
import type { Browser } from 'playwright-core'
import { startAgentServer } from './dev/agent-server.ts'
import { findChromium, startChromium } from './dev/browser.ts'
import { startEngine } from './engine.ts'
import { OfflineModel } from './offline-model.ts'
import { runCommand } from './options.ts'

const FOLDER = fileURLToPath(new URL('../../../docs/', import.meta.url))
const SIZES = { wide: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } }

/** The conversations in the pictures, the oldest first; the last one is open. */
const CONVERSATIONS = [
  ['Remind me to water the fig on Friday'],
  ['What is (1250 - 180) * 3?'],
  [
    'My name is Ada, and my favourite tea is Darjeeling.',
    'Save a note: order more tea. And what is 3 * 18?',
    'Who am I? And what is my favourite tea?',
  ],
]

await runCommand('Usage: npm run screenshot', async () => {
  const program = findChromium()
  if (program === undefined) throw new Error('No Chromium on the path. Install one, or name it in CHROMIUM_PATH.')
  const engine = await startEngine()
  const { clientConfig } = engine
  const server = await startAgentServer({ model: new OfflineModel(), clientConfig, tableName: 'screenshot', port: 0 })
  const browser = await startChromium(program)
  try {
    const url = await talk(browser, server.url)
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const [name, viewport] of Object.entries(SIZES)) {
        const page = await browser.newPage({ colorScheme, viewport })
        await page.goto(url)
        await page.locator('.answer').last().waitFor()
        const path = `${FOLDER}chat-${name}-${colorScheme}.png`
        await page.screenshot({ path, animations: 'disabled', caret: 'hide' })
        console.log(path)
        await page.close()
      }
    }
  } finally {
    await browser.close()
    await server.close()
    await engine.stop()
  }
})

/** Says everything, and returns where the last conversation is. */
async function talk(browser: Browser, url: string): Promise<string> {
  const page = await browser.newPage()
  for (const prompts of CONVERSATIONS) {
    await page.goto(url)
    for (const [index, prompt] of prompts.entries()) {
      await page.getByLabel('Your message').fill(prompt)
      await page.getByRole('button', { name: 'Send' }).click()
      await page.locator('.answer[aria-busy="false"]').nth(index).waitFor()
    }
  }
  const last = page.url()
  await page.close()
  return last
}
