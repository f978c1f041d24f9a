import { beforeAll, expect, test } from 'vitest'
import { DAY, Labels, SECOND } from '../../src/base/index.ts'
import { CELERY_EXPORTER_DEFAULTS, createCeleryExporterPage } from '../../src/compat/index.ts'
import {
  depths,
  failed,
  heartbeat,
  received,
  rejected,
  retried,
  revoked,
  sent,
  started,
  succeeded,
  T0,
} from '../../src/fleet/events.case.ts'
import { createFleet } from '../../src/fleet/index.ts'
import { parseExposition } from '../../src/metrics/index.ts'
import { evaluateInstant, type VectorSample } from '../../src/promql/index.ts'
import { createHead } from '../../src/store/index.ts'

/**
 * celery-exporter's users have dashboards and alerts (its mixin, 17508 and 17509 on grafana.com). For each metric, label set and way of
 * summing that those use there is a question here, in our own words; each must be answered from our page, scraped as Prometheus
 * does it.
 */
const SCRAPE_MS = 15 * SECOND
const SCRAPES = 41
const END_MS = T0 + (SCRAPES - 1) * SCRAPE_MS
const WORKERS = ['w1@host-a', 'w2@host-a', 'w1@host-b']
const QUEUES = ['bills', 'mail']

const store = createHead({ retentionMs: DAY })

/** What of one task is seen: sent at `atMs`, 0.2 s in its queue, and then what becomes of it. */
function* life(id: string, number: number, atMs: number) {
  const queue = QUEUES[number % 2] ?? ''
  const at = (seconds: number) => ({ atMs: atMs + seconds * SECOND, worker: WORKERS[number % 3] ?? '' })
  const name = `shop.${queue}`
  yield sent(id, { atMs, name, queue, worker: 'gen1@web' })
  yield received(id, { ...at(0.1), name })
  if (number % 17 === 5) {
    yield revoked(id, at(0.2))
    return
  }
  yield started(id, at(0.2))
  if (number % 5 === 0)
    yield failed(id, { ...at(1), exception: number % 2 === 0 ? "ValueError('x')" : 'OSError()' })
  else if (number % 7 === 0) yield retried(id, at(0.5))
  else if (number % 11 === 0) yield rejected(id, at(0.5))
  else yield succeeded(id, { ...at(1), runtime: 0.8 })
}

beforeAll(() => {
  const fleet = createFleet({ broker: 'b' })
  const page = createCeleryExporterPage({
    options: CELERY_EXPORTER_DEFAULTS,
    brokers: ['b'],
    dropped: () => expect.unreachable(),
  })
  fleet.observe({ kind: 'broker-connected' }, T0)
  for (let i = 0, task = 0; i < SCRAPES; i++) {
    const fromMs = T0 + i * SCRAPE_MS
    for (const worker of WORKERS) fleet.apply(heartbeat({ worker, active: 1, atMs: fromMs }), fromMs)
    const replies = new Map(WORKERS.map(worker => [worker, QUEUES.map(name => ({ name }))]))
    fleet.observe({ kind: 'inspect', method: 'active_queues', replies, askedAtMs: fromMs }, fromMs)
    fleet.observe(depths({ bills: 150, mail: 0 }), fromMs)
    for (const end = task + 20; task < end; task++)
      for (const event of life(`id-${task}`, task, fromMs)) fleet.apply(event, event.timestamp * 1000)
    fleet.tick(fromMs + 5 * SECOND)
    page.record('b', fleet.drainChanges())
    page.collect(fleet, true, fromMs + 5 * SECOND)
    const { samples } = parseExposition([...(page.expose('text') ?? [])].join(''))
    store.appendCycle(
      'scrape',
      fromMs,
      samples.map(({ name, labels, value }) => ({
        labels: Labels.fromEntries(
          Object.entries({
            ...labels,
            __name__: name,
            job: 'celery-exporter',
            namespace: 'shop',
            cluster: 'eu',
          }),
        ),
        value,
      })),
    )
  }
})

function ask(expr: string): readonly VectorSample[] {
  const { result } = evaluateInstant(expr, END_MS, store, {})
  if (result.type !== 'vector') throw new Error(`${expr} gives no vector`)
  return result.samples
}

/** The values that a template variable of a dashboard would offer. */
const offered = (selector: string, label: string): string[] =>
  [...new Set(ask(selector).map(({ labels }) => labels.get(label)))].sort()

const OF = 'cluster="eu", namespace="shop", job=~"celery-exporter", queue_name=~"bills|mail"'
const OF_TASK = `${OF}, name=~"shop.+"`
const KINDS = ['sent', 'received', 'succeeded', 'failed', 'retried', 'revoked', 'rejected']
const HOURS = '6h'

test('the variables of the dashboards find cluster, namespace, job, queues and tasks', () => {
  expect(offered('celery_worker_up', 'cluster')).toEqual(['eu'])
  expect(offered('celery_worker_up{cluster="eu"}', 'namespace')).toEqual(['shop'])
  expect(offered('celery_worker_up{cluster="eu", namespace="shop"}', 'job')).toEqual(['celery-exporter'])
  expect(offered('celery_task_received_total{queue_name!~"None"}', 'queue_name')).toEqual(QUEUES)
  expect(offered(`celery_task_received_total{${OF}, name!~"None"}`, 'name')).toEqual([
    'shop.bills',
    'shop.mail',
  ])
  expect(offered('celery_task_sent_total', 'name')).toEqual(['shop.bills', 'shop.mail'])
})

test.each([
  ...KINDS.flatMap(kind => [
    [
      `${kind} by task, nothing left out that did not happen`,
      `sum(round(increase(celery_task_${kind}_total{${OF_TASK}}[1w]))) by (name) > -1`,
    ],
    [
      `${kind} by task and queue`,
      `sum(increase(celery_task_${kind}_total{${OF}}[${HOURS}])) by (job, queue_name, name)`,
    ],
    [`rate of ${kind}`, `sum(rate(celery_task_${kind}_total{${OF}}[1m])) by (job)`],
    [`quick rate of ${kind}`, `sum(irate(celery_task_${kind}_total{${OF_TASK}}[1m])) by (name)`],
  ]),
  ...['0.50', '0.95', '0.99'].flatMap(quantile => [
    [
      `run time, quantile ${quantile}, by task`,
      `histogram_quantile(${quantile}, sum(irate(celery_task_runtime_bucket{${OF_TASK}}[1m])) by (name, job, le))`,
    ],
    [
      `run time, quantile ${quantile}, of all`,
      `histogram_quantile(${quantile}, sum(rate(celery_task_runtime_bucket{${OF}}[1m])) by (job, le))`,
    ],
    [
      `wait, quantile ${quantile}, by queue`,
      `histogram_quantile(${quantile}, sum(rate(celery_task_queue_wait_time_bucket{${OF}}[1m])) by (queue_name, le))`,
    ],
  ]),
  [
    'mean run time by task',
    `sum(rate(celery_task_runtime_sum{${OF}}[${HOURS}])) by (name) / sum(rate(celery_task_runtime_count{${OF}}[${HOURS}])) by (name) > 0`,
  ],
  [
    'slowest tasks',
    `topk(10, sum(increase(celery_task_runtime_sum{${OF}}[1w])) by (name) / sum(increase(celery_task_runtime_count{${OF}}[1w])) by (name) > 0)`,
  ],
  ['failing tasks', `round(topk(10, sum(increase(celery_task_failed_total{${OF}}[1w]) > 0) by (job, name)))`],
  [
    'exceptions',
    `round(topk(10, sum(increase(celery_task_failed_total{${OF}}[1w]) > 0) by (job, exception)))`,
  ],
  [
    'exceptions of a task',
    `sum(round(increase(celery_task_failed_total{${OF_TASK}}[${HOURS}]))) by (name, exception) > 0`,
  ],
  [
    'share of successes by task',
    `sum(increase(celery_task_succeeded_total{${OF}}[${HOURS}])) by (name) / (sum(increase(celery_task_succeeded_total{${OF}}[${HOURS}])) by (name) + sum(increase(celery_task_failed_total{${OF}}[${HOURS}])) by (name)) > -1`,
  ],
  [
    'tasks that execute',
    'sum(celery_worker_tasks_active{cluster="eu", namespace="shop", job=~"celery-exporter"})',
  ],
  ['length of queues', `sum(celery_queue_length{${OF}}) by (job, queue_name)`],
  ['queues, counted', `count(group by (queue_name) (celery_queue_length{${OF}}))`],
  [
    'alert: share of failures',
    'sum(increase(celery_task_failed_total{job=~".*celery.*", name!~"None"}[10m])) by (job, namespace, queue_name, name) / (sum(increase(celery_task_failed_total{job=~".*celery.*", name!~"None"}[10m])) by (job, namespace, queue_name, name) + sum(increase(celery_task_succeeded_total{job=~".*celery.*", name!~"None"}[10m])) by (job, namespace, queue_name, name)) * 100 > 5',
  ],
  [
    'alert: long queue',
    'sum(celery_queue_length{job=~".*celery.*", queue_name!~"None"}) by (job, namespace, queue_name) > 100',
  ],
])('%s: there is an answer, and it is a number', (_what, expr) => {
  const samples = ask(expr)
  expect(samples.length).toBeGreaterThan(0)
  expect(samples.filter(({ value }) => !Number.isFinite(value))).toEqual([])
})

test('workers up are counted by host, and no alert tells of a worker that is down', () => {
  expect(ask('count(celery_worker_up{job=~"celery-exporter"} == 1)').map(({ value }) => value)).toEqual([2])
  expect(ask('celery_worker_up{job=~".*celery.*"} == 0')).toEqual([])
})

test('the numbers are right: of 820 tasks each outcome by its share', () => {
  const total = (name: string): number => ask(`sum(${name})`)[0]?.value ?? Number.NaN
  const tasks = Array.from({ length: SCRAPES * 20 }, (_, number) => number)
  const is = (number: number): string =>
    number % 17 === 5
      ? 'revoked'
      : number % 5 === 0
        ? 'failed'
        : number % 7 === 0
          ? 'retried'
          : number % 11 === 0
            ? 'rejected'
            : 'succeeded'
  for (const kind of ['revoked', 'failed', 'retried', 'rejected', 'succeeded'])
    expect(total(`celery_task_${kind}_total`), kind).toBe(tasks.filter(number => is(number) === kind).length)
  expect(total('celery_task_sent_total')).toBe(tasks.length)
  expect(total('celery_task_runtime_sum')).toBeCloseTo(0.8 * total('celery_task_succeeded_total'), 6)
})
