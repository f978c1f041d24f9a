import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { overview } from '../../src/contract/index.ts'
import { empty, quiet, type Seed, simulated, small } from './seeds.ts'
import { DESKTOP, inPage, PHONE, setStage, text, tile } from './stage.ts'
import { brokerDown, large, stale } from './trouble-seeds.ts'

/** What the Overview shows, in a real browser over canned fleets (ui.md section 5; the letters in brackets are its criteria). */

const AXE = createRequire(import.meta.url).resolve('axe-core')
const { dist, serve, open } = setStage()

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
        // The policy of the page keeps injected scripts out, so axe is handed over by the protocol.
        await page.evaluate(readFileSync(AXE, 'utf8'))
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
  expect(await text(page, '[aria-label="Verdict"]')).toMatch(
    /broker prod is lost\. For 6 m.*Nothing answers at redis/,
  )
  // Said once, by the verdict.
  expect((await text(page, 'main')).match(/Nothing answers at redis/g)).toHaveLength(1)
  expect(await text(page, '#alerts')).toContain('Not resolved: what it watches could not be seen')
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
