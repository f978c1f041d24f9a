/**
 * No rewrite when you outgrow it: a real Prometheus and a real Alertmanager, started from emitted files, scrape the program that
 * watches a real worker on a real Redis. The worker is killed; both ways tell of it.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, type RunningCeleriac, startCeleriac } from '../servers/celeriac.ts'
import { type RunningWorker, startWorker } from '../servers/celery.ts'
import { type EmittedStack, startEmitted } from '../servers/emitted.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'
import { type ReceivedRequest, startWebhook, type WebhookReceiver } from '../servers/webhook.ts'

const CONFIG = `
workerTimeout: 8s
inspectInterval: 2s
evaluationInterval: 2s
alerts:
  CeleryNoWorkers: { for: 4s }
  CeleryLowRedundancy: { enabled: false }
notify:
  groupWait: 1s
  groupInterval: 2s
`

let redis: RedisServer
let hook: WebhookReceiver
let celeriac: RunningCeleriac
let stack: EmittedStack
let worker: RunningWorker

beforeAll(async () => {
  redis = await startRedis()
  hook = await startWebhook()
  celeriac = await startCeleriac(
    ['start', '--broker', redis.url],
    `${CONFIG}  receivers: [{ name: hook, webhook: { url: '${hook.url}/celeriac' } }]\n`,
  )
  stack = await startEmitted({
    configText: CONFIG,
    scrape: new URL(celeriac.url).host,
    receiverUrl: hook.url,
  })
  worker = await startWorker({ brokerUrl: redis.url, name: 'w1', app: 'reports' })
}, 180_000)

afterAll(async () => {
  await stack?.stop()
  await celeriac?.stop()
  await worker?.stop()
  await hook?.stop()
  await redis?.stop()
}, 60_000)

const value = async (expr: string): Promise<number | undefined> => {
  const answer = (await stack.get(
    `${stack.prometheusUrl}/api/v1/query?${new URLSearchParams({ query: expr }).toString()}`,
  )) as { data: { result: readonly { value: readonly [number, string] }[] } }
  const [first] = answer.data.result
  return first === undefined ? undefined : Number(first.value[1])
}

const isAt = (path: string, text: string) => (request: ReceivedRequest) =>
  request.path === path && request.text.includes(text)

test('Prometheus scrapes the program under the job that the rules look for, and evaluates every emitted rule', async () => {
  await eventually('the worker is seen there', 60_000, async () =>
    (await value('celery_worker_count')) === 1 ? true : undefined,
  )
  expect(await value('up{job="celeriac"}')).toBe(1)
  await eventually('every rule is evaluated', 30_000, async () => {
    const { data } = (await stack.get(`${stack.prometheusUrl}/api/v1/rules`)) as {
      data: { groups: readonly { rules: readonly { name: string; health: string; lastError?: string }[] }[] }
    }
    const rules = data.groups.flatMap(group => group.rules)
    const bad = rules.filter(({ health }) => health !== 'ok')
    if (bad.length > 0) throw new Error(JSON.stringify(bad))
    return rules.length > 0 ? true : undefined
  })
})

test('the watchdog reaches what waits for it', async () => {
  await hook.until(isAt('/watchdog', 'CeleriacWatchdog'), 150_000)
}, 180_000)

test('the last worker is killed: the program tells of it, and Prometheus through Alertmanager tells PagerDuty and Slack', async () => {
  await worker.kill()
  const [own, pagerduty, slack] = await Promise.all([
    hook.until(isAt('/celeriac', 'CeleryNoWorkers'), 120_000),
    hook.until(isAt('/pagerduty', 'CeleryNoWorkers'), 120_000),
    hook.until(isAt('/slack', 'CeleryNoWorkers'), 120_000),
  ])
  const summary = 'No Celery worker is up on broker default'
  expect(own.json).toMatchObject({ status: 'firing', alerts: [{ annotations: { summary } }] })
  expect(pagerduty.json).toMatchObject({
    routing_key: 'key',
    event_action: 'trigger',
    client: 'Celeriac',
    payload: { severity: 'critical', class: 'CeleryNoWorkers', component: 'celery', summary },
  })
  expect(slack.json).toMatchObject({
    attachments: [{ color: 'danger', title: 'FIRING 1 CeleryNoWorkers (default)' }],
  })
  expect(slack.text).toContain(`• *${summary}* [critical]`)
}, 180_000)
