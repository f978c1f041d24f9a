import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { quiet, small } from './seeds.ts'
import { inPage, setStage, text, tile } from './stage.ts'

/** The Overview over time and between readers: live data, keys, links, faults (ui.md section 5; the letters are its criteria). */

const { browser, serve, open } = setStage()

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
