/** What the fleet says, and when it says that it does not know. */
import { expect, test } from 'vitest'
import type { Fleet, InspectMethod, SourceName } from './contract.ts'
import { createFleet } from './fleet.ts'
import {
  depths,
  heartbeat,
  offline,
  online,
  received,
  sent,
  serverState,
  started,
  T0,
  W1,
} from './events.case.ts'

const W2 = 'w2@hostA'

const round = (
  fleet: Fleet,
  method: InspectMethod,
  replies: Readonly<Record<string, unknown>>,
  atMs: number,
): void =>
  fleet.observe({ kind: 'inspect', method, replies: new Map(Object.entries(replies)), askedAtMs: atMs }, atMs)

const STATS = { pid: 1, pool: { 'max-concurrency': 4 } }

const source = (fleet: Fleet, name: SourceName, nowMs: number) =>
  fleet.sources(nowMs).find(view => view.source === name)

/** Beats of the named workers every 2 s, with ticks, from one time to another. */
function beat(fleet: Fleet, workers: readonly string[], fromMs: number, toMs: number): void {
  for (let atMs = fromMs; atMs <= toMs; atMs += 2000) {
    for (const worker of workers) fleet.apply(heartbeat({ worker, atMs }), atMs)
    fleet.tick(atMs)
  }
}

test('before anything was heard nothing is known', () => {
  const fleet = createFleet({ queues: ['bills'] })
  expect(fleet.totals(T0)).toEqual({
    workers: null,
    activeTasks: null,
    scheduledTasks: null,
    reservedTasks: null,
    poolSlots: null,
  })
  expect(fleet.queues(T0)).toMatchObject([
    { queue: 'bills', depth: null, depthAtMs: null, consumers: null, oldestTaskAgeSeconds: null },
  ])
  expect(fleet.sources(T0).map(view => view.state)).toEqual(['waiting', 'waiting', 'waiting'])
})

test('the number of workers is told once a round of questions ended and everyone had time to beat, not at the first heartbeat', () => {
  const fleet = createFleet()
  fleet.observe({ kind: 'broker-connected' }, T0)
  fleet.apply(heartbeat(), T0 + 300)
  round(fleet, 'stats', { [W1]: STATS }, T0 + 400)
  fleet.tick(T0 + 2000)
  expect(fleet.totals(T0 + 2000).workers).toBe(null)
  fleet.apply(heartbeat({ worker: W2, atMs: T0 + 2100 }), T0 + 2100)
  fleet.tick(T0 + 3000)
  expect(fleet.totals(T0 + 3000)).toMatchObject({ workers: 2, poolSlots: null })
})

test('without any answer it is told after the grace', () => {
  const fleet = createFleet()
  fleet.observe({ kind: 'broker-connected' }, T0)
  beat(fleet, [W1], T0, T0 + 34_000)
  expect(fleet.totals(T0 + 34_000).workers).toBe(null)
  beat(fleet, [W1], T0 + 36_000, T0 + 36_000)
  expect(fleet.totals(T0 + 36_000).workers).toBe(1)
})

test('nobody is there only when a round of questions was answered by nobody', () => {
  const fleet = createFleet()
  fleet.observe({ kind: 'broker-connected' }, T0)
  fleet.tick(T0 + 60_000)
  expect(fleet.totals(T0 + 60_000).workers).toBe(null)
  fleet.observe({ kind: 'inspect-failed', method: 'stats' }, T0 + 60_000)
  expect(fleet.totals(T0 + 60_000).workers).toBe(null)
  round(fleet, 'stats', {}, T0 + 61_000)
  expect(fleet.totals(T0 + 61_000)).toEqual({
    workers: 0,
    activeTasks: 0,
    scheduledTasks: 0,
    reservedTasks: 0,
    poolSlots: 0,
  })
})

test('or when all who were known stopped or vanished while we listened', () => {
  const fleet = createFleet()
  fleet.observe({ kind: 'broker-connected' }, T0)
  beat(fleet, [W1, W2], T0, T0 + 40_000)
  fleet.apply(offline({ worker: W2, atMs: T0 + 41_000 }), T0 + 41_000)
  fleet.tick(T0 + 71_000)
  expect(fleet.totals(T0 + 71_000).workers).toBe(0)
  fleet.tick(T0 + 2_000_000)
  expect(fleet.workers(T0)).toEqual([])
  expect(fleet.totals(T0 + 2_000_000).workers).toBe(0)
})

test('while the broker is lost everything is unknown, and after its return until those known before were heard', () => {
  const fleet = createFleet({ queues: ['bills'] })
  fleet.observe({ kind: 'broker-connected' }, T0)
  beat(fleet, [W1, W2], T0, T0 + 40_000)
  round(fleet, 'active_queues', { [W1]: [{ name: 'bills' }], [W2]: [{ name: 'bills' }] }, T0 + 40_000)
  fleet.observe(depths({ bills: 7 }), T0 + 40_000)
  fleet.observe({ kind: 'server', server: SERVER }, T0 + 40_000)
  expect(fleet.totals(T0 + 40_000).workers).toBe(2)
  expect(fleet.queues(T0 + 40_000)).toMatchObject([{ depth: 7, consumers: 2 }])

  fleet.observe({ kind: 'broker-lost' }, T0 + 41_000)
  fleet.tick(T0 + 100_000)
  expect(fleet.totals(T0 + 100_000).workers).toBe(null)
  expect(fleet.queues(T0 + 41_000)).toMatchObject([{ depth: null, consumers: null }])
  expect(fleet.server(T0 + 41_000)).toBe(null)
  expect(fleet.sources(T0 + 41_000).map(view => view.state)).toEqual(['blind', 'blind', 'blind'])

  fleet.observe({ kind: 'broker-connected' }, T0 + 100_000)
  fleet.apply(online({ atMs: T0 + 101_000 }), T0 + 101_000)
  round(fleet, 'stats', { [W1]: STATS }, T0 + 102_000)
  fleet.tick(T0 + 110_000)
  expect(fleet.totals(T0 + 110_000).workers).toBe(null)
  expect(fleet.workers(T0 + 110_000).map(view => view.uncertain)).toEqual([undefined, true])
  fleet.apply(online({ worker: W2, atMs: T0 + 115_000 }), T0 + 115_000)
  expect(fleet.totals(T0 + 115_000).workers).toBe(2)
})

test('after its return the grace ends the wait for a worker that did not come back', () => {
  const fleet = createFleet()
  fleet.observe({ kind: 'broker-connected' }, T0)
  beat(fleet, [W1, W2], T0, T0 + 40_000)
  fleet.observe({ kind: 'broker-lost' }, T0 + 41_000)
  fleet.observe({ kind: 'broker-connected' }, T0 + 50_000)
  beat(fleet, [W1], T0 + 50_000, T0 + 84_000)
  expect(fleet.totals(T0 + 84_000).workers).toBe(null)
  beat(fleet, [W1], T0 + 86_000, T0 + 86_000)
  expect(fleet.totals(T0 + 86_000).workers).toBe(1)
})

test('the grace outlasts the 32 s that Celery waits between two attempts to reach its broker, however short the time-out', () => {
  const fleet = createFleet({ workerTimeoutMs: 10_000 })
  fleet.observe({ kind: 'broker-connected' }, T0)
  beat(fleet, [W1, W2], T0, T0 + 40_000)
  fleet.observe({ kind: 'broker-lost' }, T0 + 41_000)
  fleet.observe({ kind: 'broker-connected' }, T0 + 50_000)
  beat(fleet, [], T0 + 50_000, T0 + 83_000)
  expect(fleet.totals(T0 + 83_000).workers).toBe(null)
  beat(fleet, [W1, W2], T0 + 84_000, T0 + 84_000)
  expect(fleet.totals(T0 + 84_000).workers).toBe(2)
})

test('a time-out longer than that is the grace', () => {
  const fleet = createFleet({ workerTimeoutMs: 60_000 })
  fleet.observe({ kind: 'broker-connected' }, T0)
  beat(fleet, [W1], T0, T0 + 58_000)
  expect(fleet.totals(T0 + 58_000).workers).toBe(null)
  beat(fleet, [W1], T0 + 60_000, T0 + 60_000)
  expect(fleet.totals(T0 + 60_000).workers).toBe(1)
})

test('lost again before everyone was back, those missing are still awaited', () => {
  const fleet = createFleet()
  fleet.observe({ kind: 'broker-connected' }, T0)
  beat(fleet, [W1, W2], T0, T0 + 40_000)
  for (const atMs of [T0 + 41_000, T0 + 51_000]) {
    fleet.observe({ kind: 'broker-lost' }, atMs)
    fleet.observe({ kind: 'broker-connected' }, atMs + 5000)
    fleet.apply(heartbeat({ atMs: atMs + 6000 }), atMs + 6000)
  }
  fleet.tick(T0 + 60_000)
  expect(fleet.totals(T0 + 60_000).workers).toBe(null)
  fleet.apply(heartbeat({ worker: W2, atMs: T0 + 61_000 }), T0 + 61_000)
  expect(fleet.totals(T0 + 61_000).workers).toBe(2)
})

test('a sum is unknown while one worker that is up did not say', () => {
  const fleet = createFleet()
  fleet.observe({ kind: 'broker-connected' }, T0)
  beat(fleet, [W1, W2], T0, T0 + 30_000)
  round(fleet, 'stats', { [W1]: STATS }, T0 + 30_000)
  expect(fleet.totals(T0 + 30_000)).toMatchObject({ workers: 2, activeTasks: 0, poolSlots: null })
  round(fleet, 'stats', { [W1]: STATS, [W2]: STATS }, T0 + 30_000)
  round(fleet, 'reserved', { [W1]: [{}], [W2]: [{}, {}] }, T0 + 30_000)
  expect(fleet.totals(T0 + 30_000)).toMatchObject({ poolSlots: 8, reservedTasks: 3, scheduledTasks: null })
  // An answer grows too old to be told.
  beat(fleet, [W1, W2], T0 + 32_000, T0 + 76_000)
  expect(fleet.totals(T0 + 76_000)).toMatchObject({ poolSlots: 8, reservedTasks: null })
})

test('a depth that was not read again for three intervals is unknown', () => {
  const fleet = createFleet({ collectIntervalMs: 5000 })
  fleet.observe(depths({ bills: 0 }), T0)
  expect(fleet.queues(T0 + 15_000)).toMatchObject([{ depth: 0, depthAtMs: T0 }])
  expect(fleet.queues(T0 + 15_001)).toMatchObject([{ depth: null, depthAtMs: null }])
})

test('a queue has no consumers only when every worker was asked', () => {
  const fleet = createFleet({ queues: ['bills', 'gdpr'] })
  fleet.observe({ kind: 'broker-connected' }, T0)
  beat(fleet, [W1, W2], T0, T0 + 36_000)
  const consumers = () => fleet.queues(T0 + 36_000).map(view => view.consumers)
  expect(consumers()).toEqual([null, null])
  round(fleet, 'active_queues', { [W1]: [{ name: 'bills' }] }, T0 + 36_000)
  expect(consumers()).toEqual([1, null])
  round(fleet, 'active_queues', { [W2]: [] }, T0 + 36_000)
  expect(consumers()).toEqual([1, 0])
})

test('the oldest waiting task is told on our clock, leaves when it starts, and is unknown where no task-sent was seen', () => {
  const fleet = createFleet({ queues: ['emails'] })
  const age = (nowMs: number) =>
    fleet.queues(nowMs).find(view => view.queue === 'bills')?.oldestTaskAgeSeconds
  fleet.apply(sent('a', { atMs: T0 - 3_600_000 }), T0)
  fleet.apply(sent('b', { atMs: T0 }), T0 + 3000)
  expect(age(T0 + 10_000)).toBe(10)
  fleet.apply(received('a', { atMs: T0 + 10_000 }), T0 + 10_000)
  expect(age(T0 + 11_000)).toBe(11)
  fleet.apply(started('a', { atMs: T0 + 11_000 }), T0 + 11_000)
  expect(age(T0 + 11_000)).toBe(8)
  fleet.apply(started('b', { atMs: T0 + 11_000 }), T0 + 11_000)
  expect(age(T0 + 11_000)).toBe(0)
  expect(fleet.queues(T0 + 11_000)[0]).toMatchObject({ queue: 'emails', oldestTaskAgeSeconds: null })
})

test('a task with an ETA waits from its ETA on', () => {
  const fleet = createFleet()
  const at = (ms: number) => new Date(T0 + ms).toISOString()
  const age = (nowMs: number) => fleet.queues(nowMs)[0]?.oldestTaskAgeSeconds
  fleet.apply(sent('late', { eta: at(60_000) }), T0)
  fleet.apply(sent('soon', { eta: at(20_000) }), T0)
  expect(age(T0 + 10_000)).toBe(0)
  expect(age(T0 + 30_000)).toBe(10)
  fleet.apply(started('soon', { atMs: T0 + 30_000 }), T0 + 30_000)
  expect(age(T0 + 30_000)).toBe(0)
  expect(age(T0 + 61_000)).toBe(1)
})

test('what seems to wait although the queue is empty and no worker holds anything was started unseen', () => {
  const fleet = createFleet()
  fleet.observe({ kind: 'broker-connected' }, T0)
  beat(fleet, [W1], T0, T0 + 4000)
  fleet.apply(sent('a'), T0 + 5000)
  const empty = (atMs: number) => fleet.observe(depths({ bills: 0 }), atMs)
  const nothingHeld = (atMs: number) => {
    round(fleet, 'reserved', { [W1]: [] }, atMs)
    round(fleet, 'scheduled', { [W1]: [] }, atMs)
  }
  nothingHeld(T0 + 6000)
  empty(T0 + 10_000)
  empty(T0 + 15_000)
  // The answers are older than the reading: the task may have moved from the queue to the worker in between.
  expect(fleet.queues(T0 + 20_000)).toMatchObject([{ oldestTaskAgeSeconds: 15 }])
  nothingHeld(T0 + 16_000)
  empty(T0 + 20_000)
  expect(fleet.queues(T0 + 20_000)).toMatchObject([{ oldestTaskAgeSeconds: 0 }])
})

test('after an outage a depth is unknown until it is read again, and ages until a task is sent again', () => {
  const fleet = createFleet()
  fleet.apply(sent('a'), T0)
  fleet.observe(depths({ bills: 1 }), T0)
  fleet.observe({ kind: 'broker-lost' }, T0 + 1000)
  fleet.observe({ kind: 'broker-connected' }, T0 + 2000)
  expect(fleet.queues(T0 + 3000)).toMatchObject([{ depth: null, oldestTaskAgeSeconds: null }])
  fleet.apply(sent('b', { atMs: T0 + 4000 }), T0 + 4000)
  expect(fleet.queues(T0 + 5000)).toMatchObject([{ oldestTaskAgeSeconds: 1 }])
  // The wait of a task sent before is still known, since its time is.
  fleet.apply(started('a', { atMs: T0 + 6000 }), T0 + 6000)
  expect(fleet.drainChanges().at(-1)).toMatchObject({ event: 'started', waitSeconds: 6 })
})

test('what was asked before the broker came back, or is answered while it is away, proves nothing', () => {
  const fleet = createFleet()
  fleet.observe({ kind: 'broker-connected' }, T0)
  fleet.observe({ kind: 'inspect', method: 'stats', replies: new Map(), askedAtMs: T0 - 1 }, T0 + 900)
  fleet.tick(T0 + 5000)
  expect(fleet.totals(T0 + 5000).workers).toBe(null)
  fleet.observe({ kind: 'broker-lost' }, T0 + 6000)
  round(fleet, 'ping', { [W1]: { ok: 'pong' } }, T0 + 7000)
  expect(fleet.workers(T0 + 7000)).toEqual([])
})

test('what a worker received before it was gone still waits, though the queue is empty', () => {
  const fleet = createFleet()
  fleet.observe({ kind: 'broker-connected' }, T0)
  fleet.apply(sent('a'), T0)
  fleet.apply(received('a', { atMs: T0 + 10 }), T0 + 10)
  fleet.apply(offline({ atMs: T0 + 1000 }), T0 + 1000)
  fleet.observe(depths({ bills: 0 }), T0 + 5000)
  fleet.observe(depths({ bills: 0 }), T0 + 10_000)
  expect(fleet.queues(T0 + 10_000)).toMatchObject([{ oldestTaskAgeSeconds: 10 }])
})

test('ages are unknown where workers send no task events, since no start would be seen', () => {
  const fleet = createFleet()
  fleet.apply(sent('a'), T0)
  round(fleet, 'active_queues', { [W1]: [{ name: 'bills' }] }, T0)
  for (let i = 0; i < 4; i++) fleet.apply(heartbeat({ processed: i, atMs: T0 + i * 2000 }), T0 + i * 2000)
  expect(fleet.queues(T0 + 6000)).toMatchObject([{ oldestTaskAgeSeconds: null }])
})

test('queues become known from configuration, tasks, workers, discovery and readings, up to the bound', () => {
  const fleet = createFleet({ queues: ['configured'], maxQueues: 5 })
  fleet.observe({ kind: 'broker-connected' }, T0)
  fleet.apply(sent('a', { queue: 'sent' }), T0)
  round(fleet, 'active_queues', { [W1]: [{ name: 'consumed' }] }, T0)
  fleet.knowQueues(['discovered'])
  fleet.observe(depths({ read: 0 }), T0)
  expect(fleet.knownQueues()).toEqual(['configured', 'sent', 'consumed', 'discovered', 'read'])
  fleet.apply(sent('b', { queue: 'too many' }), T0)
  expect(fleet.knownQueues()).toHaveLength(5)
  expect(fleet.evictions.queues).toBeGreaterThan(0)
  // Two hours later only what somebody still names is left.
  round(fleet, 'active_queues', { [W1]: [{ name: 'consumed' }] }, T0 + 7_200_000)
  fleet.apply(started('a', { atMs: T0 + 7_200_000 }), T0 + 7_200_000)
  fleet.tick(T0 + 7_200_000)
  expect(fleet.knownQueues()).toEqual(['configured', 'consumed'])
})

const SERVER = serverState({
  version: '7.0.15',
  memoryUsedBytes: 1000,
  memoryMaxBytes: 2000,
  connectedClients: 3,
  maxClients: 100,
  evictedKeysTotal: 0,
  maxmemoryPolicy: 'allkeys-lru',
  roundTripSeconds: 0.001,
})

test('the events source names the setting when workers count tasks but send no task events', () => {
  const fleet = createFleet()
  for (let i = 0; i < 4; i++) {
    for (const worker of ['a@h', 'b@h', 'c@h'])
      fleet.apply(heartbeat({ worker, processed: i, atMs: T0 + i * 2000 }), T0 + i * 2000)
    fleet.apply(heartbeat({ worker: 'd@h', processed: i, atMs: T0 + i * 2000 }), T0 + i * 2000)
    fleet.apply(received(`t${i}`, { worker: 'd@h', atMs: T0 + i * 2000 }), T0 + i * 2000 + 1)
  }
  expect(source(fleet, 'events', T0 + 6000)).toMatchObject({
    state: 'ok',
    detail: '3 of 4 workers send no task events: start them with -E or set worker_send_task_events=True',
  })
  fleet.apply(received('x', { worker: 'a@h', atMs: T0 + 7000 }), T0 + 7000)
  expect(source(fleet, 'events', T0 + 7000)?.detail).toMatch(/^2 of 4 workers/)
})

test('a heartbeat that overtakes the events of its tasks accuses nobody', () => {
  const fleet = createFleet()
  fleet.apply(heartbeat({ processed: 0 }), T0)
  fleet.apply(heartbeat({ processed: 1, atMs: T0 + 2000 }), T0 + 2000)
  expect(source(fleet, 'events', T0 + 2000)?.detail).toBe(null)
})

test('the events source names the setting when no task-sent comes', () => {
  const fleet = createFleet()
  fleet.apply(received('a'), T0)
  expect(source(fleet, 'events', T0)?.detail).toMatch(/task_send_sent_event=True/)
  fleet.apply(sent('a'), T0)
  expect(source(fleet, 'events', T0)?.detail).toBe(null)
})

test('a source goes from waiting to ok to stale, and says why', () => {
  const fleet = createFleet()
  fleet.observe({ kind: 'broker-connected' }, T0)
  expect(source(fleet, 'inspect', T0)?.state).toBe('waiting')
  round(fleet, 'stats', { [W1]: STATS }, T0 + 1000)
  expect(source(fleet, 'inspect', T0 + 46_000)).toMatchObject({ state: 'ok', lastSuccessMs: T0 + 1000 })
  beat(fleet, [W1], T0 + 40_000, T0 + 46_000)
  expect(source(fleet, 'inspect', T0 + 46_001)?.state).toBe('stale')
  expect(source(fleet, 'inspect', T0 + 46_001)?.detail).toMatch(/worker_enable_remote_control/)
  expect(source(fleet, 'events', T0 + 90_000)?.detail).toMatch(/--without-heartbeat/)
})

test('where no worker is, silence is no fault of a source', () => {
  const fleet = createFleet()
  fleet.observe({ kind: 'broker-connected' }, T0)
  round(fleet, 'stats', {}, T0 + 1000)
  fleet.tick(T0 + 100_000)
  expect(fleet.sources(T0 + 100_000)).toMatchObject([
    { source: 'events', state: 'ok', detail: 'no worker is up, so none sends events' },
    { source: 'inspect', state: 'ok' },
    { source: 'broker', state: 'stale' },
  ])
})

test('the broker source warns of a policy by which Redis may drop queues', () => {
  const fleet = createFleet()
  fleet.observe({ kind: 'server', server: SERVER }, T0)
  expect(source(fleet, 'broker', T0)?.detail).toMatch(/noeviction/)
  fleet.observe({ kind: 'server', server: { ...SERVER, memoryMaxBytes: 0 } }, T0)
  expect(source(fleet, 'broker', T0)?.detail).toBe(null)
})
