/**
 * Every alert of the guide, provoked: a target whose numbers go bad is scraped by a real Prometheus with the emitted rules, whose
 * alerts go to a real Alertmanager with the emitted routes; the same samples go to our own store, rules and notifier. Both must
 * raise the same alerts, and all must reach a receiver.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDispatcher } from '../../src/alerts/index.ts'
import { createAlerting } from '../../src/app/alerting.ts'
import { systemClock } from '../../src/app/index.ts'
import { HOUR, Labels, type Sample, Secret, SECOND, silentLog } from '../../src/base/index.ts'
import {
  type AlertName,
  alerts,
  configureAlerts,
  type Metric,
  metrics,
  ruleGroups,
} from '../../src/catalog/index.ts'
import { createNotifier, createReceivers, type Notifier } from '../../src/notify/index.ts'
import { evaluateInstant } from '../../src/promql/index.ts'
import { createRules, type Rules } from '../../src/rules/index.ts'
import { createHead } from '../../src/store/index.ts'
import { eventually } from '../servers/celeriac.ts'
import { type EmittedStack, startEmitted } from '../servers/emitted.ts'
import { type ExpositionServer, startExposition } from '../servers/exposition.ts'
import { startWebhook, type WebhookReceiver } from '../servers/webhook.ts'

const names: readonly AlertName[] = alerts.map(({ name }) => name)
/** Every alert after two seconds; a queue that may be deep, so that its growth alone is told. */
const overrides = {
  ...Object.fromEntries(names.map(name => [name, { for: '2s' }])),
  CeleryQueueDepthHigh: { for: '2s', queues: { filling: null } },
}
const CONFIG = JSON.stringify({
  evaluationInterval: '1s',
  alerts: overrides,
  notify: { groupWait: '1s', groupInterval: '2s' },
})

/** What the target shows, one scrape after another. */
function createTarget() {
  let bad = false
  let scrapes = 0
  const counts = new Map<string, number>()
  const sample = (name: string, labels: Readonly<Record<string, string>>, value: number): Sample => ({
    labels: Labels.from({ ...labels, __name__: name }),
    value,
  })
  const gauge = <L extends string>(
    of: Metric<string, L, 'gauge'>,
    labels: Record<L, string>,
    value: number,
  ) => sample(of.name, labels, value)
  const grown = (key: string, by: number): number => {
    const value = (counts.get(key) ?? 0) + by
    counts.set(key, value)
    return value
  }
  const counter = <L extends string>(
    of: Metric<string, L, 'counter'>,
    labels: Record<L, string>,
    by: number,
  ) => sample(of.name, labels, grown(`${of.name}${JSON.stringify(labels)}`, by))
  const observed = <L extends string>(
    of: Metric<string, L, 'histogram'>,
    labels: Record<L, string>,
    seconds: number,
    times: number,
  ): readonly Sample[] => [
    ...[...(of.buckets ?? []), Infinity].map(bound => {
      const le = bound === Infinity ? '+Inf' : String(bound)
      return sample(
        `${of.name}_bucket`,
        { ...labels, le },
        grown(`${of.name}${le}${JSON.stringify(labels)}`, seconds <= bound ? times : 0),
      )
    }),
    sample(`${of.name}_count`, labels, grown(`${of.name}count`, times)),
    sample(`${of.name}_sum`, labels, grown(`${of.name}sum`, times * seconds)),
  ]

  const a = { broker: 'a' }
  const b = { broker: 'b' }
  const task = { ...a, task: 'reports.build', queue: 'deep' }
  const worker = { ...a, worker: 'w1@a' }
  const container = { ...worker, container: 'w1' }
  const samples = (): readonly Sample[] => {
    scrapes += 1
    const either = (well: number, ill: number): number => (bad ? ill : well)
    return [
      gauge(metrics.brokerUp, a, 1),
      gauge(metrics.brokerUp, b, 1),
      gauge(metrics.brokerUp, { broker: 'c' }, either(1, 0)),
      gauge(metrics.sourceUp, { ...a, source: 'events' }, 1),
      gauge(metrics.sourceUp, { ...a, source: 'inspect' }, either(1, 0)),
      gauge(metrics.sourceLastSuccess, { ...a, source: 'inspect' }, 1_700_000_000),
      gauge(metrics.eventLoopLag, {}, either(0.01, 3)),
      counter(metrics.eventsDropped, a, either(0, 5)),
      counter(metrics.seriesDropped, { metric: 'm' }, either(0, 5)),
      counter(metrics.ruleFailures, { rule_group: 'shop' }, either(0, 5)),
      counter(
        metrics.notificationsFailed,
        { receiver: 'r', channel: 'slack', reason: 'refused' },
        either(0, 5),
      ),
      gauge(metrics.queueDepth, { ...a, queue: 'deep' }, either(5, 5000)),
      gauge(metrics.queueDepth, { ...a, queue: 'filling' }, bad ? 1000 + 500 * scrapes : 5),
      gauge(metrics.workerCount, a, either(3, 1)),
      gauge(metrics.workerCount, b, either(2, 0)),
      gauge(metrics.activeTasks, a, either(2, 30)),
      gauge(metrics.workerUp, worker, 1),
      gauge(metrics.workerConcurrency, worker, 4),
      gauge(metrics.workerActive, worker, either(1, 4)),
      counter(metrics.taskSucceeded, task, 50),
      counter(metrics.taskFailed, { ...task, exception: 'KeyError' }, either(0, 50)),
      counter(metrics.taskRetry, task, either(0, 1000)),
      ...observed(metrics.taskRuntime, task, either(1, 90), either(1, 100)),
      ...observed(metrics.taskWait, task, either(1, 90), either(1, 100)),
      gauge(metrics.redisMemoryUsed, a, either(10, 95)),
      gauge(metrics.redisMemoryMax, a, 100),
      gauge(metrics.redisConnectedClients, a, either(10, 95)),
      gauge(metrics.redisMaxClients, a, 100),
      gauge(metrics.containerCpu, container, either(10, 95)),
      gauge(metrics.containerMemory, container, either(10, 95)),
    ]
  }
  return {
    samples,
    get scrapes() {
      return scrapes
    },
    goBad() {
      bad = true
    },
  }
}

/** Our own store, rules, dispatcher and notifier, fed with what is scraped when it is scraped. */
function createEmbedded(hookUrl: string): {
  readonly rules: Rules
  readonly notifier: Notifier
  take(samples: readonly Sample[]): void
  stop(): Promise<void>
} {
  const store = createHead({ retentionMs: HOUR })
  const rules = createRules({
    groups: ruleGroups({ alerts: configureAlerts(overrides), intervalMs: SECOND }),
    query(expr, atMs) {
      const { result } = evaluateInstant(expr, atMs, store)
      if (result.type !== 'vector') throw new Error(`${expr} is no vector`)
      return result.samples
    },
    write: (producer, atMs, samples) => store.appendCycle(producer, atMs, samples),
  })
  const notifier = createNotifier({
    receivers: createReceivers([{ name: 'own', webhook: { url: new Secret(hookUrl) } }], Date.now),
    clock: systemClock,
    log: silentLog,
    onResult: (notification, record) => alerting.delivered(notification, record),
  })
  const alerting = createAlerting({
    clock: systemClock,
    log: silentLog,
    dispatcher: createDispatcher({
      receivers: notifier.receivers,
      groupWaitMs: SECOND,
      groupIntervalMs: 2 * SECOND,
      externalURL: () => '',
    }),
    notifier: () => notifier,
    generatorURL: () => '',
    valueText: () => undefined,
  })
  let running: Promise<void> = Promise.resolve()
  const evaluate = async (samples: readonly Sample[], atMs: number): Promise<void> => {
    store.appendCycle('scrape', atMs, samples)
    for (const group of rules.groups) {
      const { failures, alerts: told } = await rules.evaluate(group, atMs)
      if (failures.length > 0) throw new Error(failures.map(({ error }) => error).join('\n'))
      alerting.receive(told)
    }
  }
  return {
    rules,
    notifier,
    take(samples) {
      const atMs = Date.now()
      running = running.then(() => evaluate(samples, atMs))
    },
    async stop() {
      alerting.stop()
      await notifier.stop(1000)
      await running
    },
  }
}

const target = createTarget()
let hook: WebhookReceiver
let embedded: ReturnType<typeof createEmbedded>
let exposition: ExpositionServer
let stack: EmittedStack

beforeAll(async () => {
  hook = await startWebhook()
  embedded = createEmbedded(`${hook.url}/own`)
  exposition = await startExposition(() => {
    const samples = target.samples()
    embedded.take(samples)
    return samples
  })
  stack = await startEmitted({
    configText: CONFIG,
    scrape: exposition.address,
    receiverUrl: hook.url,
  })
}, 120_000)
afterAll(async () => {
  await stack?.stop()
  await exposition?.stop()
  await embedded?.stop()
  await hook?.stop()
}, 60_000)

type LabelSet = Readonly<Record<string, string>>
const key = (labels: LabelSet): string =>
  JSON.stringify(Object.entries(labels).toSorted(([x], [y]) => (x < y ? -1 : 1)))

/** Firing alerts of the catalog there and here, as sorted label sets. */
async function firing(): Promise<{ readonly theirs: readonly string[]; readonly ours: readonly string[] }> {
  const { data } = (await stack.get(`${stack.prometheusUrl}/api/v1/alerts`)) as {
    data: { alerts: readonly { labels: LabelSet; state: string }[] }
  }
  const theirs = data.alerts
    .filter(({ labels, state }) => state === 'firing' && names.some(name => name === labels['alertname']))
    .map(({ labels }) => key(labels))
  const ours = embedded.rules
    .activeAlerts()
    .filter(({ state }) => state === 'firing')
    .map(({ labels }) => key(labels.toJSON()))
  return { theirs: theirs.toSorted(), ours: ours.toSorted() }
}

test('while all is well nothing fires, there or here', async () => {
  await eventually('eight scrapes', 60_000, () => (target.scrapes >= 8 ? true : undefined))
  expect(await firing()).toEqual({ theirs: [], ours: [] })
  expect(hook.requests.filter(({ path }) => path !== '/watchdog')).toEqual([])
})

test('every alert of the catalog fires, in Prometheus and in our own engine with the same labels', async () => {
  target.goBad()
  const found = await eventually('all fire in both', 90_000, async () => {
    const now = await firing()
    const all = names.every(name => now.ours.some(each => each.includes(`"${name}"`)))
    return all && key({ a: now.ours.join() }) === key({ a: now.theirs.join() }) ? now : undefined
  })
  expect(found.theirs).toEqual(found.ours)
  expect(names.filter(name => !found.theirs.some(each => each.includes(`"${name}"`)))).toEqual([])
}, 120_000)

test('every alert reaches a receiver: by Alertmanager Slack, critical ones PagerDuty as well; by our notifier the webhook', async () => {
  const critical = alerts.filter(({ severity }) => severity === 'critical').map(({ name }) => name)
  const at = (path: string, name: string): boolean =>
    hook.requests.some(request => request.path === path && request.text.includes(name))
  await eventually('all are told', 60_000, () => {
    const missing = [
      ...names.filter(name => !at('/slack', name)).map(name => `Slack: ${name}`),
      ...names.filter(name => !at('/own', name)).map(name => `our webhook: ${name}`),
      ...critical.filter(name => !at('/pagerduty', name)).map(name => `PagerDuty: ${name}`),
    ]
    if (missing.length > 0) throw new Error(missing.join(', '))
    return true
  })
  for (const name of names.filter(each => !critical.includes(each)))
    expect(at('/pagerduty', name)).toBe(false)
}, 90_000)

test('Alertmanager hushes the growth of a queue that is told to be too deep, and only of that one', async () => {
  const growing = async (): Promise<
    readonly { labels: LabelSet; status: { inhibitedBy: readonly string[] } }[]
  > =>
    (await stack.get(
      `${stack.alertmanagerUrl}/api/v2/alerts?${new URLSearchParams({ filter: 'alertname="CeleryQueueGrowing"' }).toString()}`,
    )) as readonly { labels: LabelSet; status: { inhibitedBy: readonly string[] } }[]
  await eventually('both queues grow, one is hushed', 60_000, async () => {
    const found = Object.fromEntries(
      (await growing()).map(({ labels, status }) => [labels['queue'], status.inhibitedBy.length > 0]),
    )
    return found['deep'] === true && found['filling'] === false ? true : undefined
  })
})
