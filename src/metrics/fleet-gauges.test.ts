import { expect, test } from 'vitest'
import { createFleet } from '../fleet/index.ts'
import { depths, heartbeat, offline, serverState, T0, W1 } from '../fleet/events.case.ts'
import { createMetrics, type MetricsRegistry } from './index.ts'

const CONNECTED = { connected: true }

const read = (registry: MetricsRegistry): Readonly<Record<string, number>> =>
  Object.fromEntries(Array.from(registry.samples(), ({ labels, value }) => [labels.toString(), value]))

/** A connected fleet with one worker, asked everything, and one queue. */
function busyFleet() {
  const fleet = createFleet({ broker: 'b' })
  fleet.observe({ kind: 'broker-connected' }, T0)
  fleet.apply(heartbeat({ active: 2, processed: 40 }), T0)
  const say = (
    method: 'stats' | 'active_queues' | 'reserved' | 'scheduled',
    value: unknown,
    atMs: number,
  ): void =>
    fleet.observe({ kind: 'inspect', method, replies: new Map([[W1, value]]), askedAtMs: atMs }, atMs)
  say('stats', { pool: { 'max-concurrency': 4 } }, T0 + 3000)
  say('active_queues', [{ name: 'bills' }], T0 + 3000)
  say('reserved', [{}, {}, {}], T0 + 3000)
  say('scheduled', [{}], T0 + 3000)
  fleet.observe(depths({ bills: 0 }), T0 + 3000)
  fleet.observe(
    {
      kind: 'server',
      server: serverState({
        version: '7',
        memoryUsedBytes: 10,
        memoryMaxBytes: 0,
        connectedClients: null,
        maxClients: 100,
        evictedKeysTotal: 3,
        maxmemoryPolicy: 'noeviction',
        roundTripSeconds: 0.001,
      }),
    },
    T0 + 3000,
  )
  return fleet
}

test('everything known of a fleet becomes a number, and nothing that is not', () => {
  const registry = createMetrics()
  registry.collectFleet(busyFleet(), CONNECTED, T0 + 3000)
  expect(read(registry)).toEqual({
    'celery_worker_count{broker="b"}': 1,
    'celery_active_tasks{broker="b"}': 2,
    'celery_scheduled_tasks{broker="b"}': 1,
    'celery_reserved_tasks{broker="b"}': 3,
    [`celery_worker_up{broker="b", worker="${W1}"}`]: 1,
    [`celery_worker_concurrency{broker="b", worker="${W1}"}`]: 4,
    [`celery_worker_active_tasks{broker="b", worker="${W1}"}`]: 2,
    [`celery_worker_reserved_tasks{broker="b", worker="${W1}"}`]: 3,
    [`celery_worker_scheduled_tasks{broker="b", worker="${W1}"}`]: 1,
    [`celery_worker_processed_total{broker="b", worker="${W1}"}`]: 40,
    'celery_queue_depth{broker="b", queue="bills"}': 0,
    'celery_queue_consumers{broker="b", queue="bills"}': 1,
    'redis_memory_used_bytes{broker="b"}': 10,
    'redis_memory_max_bytes{broker="b"}': 0,
    'redis_maxclients{broker="b"}': 100,
    'celery_broker_evicted_keys_total{broker="b"}': 3,
    'celery_broker_roundtrip_seconds{broker="b"}': 0.001,
    'celery_broker_up{broker="b"}': 1,
    'celeriac_source_up{broker="b", source="events"}': 1,
    'celeriac_source_up{broker="b", source="inspect"}': 1,
    'celeriac_source_up{broker="b", source="broker"}': 1,
    'celeriac_source_last_success_timestamp_seconds{broker="b", source="events"}': T0 / 1000,
    'celeriac_source_last_success_timestamp_seconds{broker="b", source="inspect"}': T0 / 1000 + 3,
    'celeriac_source_last_success_timestamp_seconds{broker="b", source="broker"}': T0 / 1000 + 3,
    'celeriac_evictions_total{broker="b", table="tasks"}': 0,
    'celeriac_evictions_total{broker="b", table="workers"}': 0,
    'celeriac_evictions_total{broker="b", table="queues"}': 0,
  })
})

test('when the broker is lost every number of the fleet is gone, none is 0 but that the broker is up', () => {
  const registry = createMetrics()
  const fleet = busyFleet()
  registry.collectFleet(fleet, CONNECTED, T0 + 3000)
  fleet.observe({ kind: 'broker-lost' }, T0 + 4000)
  registry.collectFleet(fleet, { connected: false }, T0 + 5000)
  const left = read(registry)
  expect(left['celery_broker_up{broker="b"}']).toBe(0)
  expect(Object.keys(left).filter(name => !name.startsWith('celeriac_'))).toEqual([
    'celery_broker_up{broker="b"}',
  ])
})

test('right after its return a worker not heard again is neither up nor down', () => {
  const registry = createMetrics()
  const fleet = busyFleet()
  fleet.observe({ kind: 'broker-lost' }, T0 + 4000)
  fleet.observe({ kind: 'broker-connected' }, T0 + 5000)
  registry.collectFleet(fleet, CONNECTED, T0 + 5000)
  const up = `celery_worker_up{broker="b", worker="${W1}"}`
  expect(read(registry)[up]).toBe(undefined)
  fleet.apply(heartbeat({ atMs: T0 + 6000 }), T0 + 6000)
  registry.collectFleet(fleet, CONNECTED, T0 + 6000)
  expect(read(registry)).toMatchObject({ [up]: 1, 'celery_worker_count{broker="b"}': 1 })
})

test('a worker that stopped is 0 until it is forgotten, then its series are free', () => {
  const registry = createMetrics({ maxSeriesPerMetric: 1 })
  const fleet = busyFleet()
  registry.collectFleet(fleet, CONNECTED, T0 + 3000)
  fleet.apply(offline({ atMs: T0 + 4000 }), T0 + 4000)
  registry.collectFleet(fleet, CONNECTED, T0 + 5000)
  const of = (worker: string) => `celery_worker_up{broker="b", worker="${worker}"}`
  expect(read(registry)[of(W1)]).toBe(0)
  expect(read(registry)[`celery_worker_concurrency{broker="b", worker="${W1}"}`]).toBe(undefined)
  const laterMs = T0 + 700_000
  fleet.tick(laterMs)
  fleet.apply(heartbeat({ worker: 'w2@hostA', atMs: laterMs }), laterMs)
  registry.collectFleet(fleet, CONNECTED, laterMs)
  expect(read(registry)[of(W1)]).toBe(undefined)
  // One series only fits: the old one went before the new one came, and nothing was dropped.
  expect(read(registry)[of('w2@hostA')]).toBe(1)
  expect(read(registry)['celeriac_series_dropped_total{metric="celery_worker_up"}']).toBe(undefined)
})

test('fleets of two brokers do not touch each other, and one may be forgotten', () => {
  const registry = createMetrics()
  const other = createFleet({ broker: 'other' })
  registry.collectFleet(busyFleet(), CONNECTED, T0 + 3000)
  registry.collectFleet(other, { connected: false }, T0 + 3000)
  expect(read(registry)).toMatchObject({
    'celery_broker_up{broker="b"}': 1,
    'celery_broker_up{broker="other"}': 0,
  })
  registry.forgetFleet('b')
  expect(
    Object.keys(read(registry)).every(
      name => name.includes('broker="other"') || name.startsWith('celeriac_'),
    ),
  ).toBe(true)
  expect(Object.keys(read(registry)).some(name => name.includes('broker="b"'))).toBe(false)
})
