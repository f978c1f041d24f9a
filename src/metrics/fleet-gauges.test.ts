import { expect, test } from 'vitest'
import { createFleet } from '../fleet/index.ts'
import {
  depths,
  heartbeat,
  offline,
  received,
  sent,
  serverState,
  started,
  succeeded,
  T0,
  W1,
} from '../fleet/events.case.ts'
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
    'celery_workers{broker="b", state="up"}': 1,
    'celery_workers{broker="b", state="suspect"}': 0,
    'celery_workers{broker="b", state="vanished"}': 0,
    'celery_workers{broker="b", state="stopped"}': 0,
    'celery_workers{broker="b", state="without_heartbeat"}': 0,
    'celery_worker_vanished_total{broker="b"}': 0,
    'celery_active_tasks{broker="b"}': 2,
    'celery_scheduled_tasks{broker="b"}': 1,
    'celery_reserved_tasks{broker="b"}': 3,
    [`celery_worker_up{broker="b", worker="${W1}"}`]: 1,
    [`celery_worker_concurrency{broker="b", worker="${W1}"}`]: 4,
    [`celery_worker_active_tasks{broker="b", worker="${W1}"}`]: 2,
    [`celery_worker_reserved_tasks{broker="b", worker="${W1}"}`]: 3,
    [`celery_worker_scheduled_tasks{broker="b", worker="${W1}"}`]: 1,
    [`celery_worker_processed_total{broker="b", worker="${W1}"}`]: 40,
    [`celery_worker_consuming{broker="b", worker="${W1}"}`]: 1,
    'celery_queue_depth{broker="b", queue="bills"}': 0,
    'celery_queue_consumers{broker="b", queue="bills"}': 1,
    'celery_queue_no_progress_seconds{broker="b", queue="bills"}': 0,
    'celery_queue_free_slots{broker="b", queue="bills"}': 2,
    'redis_memory_used_bytes{broker="b"}': 10,
    'redis_memory_max_bytes{broker="b"}': 0,
    'redis_maxclients{broker="b"}': 100,
    'celery_broker_memory_used_bytes{broker="b"}': 10,
    'celery_broker_memory_max_bytes{broker="b"}': 0,
    'celery_broker_maxmemory_policy_info{broker="b", policy="noeviction"}': 1,
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

test('when the broker is lost every number of the fleet is gone, but what was counted, and that the broker is not up', () => {
  const registry = createMetrics()
  const fleet = busyFleet()
  registry.collectFleet(fleet, CONNECTED, T0 + 3000)
  fleet.observe({ kind: 'broker-lost' }, T0 + 4000)
  registry.collectFleet(fleet, { connected: false }, T0 + 5000)
  const left = read(registry)
  expect(left['celery_broker_up{broker="b"}']).toBe(0)
  expect(Object.keys(left).filter(name => !name.startsWith('celeriac_'))).toEqual([
    'celery_worker_vanished_total{broker="b"}',
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
  // What was counted stays.
  expect(Object.keys(read(registry)).filter(name => name.includes('broker="b"'))).toEqual([
    'celery_worker_vanished_total{broker="b"}',
  ])
})

const ups = (registry: MetricsRegistry, state: string) =>
  read(registry)[`celery_workers{broker="b", state="${state}"}`]

test('workers are counted by state, and those without heartbeat among those that are there', () => {
  const registry = createMetrics()
  const fleet = busyFleet()
  for (let s = 0; s <= 40; s++) {
    const atMs = T0 + s * 1000
    if (s < 4) fleet.apply(heartbeat({ worker: 'gone@h', atMs }), atMs)
    fleet.apply(heartbeat({ worker: W1, atMs, processed: 40 }), atMs)
    fleet.apply(received(`t${s}`, { worker: 'mute@h', atMs }), atMs)
    fleet.tick(atMs)
  }
  fleet.apply(offline({ worker: W1, atMs: T0 + 40_001 }), T0 + 40_001)
  registry.record('b', fleet.drainChanges())
  registry.collectFleet(fleet, CONNECTED, T0 + 40_001)
  const states = ['up', 'suspect', 'vanished', 'stopped', 'without_heartbeat']
  expect(states.map(state => ups(registry, state))).toEqual([1, 0, 1, 1, 1])
  // The clean stop does not count.
  expect(read(registry)['celery_worker_vanished_total{broker="b"}']).toBe(1)
})

test('a worker that comes back and vanishes again is counted again', () => {
  const registry = createMetrics()
  const fleet = createFleet({ broker: 'b' })
  for (const startMs of [T0, T0 + 100_000]) {
    fleet.apply(heartbeat({ atMs: startMs }), startMs)
    fleet.tick(startMs + 40_000)
  }
  registry.record('b', fleet.drainChanges())
  registry.collectFleet(fleet, CONNECTED, T0 + 140_000)
  expect(read(registry)['celery_worker_vanished_total{broker="b"}']).toBe(2)
})

test('what the server says of itself is told under its own names, and as Redis only when it is one', () => {
  const registry = createMetrics()
  const told = (server: Parameters<typeof serverState>[0]) => {
    const fleet = createFleet({ broker: 'b' })
    fleet.observe({ kind: 'server', server: serverState(server) }, T0)
    registry.collectFleet(fleet, CONNECTED, T0)
    return Object.fromEntries(
      Object.entries(read(registry)).filter(([name]) => /^(celery_broker|redis)/.test(name)),
    )
  }
  const rabbit = {
    memoryUsedBytes: 7,
    unacked: 4,
    unackedOldestAgeSeconds: 9,
    unackedOverdue: 1,
    redeliveryTimeoutSeconds: 1800,
    alarms: ['disk', 'socket'],
    blockedConsumers: 0,
  }
  expect(told(rabbit)).toEqual({
    'celery_broker_up{broker="b"}': 1,
    'celery_broker_roundtrip_seconds{broker="b"}': 0.001,
    'celery_broker_memory_used_bytes{broker="b"}': 7,
    'celery_broker_unacked{broker="b"}': 4,
    'celery_broker_unacked_oldest_age_seconds{broker="b"}': 9,
    'celery_broker_unacked_overdue{broker="b"}': 1,
    'celery_broker_redelivery_timeout_seconds{broker="b"}': 1800,
    'celery_broker_blocked_consumers{broker="b"}': 0,
    ...Object.fromEntries(
      [
        ['memory', 0],
        ['disk', 1],
        ['loading', 0],
        ['readonly', 0],
        ['blocked', 0],
        ['socket', 1],
      ].map(([kind, value]) => [`celery_broker_alarm{broker="b", kind="${kind}"}`, value]),
    ),
  })
  // Alarms that cannot be told are not 0.
  expect(Object.keys(told({ alarms: null })).filter(name => name.includes('alarm'))).toEqual([])
})

test('a worker that consumes nothing, its prefetch count and its clock become numbers; unknown they do not', () => {
  const registry = createMetrics()
  const fleet = createFleet({ broker: 'b' })
  const of = (name: string) => read(registry)[`celery_worker_${name}{broker="b", worker="${W1}"}`]
  fleet.apply(heartbeat(), T0)
  registry.collectFleet(fleet, CONNECTED, T0)
  expect([of('consuming'), of('prefetch_count'), of('clock_skew_seconds')]).toEqual([
    undefined,
    undefined,
    undefined,
  ])
  for (let i = 1; i < 10; i++) fleet.apply(heartbeat({ atMs: T0 + i * 2000 - 500 }), T0 + i * 2000)
  const say = (method: 'stats' | 'active_queues', value: unknown) =>
    fleet.observe({ kind: 'inspect', method, replies: new Map([[W1, value]]) }, T0 + 19_000)
  say('stats', { pool: { 'max-concurrency': 4 }, prefetch_count: 16 })
  say('active_queues', [])
  registry.collectFleet(fleet, CONNECTED, T0 + 19_000)
  expect([of('consuming'), of('prefetch_count'), of('clock_skew_seconds')]).toEqual([0, 16, 0.5])
})

test('lost events are counted by worker, and leave when the fleet has forgotten the worker', () => {
  const registry = createMetrics()
  const fleet = createFleet({ broker: 'b' })
  const lost = (worker: string) => read(registry)[`celery_events_lost_total{broker="b", worker="${worker}"}`]
  for (const worker of ['a@h', 'b@h']) fleet.apply(heartbeat({ worker }), T0)
  registry.record('b', [
    { kind: 'events-lost', worker: 'a@h', count: 0 },
    { kind: 'events-lost', worker: 'b@h', count: 7 },
    { kind: 'events-lost', worker: 'b@h', count: 2 },
  ])
  registry.collectFleet(fleet, CONNECTED, T0)
  expect([lost('a@h'), lost('b@h')]).toEqual([0, 9])
  fleet.apply(offline({ worker: 'b@h', atMs: T0 + 1 }), T0 + 1)
  fleet.tick(T0 + 500_000)
  registry.collectFleet(fleet, CONNECTED, T0 + 500_000)
  expect(lost('b@h')).toBe(9)
  fleet.tick(T0 + 601_000)
  registry.collectFleet(fleet, CONNECTED, T0 + 601_000)
  expect(lost('b@h')).toBe(undefined)
  registry.forgetFleet('b')
  expect(lost('a@h')).toBe(undefined)
})

test('redeliveries, orphans and the longest-running task become numbers', () => {
  const registry = createMetrics()
  const fleet = createFleet({ broker: 'b' })
  fleet.apply(heartbeat(), T0)
  for (const id of ['a', 'c']) fleet.apply(sent(id), T0)
  for (const atMs of [T0, T0 + 10, T0 + 20]) fleet.apply(received('a', { atMs }), atMs)
  fleet.apply(received('c'), T0)
  for (const id of ['a', 'c']) fleet.apply(started(id, { atMs: T0 + 1000 }), T0 + 1000)
  registry.record('b', fleet.drainChanges())
  registry.collectFleet(fleet, CONNECTED, T0 + 5000)
  const told = () => {
    const all = read(registry)
    return {
      redelivered: all['celery_task_redelivered_total{broker="b", queue="bills", task="shop.bill"}'],
      most: all['celery_task_redeliveries_max{broker="b", queue="bills", task="shop.bill"}'],
      orphaned: all['celery_task_orphaned_total{broker="b", queue="bills", task="shop.bill"}'],
      oldest: all['celery_task_running_oldest_seconds{broker="b", task="shop.bill"}'],
    }
  }
  expect(told()).toEqual({ redelivered: 2, most: 2, orphaned: undefined, oldest: 4 })
  fleet.tick(T0 + 40_000)
  fleet.apply(succeeded('a', { atMs: T0 + 50_000, worker: 'w2@h' }), T0 + 50_000)
  registry.record('b', fleet.drainChanges())
  registry.collectFleet(fleet, CONNECTED, T0 + 50_000)
  // The counters stay.
  expect(told()).toEqual({ redelivered: 2, most: undefined, orphaned: 2, oldest: undefined })
})
