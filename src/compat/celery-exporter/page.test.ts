import { expect, test } from 'vitest'
import { HOUR, MINUTE, SECOND } from '../../base/index.ts'
import { createFleet } from '../../fleet/index.ts'
import { depths, heartbeat, offline, T0 } from '../../fleet/events.case.ts'
import { parseExposition } from '../../metrics/index.ts'
import { change, collected, fleetOf, newPage, read, text } from './page.case.ts'

/** What celery-exporter 0.12.2 and its master of August 2026 expose, read off a running one: name to type. */
const FAMILIES = {
  celery_task_sent_total: 'counter',
  celery_task_received_total: 'counter',
  celery_task_started_total: 'counter',
  celery_task_succeeded_total: 'counter',
  celery_task_failed_total: 'counter',
  celery_task_rejected_total: 'counter',
  celery_task_revoked_total: 'counter',
  celery_task_retried_total: 'counter',
  celery_worker_up: 'gauge',
  celery_worker_tasks_active: 'gauge',
  celery_task_runtime: 'histogram',
  celery_task_queue_wait_time: 'histogram',
  celery_queue_length: 'gauge',
  celery_active_consumer_count: 'gauge',
  celery_active_worker_count: 'gauge',
  celery_active_process_count: 'gauge',
}

const TASK_LABELS = 'name hostname queue_name'
/** Sample name to its label names. */
const LABELS = {
  ...Object.fromEntries(
    Object.keys(FAMILIES)
      .filter(name => name.startsWith('celery_task_') && name.endsWith('_total'))
      .map(name => [name, TASK_LABELS]),
  ),
  celery_task_failed_total: `${TASK_LABELS} exception`,
  celery_task_runtime_bucket: `${TASK_LABELS} le`,
  celery_task_runtime_sum: TASK_LABELS,
  celery_task_runtime_count: TASK_LABELS,
  celery_task_queue_wait_time_bucket: `${TASK_LABELS} le`,
  celery_task_queue_wait_time_sum: TASK_LABELS,
  celery_task_queue_wait_time_count: TASK_LABELS,
  celery_worker_up: 'hostname',
  celery_worker_tasks_active: 'hostname',
  celery_queue_length: 'queue_name',
  celery_active_consumer_count: 'queue_name',
  celery_active_worker_count: 'queue_name',
  celery_active_process_count: 'queue_name',
}

/** As prometheus_client writes them. */
const RUNTIME_BOUNDS = '0.005 0.01 0.025 0.05 0.075 0.1 0.25 0.5 0.75 1.0 2.5 5.0 7.5 10.0 +Inf'
const WAIT_BOUNDS = '0.05 0.1 0.25 0.5 1.0 2.5 5.0 10.0 30.0 60.0 120.0 300.0 600.0 1800.0 +Inf'

/** A fleet in which every metric has something to tell. */
function busy() {
  const fleet = fleetOf({ 'w1@a': { active: 1, slots: 4, queues: ['bills'] } })
  fleet.observe(depths({ bills: 3 }), T0 + 3000)
  return collected(fleet, [
    change('sent'),
    change('received'),
    change('started', { waitSeconds: 0.2 }),
    change('succeeded', { runtimeSeconds: 0.3 }),
    change('failed', { exception: 'ValueError' }),
    change('retried'),
    change('rejected'),
    change('revoked'),
  ])
}

test('names and types are those of celery-exporter, in its order, and nothing else', () => {
  expect(Object.fromEntries(parseExposition(text(busy())).types)).toEqual(FAMILIES)
  expect([...parseExposition(text(busy())).types.keys()]).toEqual(Object.keys(FAMILIES))
  const openMetrics = parseExposition(text(busy(), 'openmetrics'), true)
  expect([...openMetrics.types.keys()]).toEqual(
    Object.keys(FAMILIES).map(name => name.replace(/_total$/, '')),
  )
  expect([...openMetrics.help.keys()]).toEqual([...openMetrics.types.keys()])
  expect(openMetrics.units.size).toBe(0)
})

test('a page without any series has the headings, as celery-exporter has', () => {
  const page = collected(createFleet({ broker: 'b' }))
  expect(Object.fromEntries(parseExposition(text(page)).types)).toEqual(FAMILIES)
  expect(read(page)).toEqual({})
})

test('each metric carries exactly the labels that it has there', () => {
  const { samples } = parseExposition(text(busy()))
  const found = new Map<string, Set<string>>()
  for (const { name, labels } of samples)
    found.set(name, new Set([...(found.get(name) ?? []), ...Object.keys(labels)]))
  expect(Object.fromEntries([...found].map(([name, labels]) => [name, [...labels].sort()]))).toEqual(
    Object.fromEntries(Object.entries(LABELS).map(([name, labels]) => [name, labels.split(' ').sort()])),
  )
})

test.each([
  ['celery_task_runtime', RUNTIME_BOUNDS],
  ['celery_task_queue_wait_time', WAIT_BOUNDS],
])('the buckets of %s are its own, written as there', (name, bounds) => {
  const { samples } = parseExposition(text(busy()))
  const found = samples.filter(sample => sample.name === `${name}_bucket`).map(({ labels }) => labels['le'])
  expect(found.join(' ')).toBe(bounds)
})

test('a host is what follows the first @, and a task that a worker told of has all counters at 0', () => {
  const values = read(collected(createFleet({ broker: 'b' }), [change('received', { worker: 'a@b@c' })]))
  const of = 'name="shop.bill",hostname="b@c",queue_name="bills"'
  expect(values).toEqual({
    [`celery_task_received_total{${of}}`]: 1,
    [`celery_task_started_total{${of}}`]: 0,
    [`celery_task_succeeded_total{${of}}`]: 0,
    [`celery_task_failed_total{${of}}`]: 0,
    [`celery_task_rejected_total{${of}}`]: 0,
    [`celery_task_revoked_total{${of}}`]: 0,
    [`celery_task_retried_total{${of}}`]: 0,
  })
})

test('who sends is told by its host alone, and makes no series of what workers do', () => {
  const sent = [
    change('sent', { worker: 'gen1@web' }),
    change('sent', { worker: 'gen2@web' }),
    change('sent', { worker: 'cron' }),
  ]
  expect(read(collected(createFleet({ broker: 'b' }), sent))).toEqual({
    'celery_task_sent_total{name="shop.bill",hostname="web",queue_name="bills"}': 2,
    'celery_task_sent_total{name="shop.bill",hostname="cron",queue_name="bills"}': 1,
  })
})

test('failures are told by class, and the one without class stays at 0', () => {
  const failed = [
    change('failed', { exception: 'ValueError' }),
    change('failed', { exception: 'ValueError' }),
    change('failed', { exception: 'unknown' }),
  ]
  const of = 'name="shop.bill",hostname="a",queue_name="bills"'
  expect(read(collected(createFleet({ broker: 'b' }), failed))).toMatchObject({
    [`celery_task_failed_total{${of}}`]: 0,
    [`celery_task_failed_total{${of},exception="ValueError"}`]: 2,
    [`celery_task_failed_total{${of},exception="UnknownException"}`]: 1,
  })
})

test('hosts become generic when that is asked for, each side by its own option', () => {
  const changes = [
    change('sent'),
    change('started', { waitSeconds: 1 }),
    change('succeeded', { runtimeSeconds: 1 }),
  ]
  const hosts = (options: object): unknown => {
    const values = Object.keys(read(collected(createFleet({ broker: 'b' }), changes, options)))
    const of = (name: string): string | undefined =>
      /hostname="(\w+)"/.exec(values.find(key => key.startsWith(name)) ?? '')?.[1]
    return [
      of('celery_task_sent'),
      of('celery_task_started'),
      of('celery_task_runtime'),
      of('celery_task_queue_wait'),
    ]
  }
  expect(hosts({})).toEqual(['web', 'a', 'a', 'a'])
  expect(hosts({ genericSentHostname: true })).toEqual(['generic', 'a', 'a', 'a'])
  expect(hosts({ genericWorkerHostname: true })).toEqual(['web', 'generic', 'generic', 'generic'])
})

test('a queue that is not known is never guessed; what the user says of it is one with the queue of that name', () => {
  const changes = [change('received', { queue: 'unknown' }), change('received', { queue: 'celery' })]
  const received = (queue: string): string =>
    `celery_task_received_total{name="shop.bill",hostname="a",queue_name="${queue}"}`
  expect(read(collected(createFleet({ broker: 'b' }), changes))).toMatchObject({
    [received('unknown')]: 1,
    [received('celery')]: 1,
  })
  expect(read(collected(createFleet({ broker: 'b' }), changes, { defaultQueue: 'celery' }))).toMatchObject({
    [received('celery')]: 2,
  })
})

test('a wait told after the start belongs to the host that ran the task', () => {
  const page = collected(createFleet({ broker: 'b' }), [
    { kind: 'wait', task: 'shop.bill', queue: 'bills', worker: 'w1@a', waitSeconds: 3 },
  ])
  expect(read(page)).toMatchObject({
    'celery_task_queue_wait_time_sum{name="shop.bill",hostname="a",queue_name="bills"}': 3,
  })
})

test('prefix, buckets and static labels are those of the options', () => {
  const page = collected(fleetOf({ 'w1@a': {} }), [change('succeeded', { runtimeSeconds: 3 })], {
    metricPrefix: 'jobs_',
    runtimeBuckets: [2, 4],
    staticLabels: { env: 'a"b' },
  })
  const of = 'name="shop.bill",hostname="a",queue_name="bills",env="a"b"'
  expect(read(page)).toMatchObject({
    'jobs_worker_up{hostname="a",env="a"b"}': 1,
    [`jobs_task_runtime_bucket{${of},le="2.0"}`]: 0,
    [`jobs_task_runtime_bucket{${of},le="4.0"}`]: 1,
    [`jobs_task_runtime_bucket{${of},le="+Inf"}`]: 1,
  })
})

test.each([
  [{ metricPrefix: '1a' }, /metric prefix/],
  [{ runtimeBuckets: [] }, /buckets of run times/],
  [{ waitBuckets: [2, 1] }, /ascending/],
  [{ staticLabels: { 'a-b': 'x' } }, /no label name/],
  [{ staticLabels: { hostname: 'x' } }, /taken already/],
])('wrong options %j are refused', (options, message) => {
  expect(() => newPage(options)).toThrow(message)
})

test('the workers of one host are told as one: up while one is, their tasks summed', () => {
  const fleet = fleetOf({ 'w1@a': { active: 2 }, 'w2@a': { active: 3 }, 'w1@z': { active: 1 } })
  const page = newPage()
  page.collect(fleet, true, T0 + 3000)
  const up = (host: string): string => `celery_worker_up{hostname="${host}"}`
  const active = (host: string): string => `celery_worker_tasks_active{hostname="${host}"}`
  expect(read(page)).toEqual({ [up('a')]: 1, [up('z')]: 1, [active('a')]: 5, [active('z')]: 1 })

  fleet.apply(offline({ worker: 'w1@a', atMs: T0 + 4000 }), T0 + 4000)
  page.collect(fleet, true, T0 + 4000)
  expect(read(page)).toMatchObject({ [up('a')]: 1, [active('a')]: 3 })

  fleet.apply(offline({ worker: 'w2@a', atMs: T0 + 5000 }), T0 + 5000)
  page.collect(fleet, true, T0 + 5000)
  expect(read(page)).toMatchObject({ [up('a')]: 0, [active('a')]: 0 })
})

test('a silent worker is up for the time-out and its tasks are unknown; then it is down, and then it is forgotten', () => {
  const fleet = fleetOf({ 'w1@a': { active: 2 } })
  const page = newPage({ workerTimeoutMs: 5 * MINUTE, purgeAfterMs: 10 * MINUTE })
  page.record('b', [change('received')])
  const at = (ms: number) => {
    fleet.tick(T0 + ms)
    page.collect(fleet, true, T0 + ms)
    return read(page)
  }
  at(3000)
  const during = at(2 * MINUTE)
  expect(during['celery_worker_up{hostname="a"}']).toBe(1)
  expect(during['celery_worker_tasks_active{hostname="a"}']).toBeUndefined()
  expect(at(5 * MINUTE + 4 * SECOND)).toMatchObject({
    'celery_worker_up{hostname="a"}': 0,
    'celery_worker_tasks_active{hostname="a"}': 0,
    'celery_task_received_total{name="shop.bill",hostname="a",queue_name="bills"}': 1,
  })
  expect(at(10 * MINUTE + 4 * SECOND)).toEqual({})
  expect(at(11 * MINUTE)).toEqual({})
})

test('without time-outs silence changes nothing, and a goodbye does', () => {
  const fleet = fleetOf({ 'w1@a': {}, 'w2@z': {} })
  const page = newPage({ workerTimeoutMs: 0, purgeAfterMs: 0 })
  fleet.apply(offline({ worker: 'w2@z', atMs: T0 + 4000 }), T0 + 4000)
  for (let ms = 0; ms < 3 * HOUR; ms += MINUTE) {
    fleet.tick(T0 + ms)
    page.collect(fleet, true, T0 + ms)
  }
  expect(read(page)).toMatchObject({
    'celery_worker_up{hostname="a"}': 1,
    'celery_worker_up{hostname="z"}': 0,
  })
})

test('a host that comes back after it was forgotten begins anew', () => {
  const fleet = fleetOf({ 'w1@a': {} })
  const page = newPage()
  page.record('b', [change('received'), change('received')])
  page.collect(fleet, true, T0)
  fleet.tick(T0 + 20 * MINUTE)
  page.collect(fleet, true, T0 + 20 * MINUTE)
  fleet.apply(heartbeat({ worker: 'w1@a', atMs: T0 + 21 * MINUTE }), T0 + 21 * MINUTE)
  page.record('b', [change('received')])
  page.collect(fleet, true, T0 + 21 * MINUTE)
  expect(read(page)).toMatchObject({
    'celery_worker_up{hostname="a"}': 1,
    'celery_task_received_total{name="shop.bill",hostname="a",queue_name="bills"}': 1,
  })
})

test('an outage of the broker ends no worker, and nothing is told while it lasts', () => {
  const fleet = fleetOf({ 'w1@a': { queues: ['bills'] } })
  const page = newPage()
  page.record('b', [change('received')])
  page.collect(fleet, true, T0 + 3000)
  fleet.observe({ kind: 'broker-lost' }, T0 + 4000)
  page.collect(fleet, false, T0 + 4000)
  expect(page.expose('text')).toBeUndefined()
  page.collect(fleet, false, T0 + HOUR)
  fleet.observe({ kind: 'broker-connected' }, T0 + HOUR)
  page.collect(fleet, true, T0 + HOUR)
  const values = read(page)
  expect(values['celery_worker_up{hostname="a"}']).toBeUndefined()
  expect(values['celery_task_received_total{name="shop.bill",hostname="a",queue_name="bills"}']).toBe(1)
  fleet.apply(heartbeat({ worker: 'w1@a', atMs: T0 + HOUR + 1000 }), T0 + HOUR + 1000)
  page.collect(fleet, true, T0 + HOUR + 1000)
  expect(read(page)['celery_worker_up{hostname="a"}']).toBe(1)
})

test('queues: all priorities are counted, an empty one is 0, slots are those of every kind of pool', () => {
  const fleet = fleetOf({
    'w1@a': { slots: 4, queues: ['bills', 'mail'] },
    'w2@a': { slots: 100, queues: ['mail'] },
    'w3@a': { queues: ['odd'] },
  })
  fleet.observe(depths({ bills: 0, mail: 8, odd: 1, nobody: 5 }), T0 + 3000)
  expect(read(collected(fleet))).toMatchObject({
    'celery_queue_length{queue_name="bills"}': 0,
    'celery_queue_length{queue_name="mail"}': 8,
    'celery_queue_length{queue_name="nobody"}': 5,
    'celery_active_worker_count{queue_name="mail"}': 2,
    'celery_active_worker_count{queue_name="nobody"}': 0,
    'celery_active_consumer_count{queue_name="mail"}': 2,
    'celery_active_process_count{queue_name="bills"}': 4,
    'celery_active_process_count{queue_name="mail"}': 104,
    'celery_active_process_count{queue_name="nobody"}': 0,
  })
  // Nobody said how large the pool of w3 is.
  expect(read(collected(fleet))).not.toHaveProperty(['celery_active_process_count{queue_name="odd"}'])
})

test('several brokers are told apart by a label, and one without it; the page is there while one of them is', () => {
  const page = newPage({}, ['eu', 'us'])
  const [eu, us] = [fleetOf({ 'w1@a': {} }, 'eu'), fleetOf({ 'w1@a': {} }, 'us')]
  page.record('eu', [change('sent')])
  page.record('us', [change('sent'), change('sent')])
  page.collect(eu, true, T0 + 3000)
  page.collect(us, false, T0 + 3000)
  expect(read(page)).toEqual({
    'celery_task_sent_total{name="shop.bill",hostname="web",queue_name="bills",broker="eu"}': 1,
    'celery_task_sent_total{name="shop.bill",hostname="web",queue_name="bills",broker="us"}': 2,
    'celery_worker_up{hostname="a",broker="eu"}': 1,
    'celery_worker_tasks_active{hostname="a",broker="eu"}': 0,
  })
  expect(() => newPage({ staticLabels: { broker: 'x' } }, ['eu', 'us'])).toThrow(/taken already/)
  expect(() => newPage({ staticLabels: { broker: 'x' } }, ['eu'])).not.toThrow()
})

test('when there are too many hosts they are told as one, so that no count is lost; when there are too many tasks, that is said', () => {
  const page = newPage({ maxTaskSeries: 2 })
  const sent = (host: string, task = 't') => change('sent', { worker: `gen1@${host}`, task })
  page.record(
    'b',
    ['h1', 'h2', 'h3', 'h4', 'h1'].map(host => sent(host)),
  )
  page.collect(createFleet({ broker: 'b' }), true, T0)
  const of = (host: string): string =>
    `celery_task_sent_total{name="t",hostname="${host}",queue_name="bills"}`
  expect(read(page)).toEqual({ [of('h1')]: 2, [of('h2')]: 1, [of('generic')]: 2 })
  expect(page.dropped()).toBe(0)
  page.record('b', [sent('h5', 't2'), sent('h5', 't3'), sent('h6', 't3')])
  expect(Object.values(read(page)).reduce((sum, value) => sum + value, 0)).toBe(6)
  expect(page.dropped()).toBe(2)
})

test('exceptions beyond the bound are told as one class', () => {
  const page = newPage({ maxTaskSeries: 2 })
  page.record(
    'b',
    ['A', 'B', 'C', 'D', 'A'].map(exception => change('failed', { exception })),
  )
  page.collect(createFleet({ broker: 'b' }), true, T0)
  const of = (exception: string): string =>
    `celery_task_failed_total{name="shop.bill",hostname="a",queue_name="bills",exception="${exception}"}`
  expect(read(page)).toMatchObject({ [of('A')]: 2, [of('B')]: 1, [of('UnknownException')]: 2 })
})

test('a fleet of pods that come and go leaves as many series as there are pods', () => {
  const fleet = createFleet({ broker: 'b' })
  const page = newPage()
  fleet.observe({ kind: 'broker-connected' }, T0)
  for (let i = 0; i < 500; i++) {
    const atMs = T0 + i * MINUTE
    fleet.apply(heartbeat({ worker: `w@pod-${i}`, atMs }), atMs)
    page.record('b', [change('received', { worker: `w@pod-${i}` })])
    fleet.tick(atMs)
    page.collect(fleet, true, atMs)
  }
  expect(new Set(text(page).match(/pod-\d+/g)).size).toBe(11)
})
