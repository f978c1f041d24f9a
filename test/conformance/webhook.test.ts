import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AlertNotice, createDispatcher } from '../../src/alerts/index.ts'
import { Labels, Secret } from '../../src/base/index.ts'
import { createReceivers } from '../../src/notify/index.ts'
import { type AlertmanagerServer, startAlertmanager } from '../servers/alertmanager.ts'
import { startWebhook, type WebhookReceiver } from '../servers/webhook.ts'

/** The same alerts through a real Alertmanager and through ours: the bodies at the webhook must be the same. */

let theirs: WebhookReceiver
let ours: WebhookReceiver
let alertmanager: AlertmanagerServer

beforeAll(async () => {
  theirs = await startWebhook()
  ours = await startWebhook()
  alertmanager = await startAlertmanager({
    route: {
      receiver: 'ops',
      group_by: ['alertname', 'broker'],
      group_wait: '200ms',
      group_interval: '400ms',
      repeat_interval: '1h',
    },
    receivers: [{ name: 'ops', webhook_configs: [{ url: theirs.url, send_resolved: true }] }],
  })
})
afterAll(async () => {
  await alertmanager?.stop()
  await theirs?.stop()
  await ours?.stop()
})

interface Body {
  readonly status: string
  readonly alerts: readonly { readonly fingerprint: string; readonly status: string }[]
}

const body = (json: unknown): Body => json as Body

/** Alertmanager orders alerts its own way; ours puts firing ones first. */
const sorted = (json: unknown): Body => ({
  ...body(json),
  alerts: body(json).alerts.toSorted((a, b) => (a.fingerprint < b.fingerprint ? -1 : 1)),
})

/** Keys in their order, all the way down, without the values. */
const shape = (value: unknown): unknown =>
  Array.isArray(value)
    ? [shape(value[0])]
    : typeof value === 'object' && value !== null
      ? Object.entries(value).map(([key, each]) => [key, shape(each)])
      : typeof value

test('the body of the webhook equals that of Alertmanager: firing, then one resolved, then all', async () => {
  const startsAtMs = Date.now()
  const notice = (queue: string, resolvedAtMs?: number): AlertNotice => ({
    labels: Labels.from({
      alertname: 'CeleryQueueDepthHigh',
      broker: 'default',
      queue,
      severity: 'warning',
      odd: 'quote " back \\ line \n ü',
    }),
    annotations: { summary: `Queue ${queue} is deep`, description: 'the same' },
    startsAtMs,
    resolvedAtMs,
    generatorURL: 'http://celeriac.example/explore?e=x&r=1',
    value: 150,
  })
  const posted = (each: AlertNotice) => ({
    labels: each.labels.toJSON(),
    annotations: each.annotations,
    startsAt: new Date(each.startsAtMs).toISOString(),
    endsAt: new Date(each.resolvedAtMs ?? startsAtMs + 3_600_000).toISOString(),
    generatorURL: each.generatorURL,
  })

  const dispatcher = createDispatcher({
    groupWaitMs: 200,
    groupIntervalMs: 400,
    receivers: [{ name: 'ops' }],
    externalURL: () => alertmanager.url,
  })
  const [receiver] = createReceivers([{ name: 'ops', webhook: { url: new Secret(ours.url) } }], Date.now)
  const tell = async (notices: readonly AlertNotice[], atMs: number): Promise<unknown> => {
    dispatcher.receive(notices, atMs)
    const flushAtMs = dispatcher.nextDueMs() ?? atMs
    const before = ours.requests.length
    for (const decision of dispatcher.due(flushAtMs)) {
      if (decision.kind !== 'notify') continue
      const result = await receiver?.channels[0]?.send(decision.notification, AbortSignal.timeout(5000))
      dispatcher.delivered(decision.notification, result?.ok ?? false, flushAtMs)
    }
    return ours.requests[before]?.json
  }

  const resolvedAtMs = startsAtMs + 10
  const steps: readonly (readonly AlertNotice[])[] = [
    [notice('mail'), notice('reports')],
    [notice('mail', resolvedAtMs), notice('reports')],
    // Given mail once more, Alertmanager would tell its end a second time; ours does not.
    [notice('reports', resolvedAtMs)],
  ]
  for (const [i, notices] of steps.entries()) {
    await alertmanager.post(notices.map(posted))
    const from = theirs.requests.length
    const request = await theirs.until(each => theirs.requests.indexOf(each) >= from, 15_000)
    const mine = await tell(notices, startsAtMs + 20 + i * 10_000)
    expect(sorted(mine), `step ${i}`).toEqual(sorted(request.json))
    expect(shape(mine), `keys of step ${i}`).toEqual(shape(request.json))
  }
  expect(theirs.requests[0]?.headers['content-type']).toBe(ours.requests[0]?.headers['content-type'])
})
