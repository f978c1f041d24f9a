/** That nothing is kept for ever: by time, by bytes, and when events are lost. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Fleet, FleetChange, InspectMethod } from './contract.ts'
import {
  heartbeat,
  queueReading,
  received,
  retried,
  sent,
  started,
  succeeded,
  T0,
  W1,
} from './events.case.ts'
import { createFleet } from './fleet.ts'

const MINUTE = 60_000

const say = (fleet: Fleet, method: InspectMethod, value: unknown, atMs: number, worker = W1): void =>
  fleet.observe({ kind: 'inspect', method, replies: new Map([[worker, value]]), askedAtMs: atMs - 10 }, atMs)

/** Ticks of seconds, without events. */
function pass(fleet: Fleet, fromMs: number, toMs: number): void {
  for (let atMs = fromMs; atMs <= toMs; atMs += 1000) fleet.tick(atMs)
}

test('what a worker received or ran that vanished leaves after the time in which it may be delivered again, and is counted', () => {
  const fleet = createFleet()
  const empty = fleet.bytes
  fleet.apply(sent('runs'), T0)
  fleet.apply(received('runs'), T0)
  fleet.apply(started('runs'), T0)
  fleet.apply(sent('waits'), T0)
  fleet.apply(received('waits'), T0)
  // In its queue, and nobody's: it may wait for days.
  fleet.apply(sent('queued'), T0)
  pass(fleet, T0, T0 + 110 * MINUTE)
  expect(fleet.orphans().map(({ id }) => id)).toEqual(['runs'])
  expect(fleet.evictions.tasks).toBe(0)
  pass(fleet, T0 + 110 * MINUTE, T0 + 130 * MINUTE)
  expect(fleet.orphans()).toEqual([])
  expect(fleet.evictions.tasks).toBe(2)
  expect(fleet.queues(T0 + 130 * MINUTE)[0]?.oldestTaskAgeSeconds).toBe(null)
  expect(fleet.bytes).toBeGreaterThan(empty)
})

test('a task of a worker that is there, or that waits for its ETA, stays', () => {
  const fleet = createFleet()
  fleet.apply(sent('late', { eta: new Date(T0 + 600 * MINUTE).toISOString() }), T0)
  fleet.apply(received('late', { worker: 'w2@h' }), T0)
  fleet.apply(sent('long'), T0)
  fleet.apply(received('long'), T0)
  fleet.apply(started('long'), T0)
  for (let atMs = T0; atMs <= T0 + 200 * MINUTE; atMs += 10_000) {
    fleet.apply(heartbeat({ atMs, active: 1 }), atMs)
    fleet.tick(atMs)
  }
  expect(fleet.running(T0 + 200 * MINUTE).map(({ id }) => id)).toEqual(['long'])
  expect(fleet.evictions.tasks).toBe(0)
})

test('the budget of bytes is kept by forgetting the oldest tasks, whatever their ids and runs', () => {
  const fleet = createFleet({ maxBytes: 2 * 1024 * 1024 })
  for (let i = 0; i < 8000; i++) {
    const id = `${i}`.padStart(i % 2 === 0 ? 36 : 500, 'x')
    fleet.apply(sent(id, { retries: i % 3 }), T0 + i)
    fleet.apply(received(id, { retries: i % 3 }), T0 + i)
    if (i % 5 === 0) fleet.apply(retried(id), T0 + i)
    if (i % 100 === 0) fleet.tick(T0 + i)
  }
  fleet.tick(T0 + 8000)
  expect(fleet.bytes).toBeLessThanOrEqual(2 * 1024 * 1024)
  expect(fleet.evictions.tasks).toBeGreaterThan(4000)
})

/** A pool of one that has told enough runs of `seconds` each, and then started another. */
function busySolo(seconds: number, runs: number): Fleet {
  const fleet = createFleet()
  say(fleet, 'stats', { pid: 100, pool: { 'max-concurrency': 1, processes: [100] } }, T0)
  for (let i = 0; i < runs; i++) {
    fleet.apply(received(`t${i}`, { atMs: T0 }), T0)
    fleet.apply(started(`t${i}`, { atMs: T0 }), T0)
    fleet.apply(succeeded(`t${i}`, { atMs: T0, runtime: seconds }), T0)
  }
  fleet.apply(heartbeat({ atMs: T0 }), T0)
  fleet.apply(received('last', { atMs: T0 }), T0)
  fleet.apply(started('last', { atMs: T0 }), T0)
  fleet.tick(T0)
  fleet.drainChanges()
  return fleet
}

const orphanedAfterSeconds = (fleet: Fleet): number => {
  for (let seconds = 1; seconds < 1000; seconds++) {
    fleet.tick(T0 + seconds * 1000)
    if (fleet.drainChanges().some(({ kind }: FleetChange) => kind === 'orphaned')) return seconds
  }
  return Number.NaN
}

test('a solo pool killed in a task has vanished after ten times what such a task ever took, which is told from a long one', () => {
  expect(orphanedAfterSeconds(busySolo(1, 20))).toBe(30)
  expect(orphanedAfterSeconds(busySolo(20, 20))).toBe(200)
  // Not enough is known, or it may take that long.
  expect(orphanedAfterSeconds(busySolo(1, 19))).toBe(600)
  expect(orphanedAfterSeconds(busySolo(300, 20))).toBe(600)
})

test('a solo pool that was given up and is heard after all is up, and its task no orphan', () => {
  const fleet = busySolo(1, 20)
  orphanedAfterSeconds(fleet)
  expect(fleet.orphans()).toHaveLength(1)
  fleet.apply(succeeded('last', { atMs: T0 + 50_000 }), T0 + 50_000)
  expect(fleet.workers(T0 + 50_000)).toMatchObject([{ state: 'up' }])
  expect(fleet.orphans()).toEqual([])
})

const WORKERS = [W1, 'w2@hostB']

interface Plan {
  readonly id: string
  readonly worker: string
  readonly sentMs: number
  readonly startMs: number
  readonly endMs: number
}

/** Two pools of four that work off a task every 50 ms for two minutes. */
function plansOf(random: () => number): readonly Plan[] {
  const slots = new Map(WORKERS.map(worker => [worker, [T0, T0, T0, T0]]))
  return Array.from({ length: 2400 }, (_, i) => {
    const sentMs = T0 + 5000 + i * 50
    const worker = WORKERS[random() < 0.5 ? 0 : 1] ?? W1
    const free = slots.get(worker) ?? []
    const slot = free.indexOf(Math.min(...free))
    const startMs = Math.max(sentMs + 10, free[slot] ?? 0)
    const endMs = startMs + 50 + Math.floor(random() * 300)
    free[slot] = endMs
    return { id: `t${i}`, worker, sentMs, startMs, endMs }
  })
}

test('when every tenth event is lost the lost runs are counted, nothing runs or waits for ever, and gauges are what workers answer', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 31 - 1 }), seed => {
      let state = seed
      const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
      const fleet = createFleet()
      const plans = plansOf(random)
      const endMs = Math.max(...plans.map(plan => plan.endMs))
      const steps: { readonly atMs: number; readonly apply: () => void }[] = []
      const lostStarts = new Map<string, number>()
      const event = (atMs: number, what: Parameters<Fleet['apply']>[0]): void => {
        if (random() < 0.1) {
          if (what.type === 'task-started')
            lostStarts.set(what.hostname, (lostStarts.get(what.hostname) ?? 0) + 1)
        } else steps.push({ atMs, apply: () => fleet.apply(what, atMs) })
      }
      for (const { id, worker, sentMs, startMs, endMs: overMs } of plans) {
        event(sentMs, sent(id, { atMs: sentMs }))
        event(sentMs + 5, received(id, { worker, atMs: sentMs + 5 }))
        event(startMs, started(id, { worker, atMs: startMs }))
        event(overMs, succeeded(id, { worker, atMs: overMs }))
      }
      let mostActive = 0
      for (const worker of WORKERS) {
        const own = plans.filter(plan => plan.worker === worker)
        for (let atMs = T0; atMs < endMs + 3 * MINUTE; atMs += 2000) {
          const processed = own.filter(plan => plan.startMs < atMs).length
          const active = own.filter(plan => plan.startMs < atMs && plan.endMs > atMs).length
          event(atMs, heartbeat({ worker, atMs, processed, active }))
        }
      }
      const request = ({ id, startMs }: Plan) => ({ id, name: 'shop.bill', time_start: startMs / 1000 })
      const round = (atMs: number): void => {
        const ask = (method: InspectMethod, answer: (own: readonly Plan[]) => unknown): void => {
          const replies = new Map(
            WORKERS.map(worker => [worker, answer(plans.filter(plan => plan.worker === worker))]),
          )
          fleet.observe({ kind: 'inspect', method, replies, askedAtMs: atMs - 10 }, atMs)
        }
        const active = (own: readonly Plan[]) =>
          own.filter(plan => plan.startMs < atMs && plan.endMs > atMs).map(request)
        const reserved = (own: readonly Plan[]) =>
          own.filter(plan => plan.sentMs + 5 < atMs && plan.startMs >= atMs).map(request)
        ask('stats', own => ({
          pid: 100,
          pool: { 'max-concurrency': 4, writes: {} },
          total: { 'shop.bill': own.filter(plan => plan.startMs < atMs).length },
        }))
        ask('active_queues', () => [{ name: 'bills', routing_key: 'bills' }])
        ask('active', active)
        ask('reserved', reserved)
        ask('scheduled', () => [])
        for (const { worker, ...view } of fleet.workers(atMs)) {
          const own = plans.filter(plan => plan.worker === worker)
          expect(view).toMatchObject({ active: active(own).length, reserved: reserved(own).length })
        }
        mostActive = Math.max(mostActive, fleet.totals(atMs).activeTasks ?? 0)
      }
      for (let atMs = T0 + 1000; atMs < endMs + 3 * MINUTE; atMs += 15_000)
        steps.push({ atMs, apply: () => round(atMs) })
      for (let atMs = T0; atMs < endMs + 3 * MINUTE; atMs += 1000)
        steps.push({
          atMs,
          apply: () => {
            fleet.tick(atMs)
            if (atMs % 5000 === 0) fleet.observe(queueReading({ depth: 0, heads: [], newest: [] }), atMs)
          },
        })
      const lost = new Map<string, number>()
      for (const { apply } of steps.toSorted((a, b) => a.atMs - b.atMs)) {
        apply()
        for (const change of fleet.drainChanges())
          if (change.kind === 'events-lost')
            lost.set(change.worker, (lost.get(change.worker) ?? 0) + change.count)
      }
      const nowMs = endMs + 3 * MINUTE
      expect(mostActive).toBeGreaterThan(0)
      // Never more than were lost; of those before the first heartbeats some are left out (see `StartAccount`).
      for (const [worker, count] of lostStarts) {
        expect(lost.get(worker)).toBeLessThanOrEqual(count)
        expect(lost.get(worker)).toBeGreaterThan(0.8 * count)
      }
      expect(fleet.running(nowMs)).toEqual([])
      expect(fleet.queues(nowMs)).toMatchObject([
        { queue: 'bills', oldestTaskAgeSeconds: 0, reservedTasks: 0 },
      ])
      expect(fleet.totals(nowMs)).toMatchObject({
        workers: 2,
        activeTasks: 0,
        reservedTasks: 0,
        poolSlots: 8,
      })
      // Of the records that lost their end nothing is left after the time in which they might be delivered again.
      for (let atMs = nowMs; atMs < nowMs + 150 * MINUTE; atMs += 10_000) {
        for (const worker of WORKERS) fleet.apply(heartbeat({ worker, atMs, processed: 2000 }), atMs)
        fleet.tick(atMs)
      }
      const { bytes } = createFleet()
      expect(fleet.bytes - bytes).toBeLessThan(60_000)
    }),
    { numRuns: 2 },
  )
}, 180_000)
