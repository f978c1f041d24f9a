import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { overview } from '../../src/contract/index.ts'
import { type OpenBrowser, openBrowser } from './chromium.ts'
import { buildPages, type Fixture, startFixture } from './fixture-server.ts'
import { brokerDown, empty, large, quiet, type Seed, simulated, small, stale } from './seeds.ts'

/** The Overview in a real browser, over canned fleets (ui.md section 5; the letters in brackets are its criteria). */

const AXE = createRequire(import.meta.url).resolve('axe-core')
/** The built pages. */
const dist = mkdtempSync(join(tmpdir(), 'celeriac-pages-'))
const DESKTOP = { width: 1440, height: 900 }
const PHONE = { width: 390, height: 844 }

const browsers = new Map<string, OpenBrowser>()
const fixtures: Fixture[] = []
/** What no page may do, whatever the test is about. */
let offences: string[] = []

/** One browser for each theme, with a profile of its own. */
async function browser(theme: 'light' | 'dark'): Promise<OpenBrowser> {
  let found = browsers.get(theme)
  if (found === undefined) {
    found = await openBrowser({
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

/** A page that records its offences: violations of the policy, requests to other hosts, uncaught errors. */
async function open(
  fixture: Fixture,
  options: { theme?: 'light' | 'dark'; query?: string; size?: typeof DESKTOP; ready?: string } = {},
): Promise<Page> {
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

const text = (page: Page, selector: string): Promise<string> => page.locator(selector).first().innerText()

const tile = (page: Page, id: string): Promise<string> =>
  page.locator(`[data-tile="${id}"] > div`).first().innerText()

/** Evaluates an expression in the page, whose result the test knows the type of. */
const inPage = <T>(page: Page, expression: string): Promise<T> => page.evaluate(expression) as Promise<T>

beforeAll(async () => {
  // The tests judge what is shipped: the built pages of this source.
  await buildPages(dist)
}, 120_000)

afterEach(async () => {
  for (const { context } of browsers.values())
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
  await Promise.all([...browsers.values()].map(each => each.close()))
  rmSync(dist, { recursive: true, force: true })
})

test('the canned fleets are what the contract promises', () => {
  for (const seed of [small(), quiet(), empty(), simulated(), stale(47_000), brokerDown(), large()])
    overview.parse(seed.overview(Date.now()))
})

interface AxeResult {
  readonly violations: readonly {
    id: string
    impact: string
    nodes: { target: string[]; failureSummary: string }[]
  }[]
}

const STATES = ['small', 'empty', 'stale', 'error'] as const
for (const theme of ['light', 'dark'] as const)
  for (const state of STATES)
    for (const size of [DESKTOP, PHONE])
      test(`axe finds nothing serious: ${state}, ${theme}, ${size.width} wide [A1]`, async () => {
        const fixture = await serve(
          { small: small(), empty: empty(), stale: stale(120_000), error: small() }[state],
        )
        if (state === 'error') fixture.fault('error')
        const page = await open(fixture, {
          theme,
          size,
          ready: state === 'error' ? 'main [role="alert"]' : 'canvas',
        })
        await page.addScriptTag({ path: AXE }).catch(() => undefined)
        // The policy of the page keeps injected scripts out, so axe is handed over by the protocol.
        await page.evaluate(readFileSync(AXE, 'utf8'))
        offences = offences.filter(offence => !offence.includes('inline'))
        const { violations } = await inPage<AxeResult>(
          page,
          `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })`,
        )
        const bad = violations.filter(each => each.impact === 'serious' || each.impact === 'critical')
        expect(
          bad.map(each => [each.id, each.nodes.map(node => [node.target.join(' '), node.failureSummary])]),
        ).toEqual([])
      })

test('every dialog and menu passes axe too, and gives the focus back [A1, A4]', async () => {
  const page = await open(await serve(small()))
  const check = async (): Promise<void> => {
    await page.evaluate(readFileSync(AXE, 'utf8'))
    const { violations } = await inPage<AxeResult>(
      page,
      // What lies under an open menu is out of reach until it closes: only the menu is judged.
      `axe.run('main ~ dialog, main dialog, [role="dialog"]', { runOnly: ['wcag2a', 'wcag2aa', 'wcag22aa'] })`,
    )
    expect(violations.map(each => [each.id, each.nodes.map(node => node.failureSummary)])).toEqual([])
  }
  for (const name of [/^Last 1 h/, /^Live/, /^Other links/]) {
    await page.getByRole('button', { name }).click()
    await check()
    await page.keyboard.press('Escape')
    await expect.poll(() => inPage(page, 'document.activeElement.textContent')).toMatch(name)
  }
  await page.getByRole('button', { name: 'Open CeleryQueueWaitHigh' }).click()
  await page.waitForSelector('dialog[open]')
  expect(await text(page, 'dialog')).toContain('The oldest message of queue mail waits longer')
  await check()
  await page.keyboard.press('Escape')
  await expect.poll(() => page.locator('dialog').count()).toBe(0)
  await expect.poll(() => inPage(page, 'document.activeElement.textContent')).toBe('Open CeleryQueueWaitHigh')
})

test('nothing scrolls sideways, at 320 px, at 390 px or with text of twice the size [A5]', async () => {
  for (const seed of [small(), large(), empty(), brokerDown()]) {
    const fixture = await serve(seed)
    for (const width of [320, 390, 700, 1000, 1440]) {
      const page = await open(fixture, { size: { width, height: 844 } })
      expect(
        await inPage<number>(page, 'document.documentElement.scrollWidth - innerWidth'),
        `${width} px`,
      ).toBe(0)
      await page.close()
    }
    const page = await open(fixture)
    await inPage(page, 'void (document.documentElement.style.fontSize = "32px")')
    expect(
      await inPage<number>(page, 'document.documentElement.scrollWidth - innerWidth'),
      'text 200 %',
    ).toBe(0)
  }
})

test('the tab says what is wrong, in its title and by the shape of its icon', async () => {
  const seen: [string, string | null][] = []
  for (const [seed, ready] of [
    [small(), '[data-tile]'],
    [quiet(), '[data-tile]'],
    [empty(), '[data-tile]'],
    [stale(120_000), '[data-fresh="gone"]'],
  ] as const) {
    const page = await open(await serve(seed), { ready })
    seen.push([await page.title(), await page.locator('link[rel="icon"]').getAttribute('href')])
  }
  expect(seen).toEqual([
    ['(2 firing) Overview - Celeriac', './favicon-firing.svg'],
    ['Overview - Celeriac', './favicon-ok.svg'],
    ['Overview - Celeriac', './favicon-unknown.svg'],
    ['(2 firing) Overview - Celeriac', './favicon-unknown.svg'],
  ])
})

test('an event changes a tile without a request, and eight tabs share one stream [B8]', async () => {
  let pushes = 0
  const fixture = await serve(small(() => pushes))
  const pages = await Promise.all(Array.from({ length: 8 }, () => open(fixture)))
  await expect.poll(() => fixture.streams()).toBe(1)
  const asked = fixture.requests.filter(request => request.includes('api/celeriac/overview')).length
  pushes = 7
  fixture.push()
  for (const page of pages) await expect.poll(() => tile(page, 'waiting')).toBe('46\u2009909')
  expect(fixture.requests.filter(request => request.includes('api/celeriac/overview'))).toHaveLength(asked)
  expect(fixture.streams()).toBe(1)
})

test('a lost stream is told, the data stays and ages, and it comes back by itself', async () => {
  const fixture = await serve(small())
  const page = await open(fixture)
  await expect.poll(() => fixture.streams()).toBe(1)
  fixture.fault('no-stream')
  const status = page.locator('main [role="status"]').first()
  await expect
    .poll(() => status.textContent())
    .toMatch(/^Live updates lost, trying again in \d\ss\. What is shown stays and ages\./)
  expect(await tile(page, 'oldest-message')).toBe('14\u00a0m\u00a032\u00a0s')
  await expect.poll(() => text(page, '[data-fresh="late"]'), { timeout: 30_000 }).toMatch(/^data \d+\ss old$/)
  fixture.fault('none')
  await expect.poll(() => status.textContent(), { timeout: 15_000 }).toBe('')
  await expect.poll(() => page.locator('[data-fresh="late"]').count(), { timeout: 15_000 }).toBe(0)
})

test('keys act, except while typing, with a modifier or when they are turned off [A8]', async () => {
  const fixture = await serve(small())
  const page = await open(fixture)
  const search = (): Promise<string> => inPage(page, 'location.search')
  await page.keyboard.press('-')
  await expect.poll(search).toBe('?from=now-2h')
  await page.keyboard.press('[')
  await expect.poll(search).toMatch(/^\?from=\d+(\.\d+)?&to=\d+(\.\d+)?$/)
  expect(await text(page, 'main')).toContain('Everything else on this page is the present.')
  await page.keyboard.press(']')
  await expect.poll(search).toBe('?from=now-2h')
  await page.goBack()
  await expect.poll(search).toMatch(/&to=/)
  await page.keyboard.press('p')
  await expect.poll(() => page.getByRole('button', { name: 'Paused' }).count()).toBe(1)
  await expect.poll(() => fixture.streams()).toBe(0)
  await page.keyboard.press('p')
  await expect.poll(() => fixture.streams()).toBe(1)

  const before = await search()
  await page.keyboard.press('Control+-')
  await page.locator('button[title^="Time range"]').click()
  await page.locator('input[name="from"]').fill('')
  await page.keyboard.type('[p?-')
  expect(await page.locator('input[name="from"]').inputValue()).toBe('[p?-')
  expect(await search()).toBe(before)
  await page.getByRole('button', { name: 'Show', exact: true }).click()
  expect(await text(page, '[role="alert"]')).toContain('From is not understood')
  await page.keyboard.press('Escape')

  await page.keyboard.press('?')
  await page.getByLabel('Single keys act').uncheck()
  await page.keyboard.press('Escape')
  await page.keyboard.press('-')
  expect(await search()).toBe(before)
})

test('the link that is copied shows the same window later, and a relative one follows the clock', async () => {
  const page = await open(await serve(small()), { query: '?from=now-3h&sort=-waiting' })
  await page.getByRole('button', { name: 'Copy link' }).first().click()
  await expect
    .poll(() => text(page, '[role="status"]:has-text("Copied")'))
    .toMatch(/^Copied a link to Overview, \d\d:\d\d – \d\d:\d\d\.$/)
  const absolute = await inPage<string>(page, 'navigator.clipboard.readText()')
  expect(absolute).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?from=\d{10}&to=\d{10}&sort=-waiting$/)
  const { searchParams } = new URL(absolute)
  expect(Number(searchParams.get('to')) - Number(searchParams.get('from'))).toBe(3 * 3600)
  await page.getByRole('button', { name: 'Other links' }).click()
  await page.getByRole('button', { name: /^Relative/ }).click()
  await expect
    .poll(() => inPage<string>(page, 'navigator.clipboard.readText()'))
    .toMatch(/\?from=now-3h&sort=-waiting$/)
})

test('where the clipboard is closed, as on plain HTTP, copying still works', async () => {
  const page = await open(await serve(small()))
  await inPage(page, 'void Object.defineProperty(window, "isSecureContext", { value: false })')
  await page.keyboard.press('c')
  await expect.poll(() => page.locator('[role="status"]:has-text("Copied")').count()).toBe(1)
  expect(await inPage<string>(page, 'navigator.clipboard.readText()')).toMatch(/\?from=\d+&to=\d+$/)
})

test('reload, and the same address in another profile, show the same state [B1]', async () => {
  const fixture = await serve(small())
  const alert = encodeURIComponent('CeleryQueueGrowing{broker="prod",queue="media",severity="warning"}')
  const query = `?from=now-6h&sort=queue&all=queues&table=oldest-by-queue&alert=${alert}`
  const state = async (page: Page): Promise<unknown> => {
    await page.waitForSelector('dialog[open]')
    return {
      dialog:
        (await text(page, 'dialog h2')) + (await page.locator('dialog [data-status]').first().innerText()),
      queues: await page.locator('[data-queue] th').allInnerTexts(),
      sorted: await page.locator('th[aria-sort]').innerText(),
      table: await page.locator('[role="region"] th[scope="col"]').allInnerTexts(),
      range: await page.locator('button[title^="Time range"]').innerText(),
      search: await inPage(page, 'location.search'),
    }
  }
  const page = await open(fixture, { query, ready: '[role="region"]' })
  const first = await state(page)
  expect(first).toMatchObject({
    dialog: expect.stringContaining('CeleryQueueGrowing'),
    sorted: 'Queue',
    queues: expect.arrayContaining(['mail', 'sync_legacy']),
  })
  await page.reload()
  expect(await state(page)).toEqual(first)
  const other = await open(fixture, { theme: 'light', query, ready: '[role="region"]' })
  expect(await state(other)).toEqual(first)
})

test('an address that outlived its alert says so', async () => {
  const page = await open(await serve(quiet()), { query: '?alert=CeleryNoWorkers%7Bbroker%3D%22prod%22%7D' })
  expect(await text(page, 'dialog')).toMatch(/CeleryNoWorkers[\s\S]*neither fires nor waits now/)
})

test('the limit is drawn inside the chart, whether the data is far below it or far above it [B7]', async () => {
  for (const value of [3000, 20]) {
    const seed = small()
    const limited: Seed = {
      ...seed,
      overview: nowMs => {
        const whole = seed.overview(nowMs)
        return {
          ...whole,
          charts: whole.charts.map(chart =>
            chart.limit === null ? chart : { ...chart, limit: { ...chart.limit, value } },
          ),
        }
      },
    }
    const page = await open(await serve(limited), { ready: '#chart-oldest-by-queue canvas' })
    await expect.poll(() => page.locator('#chart-oldest-by-queue figcaption b').count()).toBeGreaterThan(3)
    await page.waitForTimeout(200)
    // The dashed line is the widest row in the colour of limits: it must be there, and not at the edge.
    const share = await inPage<number>(
      page,
      `(() => {
        const canvas = document.querySelector('#chart-oldest-by-queue canvas')
        const { width, height } = canvas
        const { data } = canvas.getContext('2d').getImageData(0, 0, width, height)
        let best = 0, row = -1
        for (let y = 8; y < height - 22; y++) {
          let count = 0
          for (let x = 0; x < width * 0.6; x++) {
            const i = 4 * (y * width + x)
            if (Math.abs(data[i] - 0xe9) < 24 && Math.abs(data[i + 1] - 0x58) < 24 && Math.abs(data[i + 2] - 0x41) < 24) count++
          }
          if (count > best) { best = count; row = y }
        }
        return best > width * 0.2 ? row / height : -1
      })()`,
    )
    expect(share, `limit ${value}`).toBeGreaterThan(0.05)
    expect(share, `limit ${value}`).toBeLessThan(0.95)
    const label = await page.locator('#chart-oldest-by-queue [role="group"]').getAttribute('aria-label')
    expect(label).toMatch(value === 3000 ? /limit 50\sm/ : /over the limit 20\ss since/)
  }
})

test('a chart is read by keys and as a table, and a drag on it sets the range of the page', async () => {
  const page = await open(await serve(small()), { ready: '#chart-oldest-by-queue canvas' })
  await expect.poll(() => page.locator('#chart-oldest-by-queue figcaption b').count()).toBeGreaterThan(3)
  const chart = page.locator('#chart-oldest-by-queue [role="group"]')
  await chart.focus()
  await page.keyboard.press('Home')
  const values = page.locator('#chart-oldest-by-queue figcaption')
  const first = await values.innerText()
  await page.keyboard.press('End')
  await expect.poll(() => values.innerText()).not.toBe(first)
  await expect
    .poll(() => text(page, '#chart-oldest-by-queue [role="status"]'))
    .toMatch(/^\d\d:\d\d:\d\d: mail \d+\sm/)

  const box = await chart.boundingBox()
  if (box === null) throw new Error('the chart has no box')
  await page.mouse.move(box.x + box.width * 0.4, box.y + 60)
  await page.mouse.down()
  await page.mouse.move(box.x + box.width * 0.7, box.y + 60, { steps: 5 })
  await page.mouse.up()
  await expect.poll(() => inPage(page, 'location.search')).toMatch(/^\?from=\d+(\.\d+)?&to=\d+/)
  await page.goBack()
  await expect.poll(() => inPage(page, 'location.search')).toBe('')

  await page.getByRole('button', { name: 'Table of Oldest message by queue' }).click()
  await expect.poll(() => page.locator('[role="region"] tbody tr').count()).toBeGreaterThan(100)
  expect(await page.locator('[role="region"] tbody tr').count()).toBeLessThanOrEqual(200)
})

test('with the broker down no number becomes 0, no alert is resolved, and charts are hatched [B5]', async () => {
  const page = await open(await serve(brokerDown()), { ready: '#chart-oldest-by-queue canvas' })
  await expect.poll(() => text(page, '#chart-oldest-by-queue figcaption')).toContain('no data')
  for (const value of await page.locator('[data-tile] > div:first-of-type > [aria-hidden]').allInnerTexts())
    expect(value).toBe('–')
  expect(await page.locator('[data-tile] [aria-hidden]:text("–")').count()).toBe(6)
  for (const cell of await page
    .locator('[data-queue] td[data-cell]:not([data-cell="state"])')
    .allInnerTexts())
    expect(cell).not.toMatch(/\d/)
  expect(await text(page, 'main')).toMatch(/Broker prod not reached for 6\sm\. Nothing answers at redis/)
  expect(await text(page, '#alerts')).toContain('Not resolved: what it watches cannot be seen')
  expect(await page.title()).toBe('(2 firing) Overview - Celeriac')
  expect(await text(page, '[data-worker]')).toContain('unknown')
})

test('late data is greyed with its age, and what is too old is a dash', async () => {
  const late = await open(await serve(stale(30_000)), { ready: '[data-fresh="late"]' })
  expect(await tile(late, 'oldest-message')).toBe('14\u00a0m\u00a032\u00a0s')
  expect(await text(late, '[data-tile="oldest-message"] [data-status]')).toMatch(/^stale 3\d\ss$/)
  const gone = await open(await serve(stale(120_000)), { ready: '[data-fresh="gone"]' })
  expect(await tile(gone, 'oldest-message')).toMatch(/^–/)
  expect(await text(gone, 'main')).toContain('Nothing was collected since')
})

test('an error is told with its request, what still works and a way to try again; it goes by itself', async () => {
  const fixture = await serve(small())
  fixture.fault('error')
  const page = await open(fixture, { ready: 'main [role="alert"]' })
  expect(await text(page, 'main [role="alert"]')).toMatch(
    /The overview could not be loaded\.[\s\S]*answered 500: the store cannot be read\.[\s\S]*req-7f3a/,
  )
  fixture.fault('none')
  await page.getByRole('button', { name: 'Try now' }).click()
  await page.waitForSelector('[data-tile]')
})

test('a chart that fails says why, and the rest of the page works', async () => {
  const fixture = await serve(small())
  fixture.fault('charts-error')
  const page = await open(fixture, { ready: '#chart-oldest-by-queue [role="alert"]' })
  expect(await text(page, '#chart-oldest-by-queue [role="alert"]')).toContain(
    'query needs more than 50 000 000 samples',
  )
  expect(await tile(page, 'task-rate')).toBe('187\u00a0/s')
})

test('a slow server shows boxes first and then the page', async () => {
  const fixture = await serve(small())
  fixture.fault('slow')
  const page = await open(fixture, { ready: '[aria-busy="true"]' })
  expect(await text(page, '[aria-busy="true"] [role="status"]')).toBe('Loading the overview')
  await page.waitForSelector('[data-tile]')
})

test('a simulated fleet says so, always in sight, also on a phone', async () => {
  const fixture = await serve(simulated())
  for (const size of [DESKTOP, PHONE]) {
    const page = await open(fixture, { size })
    const mark = page.getByText('Simulated fleet')
    await inPage(page, 'void scrollTo(0, 99999)')
    await page.waitForTimeout(100)
    const box = await mark.boundingBox()
    expect(box?.y).toBeGreaterThanOrEqual(0)
    expect(box?.y).toBeLessThan(100)
    await page.close()
  }
  const real = await open(await serve(small()))
  expect(await real.getByText('Simulated fleet').count()).toBe(0)
})

test('rows do not move under the pointer', async () => {
  let flip = false
  const seed = small()
  const fixture = await serve({
    ...seed,
    overview: nowMs => {
      const whole = seed.overview(nowMs)
      return flip
        ? {
            ...whole,
            queues: whole.queues.map(row => ({
              ...row,
              state: row.queue === 'reports' ? 'firing' : 'ok',
              oldestSeconds: row.queue === 'reports' ? 999 : row.oldestSeconds,
            })),
          }
        : whole
    },
  })
  const page = await open(fixture)
  const order = (): Promise<string[]> => page.locator('[data-queue] th').allInnerTexts()
  const before = await order()
  await page.locator('[data-queue="mail"]').hover()
  flip = true
  fixture.push()
  await expect.poll(() => text(page, '[data-queue="reports"] td')).toBe('Firing')
  expect(await order()).toEqual(before)
  await page.mouse.move(5, 5)
  await expect.poll(async () => (await order())[0]).toBe('reports')
})

test('a tab hidden for a minute asks for nothing, and is fresh at once when it is seen again [B9]', async () => {
  const fixture = await serve(small())
  const { context } = await browser('dark')
  const page = await context.newPage()
  await page.clock.install()
  await page.goto(fixture.url)
  await page.waitForSelector('canvas')
  await expect.poll(() => fixture.streams()).toBe(1)
  const turn = (state: string): Promise<unknown> =>
    inPage(
      page,
      `void (Object.defineProperty(document, 'visibilityState', { configurable: true, value: '${state}' }), document.dispatchEvent(new Event('visibilitychange')))`,
    )
  await turn('hidden')
  await page.clock.fastForward(61_000)
  await expect.poll(() => fixture.streams()).toBe(0)
  const asked = fixture.requests.length
  await page.clock.fastForward(600_000)
  await page.waitForTimeout(300)
  expect(fixture.requests).toHaveLength(asked)
  await turn('visible')
  await expect.poll(() => fixture.streams()).toBe(1)
  expect(fixture.requests.slice(asked).some(request => request === '/api/celeriac/overview')).toBe(true)
})

test('states differ by word and shape, not only by colour, and survive forced colours [A3, A10]', async () => {
  const page = await open(await serve(small()))
  const shapes = new Map<string, string>()
  for (const pill of await page.locator('main [data-status]:has(> svg)').all()) {
    const status = (await pill.getAttribute('data-status')) ?? ''
    expect((await pill.innerText()).trim(), status).not.toBe('')
    shapes.set(status, await pill.locator('svg').first().innerHTML())
  }
  expect(shapes.size).toBeGreaterThanOrEqual(5)
  expect(new Set(shapes.values()).size).toBe(shapes.size)
  await page.emulateMedia({ forcedColors: 'active' })
  expect(
    await inPage(
      page,
      `getComputedStyle(document.querySelector('main [data-status="critical"]:has(> svg)')).borderTopStyle`,
    ),
  ).toBe('solid')
})

test('under a base path every address is right [B10]', async () => {
  const fixture = await serve(small(), '/ops/celeriac/')
  const page = await open(fixture, { ready: 'canvas' })
  await expect.poll(() => fixture.streams()).toBe(1)
  await page.keyboard.press('-')
  await expect
    .poll(() => inPage(page, 'location.pathname + location.search'))
    .toBe('/ops/celeriac/?from=now-2h')
  expect(fixture.requests.filter(request => !request.startsWith('/ops/celeriac/'))).toEqual([])
})

test('a chosen theme is there before the first paint and survives a reload [B12]', async () => {
  const page = await open(await serve(small()), { theme: 'light' })
  const background = (): Promise<string> =>
    inPage(page, 'getComputedStyle(document.documentElement).backgroundColor')
  expect(await background()).toBe('rgb(245, 247, 250)')
  await page.getByRole('button', { name: 'Theme: system' }).click()
  await page.getByRole('button', { name: 'Theme: light' }).click()
  await expect.poll(background).toBe('rgb(15, 19, 25)')
  await page.reload({ waitUntil: 'commit' })
  await page.waitForFunction('document.documentElement.style.colorScheme === "dark"')
  await page.getByRole('button', { name: 'Theme: dark' }).click()
  await expect.poll(background).toBe('rgb(245, 247, 250)')
})

test('a phone shows the verdict and its action without scrolling [B15]', async () => {
  const page = await open(await serve(small()), { size: PHONE })
  const box = await page.getByRole('button', { name: 'Open CeleryQueueWaitHigh' }).boundingBox()
  expect((box?.y ?? 9999) + (box?.height ?? 0)).toBeLessThan(PHONE.height / 2)
  expect(box?.height).toBeGreaterThanOrEqual(44)
})

test('no animation runs when motion is not wanted [A9]', async () => {
  const page = await open(await serve(small()))
  await page.emulateMedia({ reducedMotion: 'reduce' })
  expect(await inPage<number>(page, 'document.getAnimations().length')).toBe(0)
})

test('script, style and page size stay within their budgets', async () => {
  const assets = join(dist, 'assets')
  const size = (ending: string): number =>
    readdirSync(assets)
      .filter(name => name.endsWith(ending))
      .reduce((sum, name) => sum + gzipSync(readFileSync(join(assets, name))).length, 0)
  expect(size('.js')).toBeLessThan(180_000)
  expect(size('.css')).toBeLessThan(20_000)
  expect(gzipSync(JSON.stringify(large().overview(Date.now()))).length).toBeLessThan(60_000)
  const page = await open(await serve(large()), { query: '?all=queues' })
  expect(await inPage<number>(page, 'document.querySelectorAll("*").length')).toBeLessThan(2500)
  await page.close()
  const usual = await open(await serve(large()), { ready: 'canvas' })
  expect(await inPage<number>(usual, 'document.querySelectorAll("*").length')).toBeLessThan(1500)
})
