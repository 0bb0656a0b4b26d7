import { randomUUID } from 'node:crypto'
import axe from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { startAgentServer } from '../src/dev/agent-server.ts'
import { findChromium, startChromium } from '../src/dev/browser.ts'
import { AgentClient } from '../src/dev/page/agent-client.js'
import type { DevServer } from '../src/dev/server.ts'
import { localClientConfig } from '../src/engine.ts'
import { OfflineModel } from '../src/offline-model.ts'

const program = findChromium()
const title = program === undefined ? 'the chat page (skipped: there is no Chromium on the path)' : 'the chat page'

const WIDE = { width: 1280, height: 800 }
const PHONE = { width: 390, height: 844 }

describe.skipIf(program === undefined)(title, () => {
  let browser: Browser
  let server: DevServer
  /** The model says its next word when this resolves. */
  let nextWord: Promise<void> = Promise.resolve()
  /** What went wrong in the pages of a test, as the browser's console says it. */
  let problems: string[] = []

  beforeAll(async () => {
    const model = new OfflineModel({ pause: () => nextWord })
    const clientConfig = localClientConfig(inject('dynamoDBEndpoint'))
    server = await startAgentServer({ model, clientConfig, tableName: `page-${randomUUID()}`, port: 0 })
    browser = await startChromium(program ?? '')
  })

  afterAll(async () => {
    await browser?.close()
    await server?.close()
  })

  afterEach(async () => {
    nextWord = Promise.resolve()
    await Promise.all(browser.contexts().map((context) => context.close()))
    const seen = problems
    problems = []
    expect(seen).toEqual([])
  })

  /** A user of their own, who opens the page. */
  async function visit({ user = randomUUID(), viewport = WIDE, colorScheme = 'light' as 'light' | 'dark' } = {}) {
    const extraHTTPHeaders = { 'x-dev-user': user }
    const page = await browser.newPage({ extraHTTPHeaders, viewport, colorScheme, reducedMotion: 'reduce' })
    page.setDefaultTimeout(20_000)
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()))
    page.on('pageerror', (error) => problems.push(String(error)))
    await page.goto(server.url)
    return page
  }

  /** Lets the model say one word, and the others when the function is called that it returns. */
  function hold(): () => void {
    const gate = Promise.withResolvers<void>()
    nextWord = gate.promise
    return gate.resolve
  }

  /** Says something with the keyboard alone. */
  async function type(page: Page, text: string): Promise<void> {
    await page.getByLabel('Your message').focus()
    await page.keyboard.type(text)
    await page.keyboard.press('Enter')
  }

  /** The ids of the turns that the page asks for from now on. */
  function turnsOf(page: Page): readonly unknown[] {
    const turnIds: unknown[] = []
    page.on('request', (request) => request.method() === 'POST' && turnIds.push(request.postDataJSON().turnId))
    return turnIds
  }

  async function answered(page: Page, text: string | RegExp): Promise<void> {
    await page.locator('.answer[aria-busy="false"]', { hasText: text }).last().waitFor()
  }

  async function say(page: Page, text: string, answer: string | RegExp): Promise<void> {
    await type(page, text)
    await answered(page, answer)
  }

  const questions = (page: Page): Promise<string[]> => page.locator('.question p').allTextContents()

  async function violations(page: Page): Promise<unknown[]> {
    await page.evaluate(axe.source)
    const found: axe.Result[] = await page.evaluate('axe.run().then(({ violations }) => violations)')
    return found.map(({ id, nodes }) => [id, ...nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`)])
  }

  test('an answer appears word by word, and is there after a reload, by its address', async () => {
    const page = await visit()
    const go = hold()
    await type(page, 'My name is Ada. What is 17 * 23?')
    await page.locator('.answer[aria-busy="true"]', { hasText: /^Let\s*$/ }).waitFor()
    go()
    await answered(page, 'Noted: your name is Ada. 17 * 23 = 391.')
    expect(await page.locator('.tool').allTextContents()).toEqual(['Used calculator'])
    expect(await page.title()).toBe('My name is Ada. What is 17 * 23?')

    const shown = await page.locator('.log').innerText()
    await page.reload()
    await answered(page, '391')
    expect(await page.locator('.log').innerText()).toBe(shown)
    await say(page, 'Who am I?', 'Your name is Ada.')
  })

  test('conversations are apart, and the list and the back button lead from one to the other', async () => {
    const page = await visit()
    await say(page, 'My name is Ada.', 'Noted')
    await page.getByRole('link', { name: 'New conversation' }).click()
    await say(page, 'Who am I?', 'I do not know your name')
    expect(await page.locator('#sessions .name').allTextContents()).toEqual(['Who am I?', 'My name is Ada.'])

    await page.getByRole('link', { name: 'My name is Ada.' }).click()
    await answered(page, 'Noted')
    expect(await page.locator('[aria-current] .name').textContent()).toBe('My name is Ada.')
    await say(page, 'Who am I?', 'Your name is Ada.')
    await page.goBack()
    await answered(page, 'I do not know your name')

    const stranger = await visit()
    await stranger.goto(page.url())
    await stranger.getByText('This conversation does not exist').waitFor()
    problems = problems.filter((problem) => !problem.includes('404'))
  })

  test('an answer goes on while another conversation is open', async () => {
    const page = await visit()
    const go = hold()
    await type(page, 'My name is Ada.')
    await page.locator('.answer', { hasText: 'Noted' }).waitFor()
    await page.getByRole('link', { name: 'New conversation' }).click()
    await page.getByRole('heading', { name: 'What shall we talk about?' }).waitFor()
    go()
    await page.getByRole('link', { name: 'My name is Ada.' }).click()
    await answered(page, 'Noted: your name is Ada.')
  })

  test('a conversation is deleted only after a confirmation', async () => {
    const page = await visit()
    await say(page, 'My name is Ada.', 'Noted')
    const button = page.getByRole('button', { name: 'Delete “My name is Ada.”' })
    await button.click()
    await page.keyboard.press('Escape')
    await button.click()
    await page.getByRole('button', { name: 'Keep it' }).click()
    await say(page, 'Who am I?', 'Your name is Ada.')
    await button.click()
    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    await page.getByText('Nothing here yet.').waitFor()
    expect(await page.title()).toBe('New conversation')
    expect(page.url()).toBe(server.url)
  })

  test('a reload in the middle of an answer goes on with the same turn', async () => {
    const page = await visit()
    const turnIds = turnsOf(page)
    const go = hold()
    await type(page, 'My name is Ada.')
    await page.locator('.answer', { hasText: 'Noted' }).waitFor()
    await page.reload()
    await page.locator('.answer[aria-busy="true"]').waitFor()
    go()
    await answered(page, 'Noted: your name is Ada.')
    expect(await questions(page)).toEqual(['You said: My name is Ada.'])
    expect(turnIds).toEqual([expect.any(String), turnIds[0]])
    // Now that it is answered, a reload asks for nothing more.
    await page.reload()
    await answered(page, 'Noted: your name is Ada.')
    expect(turnIds).toHaveLength(2)
  })

  test('a busy conversation is said plainly, and the retry is the same turn', async () => {
    const user = randomUUID()
    const page = await visit({ user })
    await say(page, 'My name is Ada.', 'Noted')
    const sessionId = new URL(page.url()).searchParams.get('session') ?? ''
    const turnIds = turnsOf(page)
    const go = hold()
    const elsewhere = new AgentClient((path, init) =>
      fetch(new URL(path, server.url), { ...init, headers: { ...init.headers, 'x-dev-user': user } }),
    ).chat({ prompt: 'My favourite tea is Darjeeling.', turnId: randomUUID(), sessionId })
    await elsewhere.next()
    await type(page, 'Who am I?')
    await page.getByText('Another answer is being written in this conversation.').waitFor()
    go()
    for await (const _ of elsewhere);
    await page.getByRole('button', { name: 'Try again' }).click()
    await answered(page, 'Your name is Ada.')
    expect(turnIds).toEqual([expect.any(String), turnIds[0]])
    problems = problems.filter((problem) => !problem.includes('409'))
  })

  test('an answer can be stopped, and a lost connection retried', async () => {
    const page = await visit()
    const go = hold()
    await type(page, 'My name is Ada.')
    await page.locator('.answer', { hasText: 'Noted' }).waitFor()
    await page.getByRole('button', { name: 'Stop the answer' }).click()
    await page.getByText('You stopped this answer.').waitFor()
    go()
    await page.context().setOffline(true)
    await type(page, 'Who am I?')
    await page.getByText('The agent cannot be reached.').first().waitFor()
    await page.context().setOffline(false)
    await page.getByRole('button', { name: 'Try again' }).click()
    await answered(page, 'Your name is Ada.')
    problems = problems.filter((problem) => !problem.includes('ERR_INTERNET_DISCONNECTED'))
  })

  test('on a narrow screen the list is a drawer', async () => {
    const page = await visit({ viewport: PHONE })
    await say(page, `My favourite word is ${'long'.repeat(30)}, and there is nothing like it.`, 'Noted')
    const list = page.getByRole('navigation', { name: 'Conversations' })
    const opener = page.getByRole('button', { name: 'Show the list of conversations' })
    expect(await list.isVisible()).toBe(false)
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(PHONE.width)
    await opener.click()
    await list.waitFor()
    await page.keyboard.press('Escape')
    await list.waitFor({ state: 'hidden' })
    expect(await page.evaluate('document.activeElement.id')).toBe('open-sidebar')
    await page.keyboard.press('Enter')
    await list.getByRole('link', { name: 'New conversation' }).click()
    await list.waitFor({ state: 'hidden' })
    await page.getByRole('heading', { name: 'What shall we talk about?' }).waitFor()
  })

  test.each(['light', 'dark'] as const)('axe finds nothing to object to in %s colours', async (colorScheme) => {
    const page = await visit({ colorScheme })
    await page.getByRole('heading', { name: 'What shall we talk about?' }).waitFor()
    expect(await violations(page)).toEqual([])
    await say(page, 'What is 17 * 23?', '391')
    expect(await violations(page)).toEqual([])
    await page.getByRole('button', { name: /^Delete/ }).click()
    expect(await violations(page)).toEqual([])
    await page.keyboard.press('Escape')
    await page.setViewportSize(PHONE)
    expect(await violations(page)).toEqual([])
    await page.getByRole('button', { name: 'Show the list of conversations' }).click()
    expect(await violations(page)).toEqual([])
  })
})
