import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { type OpenBrowser, openBrowser } from './chromium.ts'
import { buildPages, type Fixture, startFixture } from './fixture-server.ts'
import type { Seed } from './seeds.ts'

export const DESKTOP = { width: 1440, height: 900 }
export const PHONE = { width: 390, height: 844 }

export interface Stage {
  /** The built pages. */
  readonly dist: string
  /** One browser for each theme, with a profile of its own. */
  readonly browser: (theme: 'light' | 'dark') => Promise<OpenBrowser>
  readonly serve: (seed: Seed, basePath?: string) => Promise<Fixture>
  /** A page that records its offences: violations of the policy, requests to other hosts, uncaught errors. */
  readonly open: (
    fixture: Fixture,
    options?: { theme?: 'light' | 'dark'; query?: string; size?: typeof DESKTOP; ready?: string },
  ) => Promise<Page>
}

/** Builds the pages once for a test file and clears away after each test; a test whose pages did what no page may do fails. */
export function setStage(): Stage {
  const dist = mkdtempSync(join(tmpdir(), 'celeriac-pages-'))
  const browsers = new Map<string, Promise<OpenBrowser>>()
  const fixtures: Fixture[] = []
  /** What no page may do, whatever the test is about. */
  let offences: string[] = []

  function browser(theme: 'light' | 'dark'): Promise<OpenBrowser> {
    // The promise is kept, not the browser: pages that are opened at once must share it.
    let found = browsers.get(theme)
    if (found === undefined) {
      found = openBrowser({
        viewport: DESKTOP,
        colorScheme: theme,
        permissions: ['clipboard-read', 'clipboard-write'],
      })
      browsers.set(theme, found)
    }
    return found
  }

  async function serve(seed: Seed, basePath = '/'): Promise<Fixture> {
    const fixture = await startFixture(dist, seed, basePath)
    fixtures.push(fixture)
    return fixture
  }

  const open: Stage['open'] = async (fixture, options = {}) => {
    const { context } = await browser(options.theme ?? 'dark')
    const page = await context.newPage()
    await page.setViewportSize(options.size ?? DESKTOP)
    const own = new URL(fixture.url).origin
    page.on('console', message => {
      if (/Content Security Policy/i.test(message.text())) offences.push(message.text())
    })
    page.on('pageerror', error => offences.push(`uncaught: ${error.message}`))
    page.on('request', request => {
      if (new URL(request.url()).origin !== own) offences.push(`foreign request: ${request.url()}`)
    })
    page.on('response', response => {
      if (response.status() === 404) offences.push(`not found: ${response.url()}`)
    })
    await page.goto(fixture.url + (options.query ?? ''))
    await page.waitForSelector(options.ready ?? '[data-tile]')
    return page
  }

  beforeAll(async () => {
    // The tests judge what is shipped: the built pages of this source.
    await buildPages(dist)
  }, 120_000)

  afterEach(async () => {
    for (const { context } of await Promise.all(browsers.values()))
      await Promise.all(
        context
          .pages()
          .slice(1)
          .map(page => page.close()),
      )
    await Promise.all(fixtures.splice(0).map(fixture => fixture.close()))
    const seen = offences
    offences = []
    expect(seen).toEqual([])
  })

  afterAll(async () => {
    for (const { close } of await Promise.all(browsers.values())) await close()
    rmSync(dist, { recursive: true, force: true })
  })

  return { dist, browser, serve, open }
}

/** What an element says. */
export const text = (page: Page, selector: string): Promise<string> =>
  page.locator(selector).first().innerText()

/** The number of a tile. */
export const tile = (page: Page, id: string): Promise<string> =>
  page.locator(`[data-tile="${id}"] > div`).first().innerText()

/** Evaluates an expression in the page, whose result the test knows the type of. */
export const inPage = <T>(page: Page, expression: string): Promise<T> =>
  page.evaluate(expression) as Promise<T>
