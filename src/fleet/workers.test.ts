import { expect, test } from 'vitest'
import type { Fleet, InspectMethod, WorkerState } from './contract.ts'
import { createFleet } from './fleet.ts'
import {
  askedHeartbeat,
  heartbeat,
  offline,
  online,
  received,
  sent,
  started,
  succeeded,
  T0,
  W1,
} from './events.case.ts'

const W2 = 'w2@hostA'

const stateOf = (fleet: Fleet, worker = W1): WorkerState | undefined =>
  fleet.workers(T0).find(view => view.worker === worker)?.state

const moves = (fleet: Fleet): readonly string[] =>
  fleet
    .drainChanges()
    .flatMap(change => (change.kind === 'worker' ? [`${change.from ?? 'new'} > ${change.to}`] : []))

const answer = (
  fleet: Fleet,
  method: InspectMethod,
  value: unknown,
  atMs: number,
  worker = W1,
  askedAtMs = atMs,
): void => fleet.observe({ kind: 'inspect', method, replies: new Map([[worker, value]]), askedAtMs }, atMs)

test('a silent worker is suspect after two heartbeats and vanishes after the time-out', () => {
  const fleet = createFleet()
  fleet.apply(online(), T0)
  fleet.tick(T0 + 4000)
  expect(stateOf(fleet)).toBe('up')
  fleet.tick(T0 + 4001)
  expect(stateOf(fleet)).toBe('suspect')
  fleet.tick(T0 + 29_999)
  expect(stateOf(fleet)).toBe('suspect')
  fleet.tick(T0 + 30_000)
  expect(stateOf(fleet)).toBe('vanished')
  fleet.apply(heartbeat({ atMs: T0 + 31_000 }), T0 + 31_000)
  expect(moves(fleet)).toEqual(['new > up', 'up > suspect', 'suspect > vanished', 'vanished > up'])
})

test('the time-out runs on our clock, whatever the worker believes the time to be', () => {
  const fleet = createFleet()
  for (let i = 0; i < 60; i++) {
    fleet.apply(heartbeat({ atMs: T0 - 3_600_000 + i * 2000 }), T0 + i * 2000)
    fleet.tick(T0 + i * 2000 + 1000)
  }
  expect(moves(fleet)).toEqual(['new > up'])
})

test('a worker that says goodbye has stopped, and a heartbeat older than the goodbye does not bring it back', () => {
  const fleet = createFleet()
  fleet.apply(heartbeat({ atMs: T0 }), T0)
  fleet.apply(offline({ atMs: T0 + 1000 }), T0 + 1000)
  fleet.apply(heartbeat({ atMs: T0 + 900 }), T0 + 1100)
  expect(stateOf(fleet)).toBe('stopped')
  fleet.apply(online({ atMs: T0 + 5000, pid: 200 }), T0 + 5000)
  expect(stateOf(fleet)).toBe('up')
})

test('tasks that end during a warm shutdown do not bring a stopped worker back', () => {
  const fleet = createFleet()
  fleet.apply(heartbeat({ atMs: T0 }), T0)
  fleet.apply(offline({ atMs: T0 + 1000 }), T0 + 1000)
  fleet.apply(succeeded('a', { atMs: T0 + 3000 }), T0 + 3000)
  expect(stateOf(fleet)).toBe('stopped')
})

test('an answer to a question asked before the goodbye proves nothing; one asked after it does', () => {
  const fleet = createFleet()
  fleet.apply(heartbeat({ atMs: T0 }), T0)
  fleet.apply(offline({ atMs: T0 + 1000 }), T0 + 1000)
  answer(fleet, 'ping', { ok: 'pong' }, T0 + 1800, W1, T0 + 800)
  expect(stateOf(fleet)).toBe('stopped')
  answer(fleet, 'ping', { ok: 'pong' }, T0 + 6000, W1, T0 + 5000)
  expect(stateOf(fleet)).toBe('up')
})

test('the late goodbye that Celery 5.6 sends on reconnecting does not count as stopping', () => {
  const fleet = createFleet()
  fleet.apply(heartbeat({ atMs: T0 }), T0)
  fleet.observe({ kind: 'broker-lost' }, T0 + 1000)
  fleet.observe({ kind: 'broker-connected' }, T0 + 10_000)
  fleet.apply(offline({ atMs: T0 + 1000 }), T0 + 13_000)
  fleet.apply(online({ atMs: T0 + 13_001 }), T0 + 13_001)
  expect(moves(fleet)).toEqual(['new > up'])
})

test('the goodbye of the process that was replaced does not stop its successor', () => {
  const fleet = createFleet()
  fleet.apply(heartbeat({ pid: 100, atMs: T0 }), T0)
  fleet.apply(online({ pid: 200, atMs: T0 + 1000 }), T0 + 1000)
  fleet.apply(offline({ pid: 100, atMs: T0 + 2000 }), T0 + 2000)
  expect(stateOf(fleet)).toBe('up')
})

test('a restart under the same name forgets what was said of the old process', () => {
  const fleet = createFleet()
  fleet.apply(heartbeat({ pid: 100, processed: 50 }), T0)
  answer(fleet, 'stats', { pid: 100, pool: { 'max-concurrency': 8 } }, T0)
  expect(fleet.workers(T0)).toMatchObject([{ concurrency: 8, processedTotal: 50, pid: 100 }])
  fleet.apply(online({ pid: 200, atMs: T0 + 1000 }), T0 + 1000)
  expect(fleet.workers(T0 + 1000)).toMatchObject([{ concurrency: null, processedTotal: 0, pid: 200 }])
})

test('a heartbeat that was asked for says nothing of tasks, and nothing of how often heartbeats come', () => {
  const fleet = createFleet()
  fleet.apply(heartbeat({ active: 3, processed: 9 }), T0)
  fleet.apply(askedHeartbeat({ atMs: T0 + 500 }), T0 + 500)
  expect(fleet.workers(T0 + 500)).toMatchObject([{ active: 3, processedTotal: 9 }])
  fleet.tick(T0 + 500 + 4001)
  expect(stateOf(fleet)).toBe('suspect')
})

test('of heartbeat and answer the newer says how many tasks are active', () => {
  const fleet = createFleet()
  fleet.apply(heartbeat({ active: 1, atMs: T0 }), T0)
  answer(
    fleet,
    'active',
    [
      { id: 'a', name: 't' },
      { id: 'b', name: 't' },
    ],
    T0 + 900,
    W1,
    T0 + 100,
  )
  expect(fleet.workers(T0 + 900)).toMatchObject([{ active: 2 }])
  fleet.apply(heartbeat({ active: 4, atMs: T0 + 2000 }), T0 + 2000)
  answer(fleet, 'active', [], T0 + 2500, W1, T0 + 1900)
  expect(fleet.workers(T0 + 2500)).toMatchObject([{ active: 4 }])
})

test('two workers on one host are two', () => {
  const fleet = createFleet()
  fleet.apply(heartbeat(), T0)
  fleet.apply(heartbeat({ worker: W2 }), T0)
  fleet.apply(offline({ worker: W2, atMs: T0 + 10 }), T0 + 10)
  expect([stateOf(fleet, W1), stateOf(fleet, W2)]).toEqual(['up', 'stopped'])
})

test('a client that sends tasks is no worker', () => {
  const fleet = createFleet()
  fleet.apply(sent('a'), T0)
  expect(fleet.workers(T0)).toEqual([])
})

test('a worker without heartbeats is known by its tasks and answers, and is given time between two rounds', () => {
  const fleet = createFleet({ inspectIntervalMs: 20_000 })
  fleet.apply(received('a'), T0)
  fleet.tick(T0 + 39_000)
  expect(stateOf(fleet)).toBe('up')
  fleet.tick(T0 + 59_000)
  expect(stateOf(fleet)).toBe('suspect')
  fleet.tick(T0 + 60_000)
  expect(stateOf(fleet)).toBe('vanished')
})

test('a solo worker that runs a task cannot speak: it is suspect, not gone', () => {
  const fleet = createFleet()
  fleet.apply(heartbeat(), T0)
  answer(
    fleet,
    'stats',
    { pool: { implementation: 'celery.concurrency.solo:TaskPool', 'max-concurrency': 1 } },
    T0,
  )
  fleet.apply(started('a'), T0)
  fleet.tick(T0 + 120_000)
  expect(stateOf(fleet)).toBe('suspect')
  fleet.apply(succeeded('a', { atMs: T0 + 120_000 }), T0 + 120_000)
  fleet.tick(T0 + 151_000)
  expect(stateOf(fleet)).toBe('vanished')
})

test('a worker that is gone is forgotten in the end', () => {
  const fleet = createFleet({ forgetWorkerMs: 100_000 })
  fleet.apply(heartbeat(), T0)
  fleet.apply(offline({ atMs: T0 + 1 }), T0 + 1)
  fleet.tick(T0 + 100_000)
  expect(fleet.workers(T0)).toHaveLength(1)
  fleet.tick(T0 + 100_001)
  expect(fleet.workers(T0)).toEqual([])
})

test('while the broker is lost nobody vanishes, and after its return everyone has the full time again', () => {
  const fleet = createFleet()
  fleet.apply(heartbeat(), T0)
  fleet.observe({ kind: 'broker-lost' }, T0 + 1000)
  fleet.tick(T0 + 600_000)
  expect(stateOf(fleet)).toBe('up')
  fleet.observe({ kind: 'broker-connected' }, T0 + 600_000)
  fleet.tick(T0 + 629_000)
  expect(stateOf(fleet)).toBe('suspect')
  fleet.tick(T0 + 630_000)
  expect(stateOf(fleet)).toBe('vanished')
})

test('a full table forgets who is gone, refuses who is new, and then cannot say how many there are', () => {
  const fleet = createFleet({ maxWorkers: 2 })
  fleet.observe({ kind: 'broker-connected' }, T0)
  fleet.apply(heartbeat({ worker: 'a@h' }), T0)
  fleet.apply(heartbeat({ worker: 'b@h' }), T0)
  fleet.tick(T0 + 30_000)
  fleet.apply(heartbeat({ worker: 'c@h', atMs: T0 + 30_000 }), T0 + 30_000)
  fleet.apply(heartbeat({ worker: 'a@h', atMs: T0 + 30_000 }), T0 + 30_000)
  fleet.apply(heartbeat({ worker: 'd@h', atMs: T0 + 30_000 }), T0 + 30_000)
  expect(fleet.workers(T0).length).toBe(2)
  expect(fleet.evictions.workers).toBeGreaterThanOrEqual(1)
  fleet.apply(heartbeat({ worker: 'e@h', atMs: T0 + 31_000 }), T0 + 31_000)
  fleet.tick(T0 + 31_000)
  expect(fleet.totals(T0 + 31_000).workers).toBe(null)
})

test('pools of every kind and version are understood', () => {
  const pools: readonly (readonly [
    pool: Record<string, unknown>,
    kind: string | null,
    slots: number | null,
  ])[] = [
    [
      {
        implementation: 'celery.concurrency.prefork:TaskPool',
        'max-concurrency': 4,
        processes: [1, 2, 3, 4],
      },
      'prefork',
      4,
    ],
    [
      { implementation: 'celery.concurrency.thread:TaskPool', 'max-concurrency': 10, threads: 3 },
      'threads',
      10,
    ],
    [{ 'max-concurrency': 2, processes: [1, 2], writes: {} }, 'prefork', 2],
    [{ 'max-concurrency': 1, processes: [1] }, 'solo', 1],
    [{ 'max-concurrency': 100, 'free-threads': 3, 'running-threads': 1 }, 'eventlet', 100],
    [{ 'max-concurrency': 5, threads: 1 }, 'threads', 5],
    [{ 'max-concurrency': 'many' }, null, null],
  ]
  for (const [pool, kind, slots] of pools) {
    const fleet = createFleet()
    answer(fleet, 'stats', { pid: 1, pool }, T0)
    expect(fleet.workers(T0)).toMatchObject([{ pool: kind, concurrency: slots }])
  }
})

test('a pool that grew, shrank or scales itself is as large as it is now, not as it began', () => {
  const prefork = 'celery.concurrency.prefork:TaskPool'
  const size = (stats: Record<string, unknown>) => {
    const fleet = createFleet()
    answer(fleet, 'stats', { pid: 1, ...stats }, T0)
    return fleet.workers(T0)[0]?.concurrency
  }
  expect(size({ pool: { implementation: prefork, 'max-concurrency': 2, processes: [5, 6, 7] } })).toBe(3)
  const autoscaler = { max: 10, min: 2, current: 6, qty: 6 }
  expect(
    size({ pool: { implementation: prefork, 'max-concurrency': 2, processes: [5, 6] }, autoscaler }),
  ).toBe(6)
  expect(size({ pool: { 'max-concurrency': 20, 'free-threads': 14 }, autoscaler })).toBe(6)
})

test('processes of the pool are told without the worker itself, and the prefetch count as it is', () => {
  const fleet = createFleet()
  const stats = (pool: Record<string, unknown>, prefetch: unknown) =>
    answer(fleet, 'stats', { pid: 100, pool, prefetch_count: prefetch }, T0)
  stats({ 'max-concurrency': 2, processes: [101, 102], writes: {} }, 8)
  expect(fleet.workers(T0)).toMatchObject([{ pids: [101, 102], prefetch: 8 }])
  // A solo pool names the worker as its process; 0 is no limit, which is no number.
  stats({ 'max-concurrency': 1, processes: [100] }, 0)
  expect(fleet.workers(T0)).toMatchObject([{ pids: [], prefetch: null }])
  const threads = createFleet()
  answer(
    threads,
    'stats',
    { pid: 100, pool: { 'max-concurrency': 2, threads: 2 }, prefetch_count: 'N/A' },
    T0,
  )
  expect(threads.workers(T0)).toMatchObject([{ pids: null, prefetch: null }])
})

test('a worker that is heard and never beats, though it had the time to, is without heartbeat', () => {
  const fleet = createFleet()
  const beats = (nowMs: number) => fleet.workers(nowMs)[0]?.heartbeats
  for (let s = 0; s <= 29; s++) fleet.apply(received(`t${s}`, { atMs: T0 + s * 1000 }), T0 + s * 1000)
  expect(beats(T0 + 29_000)).toBe(null)
  fleet.apply(received('t', { atMs: T0 + 30_000 }), T0 + 30_000)
  expect(beats(T0 + 30_000)).toBe(false)
  // Asked for by somebody: that it can does not mean that it does.
  fleet.apply(askedHeartbeat({ atMs: T0 + 31_000 }), T0 + 31_000)
  expect(beats(T0 + 31_000)).toBe(false)
  fleet.observe({ kind: 'broker-lost' }, T0 + 32_000)
  expect(beats(T0 + 32_000)).toBe(null)
  fleet.observe({ kind: 'broker-connected' }, T0 + 90_000)
  answer(fleet, 'ping', { ok: 'pong' }, T0 + 91_000)
  expect(beats(T0 + 91_000)).toBe(null)
  fleet.apply(heartbeat({ atMs: T0 + 92_000 }), T0 + 92_000)
  expect(beats(T0 + 92_000)).toBe(true)
})

test('a worker that never beats is another process when it says so in an answer or an event', () => {
  const fleet = createFleet()
  const stats = (pid: number, atMs: number) =>
    answer(fleet, 'stats', { pid, pool: { 'max-concurrency': pid } }, atMs)
  stats(4, T0)
  answer(fleet, 'active_queues', [{ name: 'bills' }], T0)
  stats(8, T0 + 15_000)
  expect(fleet.workers(T0)).toMatchObject([{ pid: 8, concurrency: 8, queues: null }])
  fleet.apply(received('a', { pid: 9, atMs: T0 + 16_000 }), T0 + 16_000)
  expect(fleet.workers(T0)).toMatchObject([{ pid: 9, concurrency: null }])
  // Asked before the new process was there: it is the old one's.
  answer(fleet, 'active_queues', [{ name: 'bills' }], T0 + 17_000, W1, T0 + 15_500)
  expect(fleet.workers(T0)).toMatchObject([{ pid: 9, queues: null }])
})

test('in a container a restarted worker may have the same pid: that it counts anew tells', () => {
  const fleet = createFleet()
  fleet.apply(heartbeat({ pid: 1, processed: 50 }), T0)
  answer(fleet, 'active_queues', [{ name: 'bills' }], T0)
  fleet.apply(online({ pid: 1, processed: 0, atMs: T0 + 5000 }), T0 + 5000)
  expect(fleet.workers(T0)).toMatchObject([{ queues: null, processedTotal: 0 }])
})

test('two processes under one name are not taken for one that restarts without end', () => {
  const fleet = createFleet()
  for (const pid of [100, 200]) {
    fleet.apply(heartbeat({ pid, processed: pid, atMs: T0 + pid }), T0 + pid)
    answer(fleet, 'stats', { pid, pool: { 'max-concurrency': pid / 100 } }, T0 + pid)
  }
  for (let i = 1; i < 9; i++)
    for (const pid of [100, 200]) {
      const atMs = T0 + i * 2000 + pid
      fleet.apply(heartbeat({ pid, processed: pid + i, atMs }), atMs)
      expect(fleet.workers(atMs)).toMatchObject([{ pid, concurrency: pid / 100, processedTotal: pid + i }])
    }
  expect(moves(fleet)).toEqual(['new > up'])
})

test('that several live under one name is seen however close their heartbeats are, and forgotten when one is gone', () => {
  for (const pids of [
    [100, 200],
    [1, 1],
  ]) {
    const fleet = createFleet()
    const beat = (twin: number, i: number): void => {
      const atMs = T0 + i * 2000 + twin
      fleet.apply(heartbeat({ pid: pids[twin] ?? 0, processed: 1000 * twin + i, atMs }), atMs)
    }
    for (let i = 0; i < 4; i++) for (const twin of [0, 1]) beat(twin, i)
    expect(fleet.workers(T0 + 6001)[0]?.returns, String(pids)).toBeGreaterThanOrEqual(2)
    for (let i = 4; i < 60; i++) beat(1, i)
    fleet.tick(T0 + 120_000)
    expect(fleet.workers(T0 + 120_000)).toMatchObject([{ state: 'up', returns: 0 }])
  }
})

test('one that restarts again and again is alone', () => {
  const fleet = createFleet()
  for (let life = 0; life < 6; life++)
    for (let beat = 0; beat < 5; beat++) {
      const atMs = T0 + life * 20_000 + beat * 2000
      const said = { pid: 1, processed: beat, atMs }
      fleet.apply(beat === 0 ? online(said) : heartbeat(said), atMs)
      expect(fleet.workers(atMs)).toMatchObject([{ returns: 0 }])
    }
})

test('the clock of a worker is told once ten heartbeats were heard', () => {
  const fleet = createFleet()
  const at = (i: number) => T0 + i * 2000
  for (let i = 0; i < 9; i++) fleet.apply(heartbeat({ atMs: at(i) + 3_600_000 }), at(i))
  expect(fleet.workers(at(8))).toMatchObject([{ clockSkewSeconds: null, clockFault: null }])
  fleet.apply(heartbeat({ atMs: at(9) + 3_600_000 }), at(9))
  expect(fleet.workers(at(9))).toMatchObject([{ clockSkewSeconds: -3600, clockFault: 'timezone' }])
})

test('answers of any shape change nothing but that the worker was heard', () => {
  const methods = ['ping', 'stats', 'active_queues', 'active', 'reserved', 'scheduled'] as const
  for (const value of [null, 0, 'x', [], {}, [null], [{ id: 5 }], { pool: [] }, { error: 'KeyError()' }])
    for (const method of methods) {
      const fleet = createFleet()
      answer(fleet, method, value, T0)
      const [view] = fleet.workers(T0)
      expect(view).toMatchObject({ state: 'up', concurrency: null, pool: null })
      const held = [view?.active, view?.reserved, view?.scheduled, view?.queues]
      expect(held.filter(one => one !== null && !Array.isArray(value))).toEqual([])
    }
})
