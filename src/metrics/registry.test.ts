import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { type Metric, metric, metrics } from '../catalog/index.ts'
import type { FleetChange } from '../fleet/index.ts'
import {
  CONTENT_TYPES,
  createMetrics,
  type MetricsRegistry,
  negotiateFormat,
  parseExposition,
} from './index.ts'

const change = (
  event: Extract<FleetChange, { kind: 'task' }>['event'],
  more: Partial<Extract<FleetChange, { kind: 'task' }>> = {},
): FleetChange => ({ kind: 'task', event, task: 'shop.bill', queue: 'bills', worker: 'w1@a', ...more })

/** `name{a="x"}` to value. */
const valuesOf = (samples: Iterable<{ labels: { toString(): string; metric: string }; value: number }>) =>
  Object.fromEntries(Array.from(samples, ({ labels, value }) => [labels.toString(), value]))

const text = (registry: MetricsRegistry, format: 'text' | 'openmetrics' = 'text'): string =>
  [...registry.expose(format)].join('')

const OF = 'broker="b", queue="bills", task="shop.bill"'

test('each event of a task counts once, in its own metric', () => {
  const registry = createMetrics()
  registry.record('b', [
    change('sent'),
    change('received'),
    change('started', { waitSeconds: 0.3 }),
    change('failed', { exception: 'ValueError' }),
    change('retried'),
    change('rejected'),
    change('revoked'),
    change('succeeded', { runtimeSeconds: 70 }),
    { kind: 'wait', task: 'shop.bill', queue: 'bills', worker: 'w1@a', waitSeconds: 3 },
    { kind: 'worker', worker: 'w', from: undefined, to: 'up', atMs: 0 },
  ])
  const values = valuesOf(registry.samples())
  expect(values).toMatchObject({
    [`celery_task_sent_total{${OF}}`]: 1,
    [`celery_task_received_total{${OF}}`]: 1,
    [`celery_task_started_total{${OF}}`]: 1,
    [`celery_task_succeeded_total{${OF}}`]: 1,
    [`celery_task_failed_total{broker="b", exception="ValueError", queue="bills", task="shop.bill"}`]: 1,
    [`celery_task_retry_total{${OF}}`]: 1,
    [`celery_task_rejected_total{${OF}}`]: 1,
    [`celery_task_revoked_total{${OF}}`]: 1,
    [`celery_task_wait_time_seconds_count{${OF}}`]: 2,
    [`celery_task_wait_time_seconds_sum{${OF}}`]: 3.3,
    [`celery_task_wait_time_seconds_bucket{broker="b", le="0.25", queue="bills", task="shop.bill"}`]: 0,
    [`celery_task_wait_time_seconds_bucket{broker="b", le="0.5", queue="bills", task="shop.bill"}`]: 1,
    [`celery_task_wait_time_seconds_bucket{broker="b", le="5", queue="bills", task="shop.bill"}`]: 2,
    [`celery_task_wait_time_seconds_bucket{broker="b", le="+Inf", queue="bills", task="shop.bill"}`]: 2,
    [`celery_task_runtime_seconds_sum{${OF}}`]: 70,
    [`celery_task_runtime_seconds_bucket{broker="b", le="60", queue="bills", task="shop.bill"}`]: 0,
    [`celery_task_runtime_seconds_bucket{broker="b", le="90", queue="bills", task="shop.bill"}`]: 1,
  })
})

test('a bound belongs to its own bucket', () => {
  const registry = createMetrics()
  registry.observe(metrics.taskWait, { broker: 'b', task: 't', queue: 'q' }, 30)
  const values = valuesOf(registry.samples())
  expect(values['celery_task_wait_time_seconds_bucket{broker="b", le="20", queue="q", task="t"}']).toBe(0)
  expect(values['celery_task_wait_time_seconds_bucket{broker="b", le="30", queue="q", task="t"}']).toBe(1)
})

test('a task seen in a worker has counters of success and of retries at 0 before either happened', () => {
  const registry = createMetrics()
  registry.record('b', [change('sent')])
  expect(valuesOf(registry.samples())).toEqual({ [`celery_task_sent_total{${OF}}`]: 1 })
  registry.record('b', [change('received')])
  expect(valuesOf(registry.samples())).toMatchObject({
    [`celery_task_succeeded_total{${OF}}`]: 0,
    [`celery_task_retry_total{${OF}}`]: 0,
  })
})

test('the store sees a counter begin at 0, and its true value one cycle later; the exposition is true at once', () => {
  const registry = createMetrics()
  const series =
    'celery_task_failed_total{broker="b", exception="ValueError", queue="bills", task="shop.bill"}'
  registry.record('b', [
    change('failed', { exception: 'ValueError' }),
    change('succeeded', { runtimeSeconds: 1 }),
  ])
  expect(text(registry)).toMatch(/celery_task_failed_total\{.*exception="ValueError"\} 1\n/)
  const first = valuesOf([...registry.cycle()].flat())
  expect(first[series]).toBe(0)
  expect(new Set(Object.values(first))).toEqual(new Set([0]))
  registry.record('b', [change('failed', { exception: 'ValueError' })])
  const second = valuesOf([...registry.cycle()].flat())
  expect(second[series]).toBe(2)
  expect(second[`celery_task_runtime_seconds_count{${OF}}`]).toBe(1)
  expect(second[`celery_task_runtime_seconds_sum{${OF}}`]).toBe(1)
})

test('a total that somebody else counts is not given as 0 first, which would look like a rise', () => {
  const registry = createMetrics()
  registry.total(metrics.processCpu, {}, 12.5)
  expect(valuesOf([...registry.cycle()].flat())).toEqual({ celeriac_process_cpu_seconds_total: 12.5 })
})

test('the labels of a series are the same object in every cycle', () => {
  const registry = createMetrics()
  registry.record('b', [change('started', { waitSeconds: 1 })])
  registry.set(metrics.storeSeries, {}, 1)
  const before = [...registry.samples()].map(sample => sample.labels)
  const after = [...registry.cycle()].flat().map(sample => sample.labels)
  expect(before.length).toBeGreaterThan(20)
  expect(after.length).toBe(before.length)
  after.forEach((labels, i) => expect(labels).toBe(before[i]))
})

test('a gauge set to null is gone, not 0', () => {
  const registry = createMetrics()
  registry.set(metrics.storeBytes, {}, 5)
  registry.set(metrics.storeBytes, {}, null)
  expect([...registry.samples()]).toEqual([])
  expect(text(registry)).toBe('')
})

test('beyond the cap a new label set is refused and counted, and those that exist go on', () => {
  const registry = createMetrics({ maxSeriesPerMetric: 2 })
  for (const task of ['a', 'b', 'c', 'c', 'a'])
    registry.record('x', [{ kind: 'task', event: 'sent', task, queue: 'q', worker: 'c@a' }])
  expect(valuesOf(registry.samples())).toEqual({
    'celery_task_sent_total{broker="x", queue="q", task="a"}': 2,
    'celery_task_sent_total{broker="x", queue="q", task="b"}': 1,
    'celeriac_series_dropped_total{metric="celery_task_sent_total"}': 2,
  })
})

test('all metrics of tasks share one budget of series, which leaves the numbers of workers and our own alone', () => {
  const registry = createMetrics({ maxTaskSeries: 30 })
  for (const task of ['a', 'b'])
    registry.record('x', [
      { kind: 'task', event: 'started', task, queue: 'q', worker: 'w@a', waitSeconds: 1 },
      { kind: 'task', event: 'started', task, queue: 'q', worker: 'w@a', waitSeconds: 1 },
    ])
  const samples = valuesOf(registry.samples())
  // The first task has its counters and its histogram of 21 series; for the second one's histogram there is no room.
  expect(samples['celery_task_wait_time_seconds_count{broker="x", queue="q", task="a"}']).toBe(2)
  expect(samples['celery_task_started_total{broker="x", queue="q", task="b"}']).toBe(2)
  expect(samples['celery_task_wait_time_seconds_count{broker="x", queue="q", task="b"}']).toBeUndefined()
  expect(samples['celeriac_series_dropped_total{metric="celery_task_wait_time_seconds"}']).toBe(2)
  registry.set(metrics.workerUp, { broker: 'x', worker: 'w@a' }, 1)
  expect(valuesOf(registry.samples())['celery_worker_up{broker="x", worker="w@a"}']).toBe(1)
})

test('a cycle comes in pieces that together are the samples', () => {
  const registry = createMetrics()
  for (let i = 0; i < 300; i++)
    registry.observe(metrics.taskWait, { broker: 'b', task: `job_${i}`, queue: 'q' }, 1)
  const pieces = [...registry.cycle()]
  expect(pieces.length).toBeGreaterThan(1)
  expect(Math.max(...pieces.map(piece => piece.length))).toBeLessThan(2100)
  expect(pieces.flat().map(({ labels }) => labels)).toEqual(
    [...registry.samples()].map(({ labels }) => labels),
  )
})

test('values that hold separators of ours are not mixed up', () => {
  const registry = createMetrics()
  registry.add(metrics.eventsSkipped, { broker: 'a1:b', reason: 'c' })
  registry.add(metrics.eventsSkipped, { broker: 'a', reason: 'b1:c' })
  expect(Object.values(valuesOf(registry.samples()))).toEqual([1, 1])
})

test('a counter does not go down', () => {
  const registry = createMetrics()
  expect(() => registry.add(metrics.eventsTotal, { broker: 'b' }, -1)).toThrow(RangeError)
})

test('what the catalog does not declare does not compile', () => {
  const registry = createMetrics()
  const undeclared = metric({
    name: 'celery_undeclared',
    kind: 'gauge',
    labels: [],
    unit: 'count',
    sources: [],
    help: '',
  })
  // @ts-expect-error not a metric of the catalog
  expect(() => registry.set(undeclared, {}, 1)).toThrow('no counter or gauge of the catalog')
  // @ts-expect-error a label too few
  registry.set(metrics.workerCount, {}, 1)
  // @ts-expect-error a label that the metric does not have
  registry.set(metrics.workerCount, { broker: 'b', worker: 'w' }, 1)
  // @ts-expect-error a gauge is not counted up
  registry.add(metrics.workerCount, { broker: 'b' })
  // @ts-expect-error a histogram is observed
  expect(() => registry.set(metrics.taskWait, { broker: 'b', task: 't', queue: 'q' }, 1)).toThrow(RangeError)
})

test('a gauge and a counter are exposed as Prometheus writes them', () => {
  const registry = createMetrics()
  registry.set(metrics.redisMemoryUsed, { broker: 'b' }, 1536)
  registry.add(metrics.taskSent, { broker: 'b', task: 't', queue: 'q' }, 3)
  expect(text(registry)).toBe(
    `# HELP redis_memory_used_bytes ${metrics.redisMemoryUsed.help}\n` +
      '# TYPE redis_memory_used_bytes gauge\nredis_memory_used_bytes{broker="b"} 1536\n' +
      `# HELP celery_task_sent_total ${metrics.taskSent.help}\n` +
      '# TYPE celery_task_sent_total counter\ncelery_task_sent_total{broker="b",task="t",queue="q"} 3\n',
  )
  expect(text(registry, 'openmetrics')).toBe(
    `# HELP redis_memory_used_bytes ${metrics.redisMemoryUsed.help}\n` +
      '# TYPE redis_memory_used_bytes gauge\n# UNIT redis_memory_used_bytes bytes\nredis_memory_used_bytes{broker="b"} 1536\n' +
      `# HELP celery_task_sent ${metrics.taskSent.help}\n` +
      '# TYPE celery_task_sent counter\ncelery_task_sent_total{broker="b",task="t",queue="q"} 3\n# EOF\n',
  )
})

test('bounds read 0.05, 1 and +Inf in text, and 1.0 in OpenMetrics', () => {
  const registry = createMetrics()
  registry.observe(metrics.taskRuntime, { broker: 'b', task: 't', queue: 'q' }, 0.7)
  const bounds = (exposition: string): readonly (string | undefined)[] =>
    parseExposition(exposition)
      .samples.filter(sample => sample.name.endsWith('_bucket'))
      .map(sample => sample.labels['le'])
  expect(bounds(text(registry)).slice(0, 5)).toEqual(['0.05', '0.1', '0.25', '0.5', '1'])
  expect(bounds(text(registry)).at(-1)).toBe('+Inf')
  expect(bounds(text(registry, 'openmetrics')).slice(3, 7)).toEqual(['0.5', '1.0', '2.5', '5.0'])
})

test('the format is negotiated as Prometheus asks for it', () => {
  expect(negotiateFormat(undefined)).toBe('text')
  expect(negotiateFormat('*/*')).toBe('text')
  expect(negotiateFormat('text/html,application/xhtml+xml,*/*;q=0.8')).toBe('text')
  const prometheus =
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2'
  expect(negotiateFormat(prometheus)).toBe('openmetrics')
  expect(negotiateFormat('text/plain;version=0.0.4;q=0.9,application/openmetrics-text;q=0.3')).toBe('text')
  expect(negotiateFormat('application/openmetrics-text;version=9.0.0')).toBe('text')
  expect(negotiateFormat('application/openmetrics-text;q=0')).toBe('text')
  expect(CONTENT_TYPES.openmetrics).toContain('version=1.0.0')
})

/** Every metric of the catalog with one series. */
function everything(): MetricsRegistry {
  const registry = createMetrics()
  for (const entry of Object.values(metrics)) {
    const labels = Object.fromEntries((entry as Metric).labels.map(name => [name, `some ${name}`]))
    if (entry.kind === 'histogram') registry.observe(entry, labels as never, 0.7)
    else if (entry.kind === 'counter') registry.add(entry, labels as never, 2)
    else registry.set(entry, labels as never, 1.5)
  }
  return registry
}

const promtool = (exposition: string): string => {
  try {
    return execFileSync('promtool', ['check', 'metrics'], {
      input: exposition,
      encoding: 'utf8',
      stdio: 'pipe',
    })
  } catch (error) {
    return String((error as { stderr?: unknown }).stderr)
  }
}

test('promtool finds nothing but two names of numbers that end in count', () => {
  const complaints = promtool(text(everything()))
    .split('\n')
    .filter(line => line !== '')
    .map(line => line.split(' ')[0])
  expect([...new Set(complaints)].sort()).toEqual(['celery_worker_count', 'celery_worker_prefetch_count'])
})
