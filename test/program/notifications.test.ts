/** What receivers are told by the built program: links that lead back to it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { type RunningCeleriac, startCeleriac } from '../servers/celeriac.ts'
import { startWebhook, type WebhookReceiver } from '../servers/webhook.ts'

const folder = mkdtempSync(join(tmpdir(), 'celeriac-notifications-'))
let webhook: WebhookReceiver | undefined
let celeriac: RunningCeleriac | undefined
afterAll(async () => {
  await celeriac?.stop()
  await webhook?.stop()
  rmSync(folder, { recursive: true, force: true })
})

test('without an external URL, links lead to the address that it listens on, and to the alert on the Overview', async () => {
  const rules = join(folder, 'mine.yml')
  writeFileSync(
    rules,
    `groups: [{name: mine, interval: 1s, rules: [{alert: 'Always on', expr: 'vector(1)', labels: {queue: 'a&b="c"'}}]}]`,
  )
  webhook = await startWebhook()
  celeriac = await startCeleriac(
    ['demo', '--rules', rules],
    `notify: { groupWait: 1s, receivers: [{ name: hook, webhook: { url: '${webhook.url}/hook' } }] }`,
  )
  const isMine = (request: { readonly text: string }): boolean => request.text.includes('Always on')
  const { json } = await webhook.until(isMine, 60_000)
  const body = json as { externalURL: string; alerts: { generatorURL: string }[] }
  expect(body.externalURL).toBe(celeriac.url)
  const link = new URL(body.alerts[0]?.generatorURL ?? '')
  expect(`${link.origin}${link.pathname}`).toBe(`${celeriac.url}/`)
  expect(link.searchParams.get('alert')).toBe(String.raw`Always on{queue="a&b=\"c\""}`)
  const page = await fetch(link)
  expect(page.headers.get('content-type')).toContain('text/html')
})
