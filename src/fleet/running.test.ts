/** What runs, what was orphaned, and what the broker delivered again. */
import { expect, test } from 'vitest'
import type { Fleet, FleetChange, InspectMethod } from './contract.ts'
import { createFleet } from './fleet.ts'
import {
  failed,
  heartbeat,
  offline,
  online,
  received,
  rejected,
  retried,
  revoked,
  sent,
  started,
  succeeded,
  T0,
  W1,
} from './events.case.ts'

const W2 = 'w2@hostB'

const say = (fleet: Fleet, method: InspectMethod, value: unknown, askedAtMs: number, worker = W1): void =>
  fleet.observe({ kind: 'inspect', method, replies: new Map([[worker, value]]), askedAtMs }, askedAtMs + 500)

const request = (id: string, timeStartMs?: number, name = 'shop.bill') => ({
  id,
  name,
  delivery_info: { routing_key: 'bills' },
  ...(timeStartMs === undefined ? {} : { time_start: timeStartMs / 1000 }),
})

const running = (fleet: Fleet, nowMs: number): readonly string[] =>
  fleet
    .running(nowMs)
    .map(({ task, id, worker, oldestSeconds }) => `${task} ${id} ${worker} ${oldestSeconds}`)

const kinds = (changes: readonly FleetChange[]): readonly string[] =>
  changes.flatMap(change => {
    if (change.kind === 'orphaned')
      return [`orphaned ${change.id} ${change.task} ${change.queue} ${change.worker}`]
    return change.kind === 'redelivered' ? [`redelivered ${change.task} ${change.queue}`] : []
  })

/** Beats of workers until a time, so that they stay up. */
const beat = (fleet: Fleet, untilMs: number, workers: readonly string[] = [W1]): void => {
  for (let atMs = T0; atMs <= untilMs; atMs += 2000) {
    for (const worker of workers) fleet.apply(heartbeat({ worker, atMs }), atMs)
    fleet.tick(atMs)
  }
}

test('a task runs from its start, not from when it was sent or received, to its end', () => {
  const fleet = createFleet()
  fleet.apply(sent('a'), T0)
  fleet.apply(received('a', { atMs: T0 + 1000 }), T0 + 1000)
  expect(running(fleet, T0 + 5000)).toEqual([])
  fleet.apply(started('a', { atMs: T0 + 5000 }), T0 + 5000)
  fleet.apply(started('b', { atMs: T0 + 6000 }), T0 + 6000)
  expect(running(fleet, T0 + 8000)).toEqual([`shop.bill a ${W1} 3`, `unknown b ${W1} 2`])
  fleet.apply(succeeded('a', { atMs: T0 + 9000 }), T0 + 9000)
  expect(running(fleet, T0 + 9000)).toEqual([`unknown b ${W1} 3`])
})

test.each([
  ['failed', failed('a')],
  ['retried', retried('a')],
  ['rejected', rejected('a')],
  ['put back', rejected('a', { requeue: true })],
  ['revoked', revoked('a')],
  ['cancelled', { ...started('a'), type: 'task-cancelled' as const }],
])('a task that was %s runs no more', (_, event) => {
  const fleet = createFleet()
  fleet.apply(received('a'), T0)
  fleet.apply(started('a'), T0)
  fleet.apply(event, T0 + 1)
  expect(running(fleet, T0 + 1)).toEqual([])
})

test('a backlog of ten thousand tasks does not run', () => {
  const fleet = createFleet()
  for (let i = 0; i < 10_000; i++) fleet.apply(sent(`t${i}`), T0)
  fleet.apply(started('t0', { atMs: T0 + 60_000 }), T0 + 60_000)
  expect(running(fleet, T0 + 61_000)).toEqual([`shop.bill t0 ${W1} 1`])
})

test('of each name the longest-running one is told', () => {
  const fleet = createFleet()
  for (const [id, worker, atMs] of [
    ['b', W2, T0 + 2000],
    ['a', W1, T0 + 5000],
    ['c', W1, T0 + 9000],
  ] as const) {
    fleet.apply(received(id, { worker, atMs }), atMs)
    fleet.apply(started(id, { worker, atMs }), atMs)
  }
  expect(running(fleet, T0 + 10_000)).toEqual([`shop.bill b ${W2} 8`])
})

test('what an answer lists as active runs since the time it says, though nobody saw it start', () => {
  const fleet = createFleet()
  say(fleet, 'active', [request('a', T0 - 3_600_000)], T0)
  expect(running(fleet, T0)).toEqual([`shop.bill a ${W1} 3600`])
  // The next answer does not list it: it ended.
  say(fleet, 'active', [], T0 + 15_000)
  expect(running(fleet, T0 + 15_500)).toEqual([])
})

test('the time of an answer is put right by the clock of its worker, and a time that cannot be is not believed', () => {
  const fleet = createFleet()
  for (let i = 0; i < 10; i++) fleet.apply(heartbeat({ atMs: T0 + i * 2000 + 3_600_000 }), T0 + i * 2000)
  say(fleet, 'active', [request('a', T0 + 3_600_000, 'ahead')], T0 + 20_000)
  say(
    fleet,
    'active',
    [request('b', 812_000, 'since boot'), request('c', undefined, 'untold')],
    T0 + 20_000,
    W2,
  )
  expect(fleet.running(T0 + 30_000).map(({ task, oldestSeconds }) => [task, oldestSeconds])).toEqual([
    ['ahead', 30],
    ['since boot', 10],
    ['untold', 10],
  ])
})

test('a task that is young in an answer may have ended meanwhile: with events its start is what counts', () => {
  const fleet = createFleet()
  fleet.apply(received('a'), T0)
  fleet.apply(started('a'), T0)
  fleet.apply(succeeded('a', { atMs: T0 + 900 }), T0 + 900)
  say(fleet, 'active', [request('a', T0)], T0 + 800)
  expect(running(fleet, T0 + 2000)).toEqual([])
  // Without events there is only the answer.
  say(fleet, 'active', [request('b', T0)], T0 + 800, W2)
  expect(running(fleet, T0 + 2000)).toEqual([`shop.bill b ${W2} 2`])
})

test('a task whose end was lost stops running with the next answer that does not list it', () => {
  const fleet = createFleet()
  fleet.apply(received('a'), T0)
  fleet.apply(started('a'), T0)
  say(fleet, 'active', [request('a', T0)], T0 + 15_000)
  expect(running(fleet, T0 + 20_000)).toEqual([`shop.bill a ${W1} 20`])
  say(fleet, 'active', [], T0 + 30_000)
  expect(running(fleet, T0 + 31_000)).toEqual([])
  // Its end was only late: it is joined all the same.
  fleet.apply(succeeded('a', { atMs: T0 + 32_000 }), T0 + 32_000)
  expect(fleet.drainChanges().at(-1)).toMatchObject({ event: 'succeeded', task: 'shop.bill' })
})

test('an answer says nothing of what started after the question, nor of the tasks of others, nor when it cannot be read', () => {
  const fleet = createFleet()
  fleet.apply(started('a', { atMs: T0 + 10_000 }), T0 + 10_000)
  say(fleet, 'active', [], T0 + 9999)
  say(fleet, 'active', [], T0 + 11_000, W2)
  say(fleet, 'active', [{ id: 5 }], T0 + 12_000)
  expect(running(fleet, T0 + 13_000)).toEqual([`unknown a ${W1} 3`])
})

test('tasks whose ends are lost leave the table', () => {
  const fleet = createFleet({ maxTasks: 1000 })
  for (let i = 0; i < 5000; i++) {
    const atMs = T0 + i * 1000
    fleet.apply(received(`t${i}`, { atMs }), atMs)
    fleet.apply(started(`t${i}`, { atMs }), atMs)
    if (i % 15 === 14) say(fleet, 'active', [], atMs + 1)
    fleet.tick(atMs)
  }
  expect(fleet.evictions.tasks).toBe(0)
})

test('what a worker ran when it was killed is orphaned within a minute, once, and named', () => {
  const fleet = createFleet()
  fleet.apply(sent('a'), T0)
  fleet.apply(sent('b'), T0)
  fleet.apply(sent('c'), T0)
  beat(fleet, T0 + 10_000)
  for (const id of ['a', 'b', 'c']) fleet.apply(received(id, { atMs: T0 + 10_000 }), T0 + 10_000)
  for (const id of ['a', 'b']) fleet.apply(started(id, { atMs: T0 + 10_000 }), T0 + 10_000)
  fleet.apply(succeeded('b', { atMs: T0 + 10_500 }), T0 + 10_500)
  let toldAtMs = 0
  const told: string[] = []
  for (let atMs = T0 + 11_000; atMs <= T0 + 130_000; atMs += 1000) {
    fleet.tick(atMs)
    const found = kinds(fleet.drainChanges())
    if (found.length > 0) toldAtMs ||= atMs
    told.push(...found)
  }
  expect(told).toEqual([`orphaned a shop.bill bills ${W1}`])
  expect(toldAtMs - (T0 + 10_500)).toBeLessThanOrEqual(60_000)
  expect(fleet.orphans()).toEqual([
    { id: 'a', task: 'shop.bill', queue: 'bills', worker: W1, startedMs: T0 + 10_000 },
  ])
  // A task of a worker that is not there does not run.
  expect(running(fleet, T0 + 130_000)).toEqual([])
})

/** A fleet in which `a` is orphaned. */
function orphaned(): Fleet {
  const fleet = createFleet()
  fleet.apply(sent('a'), T0)
  fleet.apply(heartbeat(), T0)
  fleet.apply(received('a'), T0)
  fleet.apply(started('a'), T0)
  fleet.tick(T0 + 40_000)
  expect(kinds(fleet.drainChanges())).toEqual([`orphaned a shop.bill bills ${W1}`])
  return fleet
}

test('an orphan that succeeds late is none any more', () => {
  const fleet = orphaned()
  fleet.apply(succeeded('a', { atMs: T0 + 50_000 }), T0 + 50_000)
  expect(fleet.orphans()).toEqual([])
})

test('an orphan that is delivered again is none any more, also an hour later when its worker is forgotten', () => {
  const fleet = orphaned()
  fleet.tick(T0 + 3_600_000)
  expect(fleet.workers(T0 + 3_600_000)).toEqual([])
  expect(fleet.orphans()).toHaveLength(1)
  fleet.apply(received('a', { worker: W2, atMs: T0 + 3_600_000 }), T0 + 3_600_000)
  expect(fleet.orphans()).toEqual([])
  expect(kinds(fleet.drainChanges())).toEqual(['redelivered shop.bill bills'])
})

test('when its worker was only out of sight it runs on, and is not told again when that one vanishes again', () => {
  const fleet = orphaned()
  fleet.apply(heartbeat({ atMs: T0 + 50_000, processed: 1 }), T0 + 50_000)
  expect(fleet.orphans()).toEqual([])
  expect(running(fleet, T0 + 60_000)).toEqual([`shop.bill a ${W1} 60`])
  fleet.tick(T0 + 100_000)
  expect(kinds(fleet.drainChanges())).toEqual([])
  expect(fleet.orphans()).toHaveLength(1)
})

test('a clean stop orphans nothing: what still runs then ends without an event', () => {
  const fleet = createFleet({ maxTasks: 100 })
  fleet.apply(heartbeat(), T0)
  fleet.apply(received('a'), T0)
  fleet.apply(started('a'), T0)
  fleet.apply(offline({ atMs: T0 + 1000 }), T0 + 1000)
  fleet.apply(online({ pid: 200, atMs: T0 + 5000 }), T0 + 5000)
  for (let atMs = T0 + 6000; atMs < T0 + 200_000; atMs += 2000) {
    fleet.apply(heartbeat({ pid: 200, atMs }), atMs)
    fleet.tick(atMs)
  }
  expect(kinds(fleet.drainChanges())).toEqual([])
  expect(running(fleet, T0 + 200_000)).toEqual([])
})

test('a worker that was killed and is back at once, with another pid or the same, lost what it ran', () => {
  for (const pid of [200, 100]) {
    const fleet = createFleet()
    fleet.apply(heartbeat({ processed: 3 }), T0)
    fleet.apply(received('a'), T0)
    fleet.apply(started('a'), T0)
    let toldAtMs = 0
    for (let atMs = T0 + 4000; atMs <= T0 + 90_000; atMs += 2000) {
      fleet.apply(heartbeat({ pid, atMs }), atMs)
      fleet.tick(atMs)
      if (kinds(fleet.drainChanges()).length > 0) toldAtMs ||= atMs
    }
    expect(toldAtMs).toBeGreaterThan(0)
    expect(toldAtMs - T0).toBeLessThanOrEqual(60_000)
    expect(running(fleet, T0 + 90_000)).toEqual([])
  }
})

test('of two processes under one name neither loses its tasks while both are heard', () => {
  const fleet = createFleet()
  for (const pid of [100, 200]) {
    fleet.apply(heartbeat({ pid, atMs: T0 + pid }), T0 + pid)
    fleet.apply(received(`of ${pid}`, { pid, name: `of ${pid}`, atMs: T0 + pid }), T0 + pid)
    fleet.apply(started(`of ${pid}`, { pid, atMs: T0 + pid }), T0 + pid)
  }
  for (let i = 1; i < 60; i++)
    for (const pid of [100, 200]) {
      fleet.apply(heartbeat({ pid, processed: 1, atMs: T0 + i * 2000 + pid }), T0 + i * 2000 + pid)
      fleet.tick(T0 + i * 2000 + pid)
    }
  expect(kinds(fleet.drainChanges())).toEqual([])
  expect(running(fleet, T0 + 120_000)).toHaveLength(2)
})

test('while the broker is away nothing is orphaned, and nothing is said to run until its worker is heard', () => {
  const fleet = createFleet()
  fleet.apply(heartbeat(), T0)
  fleet.apply(received('a'), T0)
  fleet.apply(started('a'), T0)
  fleet.observe({ kind: 'broker-lost' }, T0 + 1000)
  fleet.tick(T0 + 600_000)
  expect(kinds(fleet.drainChanges())).toEqual([])
  fleet.observe({ kind: 'broker-connected' }, T0 + 600_000)
  expect(running(fleet, T0 + 600_000)).toEqual([])
  fleet.apply(heartbeat({ atMs: T0 + 601_000 }), T0 + 601_000)
  expect(running(fleet, T0 + 601_000)).toEqual([`shop.bill a ${W1} 601`])
})

test('of two copies that run at once the older one is told, until an answer of its worker lists it no more', () => {
  const fleet = createFleet()
  fleet.apply(received('a'), T0)
  fleet.apply(started('a'), T0)
  fleet.apply(received('a', { worker: W2, atMs: T0 + 3000 }), T0 + 3000)
  fleet.apply(started('a', { worker: W2, atMs: T0 + 3000 }), T0 + 3000)
  expect(running(fleet, T0 + 5000)).toEqual([`shop.bill a ${W1} 5`])
  say(fleet, 'active', [], T0 + 6000)
  say(fleet, 'active', [request('a', T0 + 3000)], T0 + 15_000, W2)
  expect(running(fleet, T0 + 16_000).length).toBeLessThanOrEqual(1)
})

test('received again without a retry and without having been sent again is a redelivery', () => {
  const fleet = createFleet()
  fleet.apply(sent('a'), T0)
  fleet.apply(received('a'), T0)
  fleet.apply(received('a', { worker: W2, atMs: T0 + 1000 }), T0 + 1000)
  fleet.apply(started('a', { worker: W2, atMs: T0 + 1000 }), T0 + 1000)
  fleet.apply(received('a', { atMs: T0 + 2000 }), T0 + 2000)
  expect(kinds(fleet.drainChanges())).toEqual(['redelivered shop.bill bills', 'redelivered shop.bill bills'])
  expect(fleet.redeliveries(T0)).toEqual([{ task: 'shop.bill', queue: 'bills', most: 2, id: 'a' }])
  fleet.apply(succeeded('a', { atMs: T0 + 3000 }), T0 + 3000)
  expect(fleet.redeliveries(T0)).toEqual([])
  // The other copy still has its name.
  fleet.apply(succeeded('a', { atMs: T0 + 4000 }), T0 + 4000)
  expect(fleet.drainChanges().at(-1)).toMatchObject({ event: 'succeeded', task: 'shop.bill', queue: 'bills' })
})

test('neither a retry, nor the same id sent again, nor a task that replaced itself is a redelivery', () => {
  const fleet = createFleet()
  fleet.apply(sent('a'), T0)
  fleet.apply(received('a'), T0)
  fleet.apply(started('a'), T0)
  fleet.apply(sent('a', { retries: 1, atMs: T0 + 10 }), T0 + 10)
  fleet.apply(retried('a', { atMs: T0 + 20 }), T0 + 20)
  fleet.apply(received('a', { retries: 1, atMs: T0 + 30 }), T0 + 30)
  fleet.apply(sent('a', { retries: 1, atMs: T0 + 1000 }), T0 + 1000)
  fleet.apply(received('a', { retries: 1, atMs: T0 + 1010 }), T0 + 1010)
  // Without task-sent.
  fleet.apply(received('b', { name: 'shop.plan' }), T0)
  fleet.apply(received('b', { name: 'shop.bill', atMs: T0 + 10 }), T0 + 10)
  fleet.apply(received('c'), T0)
  fleet.apply(failed('c', { atMs: T0 + 10 }), T0 + 10)
  fleet.apply(received('c', { atMs: T0 + 20 }), T0 + 20)
  fleet.tick(T0 + 5000)
  expect(kinds(fleet.drainChanges())).toEqual([])
})

test('a task-sent that its receipt overtook does not hide a redelivery', () => {
  const fleet = createFleet()
  fleet.apply(received('a', { atMs: T0 + 2 }), T0 + 2)
  fleet.apply(sent('a', { atMs: T0 }), T0 + 5)
  fleet.apply(received('a', { worker: W2, atMs: T0 + 9000 }), T0 + 9000)
  expect(kinds(fleet.drainChanges())).toEqual(['redelivered shop.bill bills'])
})

test('a poison task that kills child after child is counted each time it comes back, and named', () => {
  const fleet = createFleet()
  fleet.apply(sent('a'), T0)
  for (let i = 0; i < 4; i++) {
    const atMs = T0 + i * 1000
    fleet.apply(received('a', { atMs }), atMs)
    fleet.apply(started('a', { atMs }), atMs)
    fleet.apply(rejected('a', { requeue: true, atMs: atMs + 100 }), atMs + 100)
  }
  expect(kinds(fleet.drainChanges())).toHaveLength(3)
  expect(fleet.redeliveries(T0)).toEqual([{ task: 'shop.bill', queue: 'bills', most: 3, id: 'a' }])
})

test('a redelivery whose queue is not known yet is told in its place, when it is', () => {
  const fleet = createFleet()
  fleet.apply(received('a', { atMs: T0 + 1 }), T0 + 1)
  fleet.apply(received('a', { atMs: T0 + 2 }), T0 + 2)
  fleet.apply(sent('a', { atMs: T0 }), T0 + 3)
  const told = fleet.drainChanges().filter(change => change.kind !== 'worker')
  expect(told.map(change => (change.kind === 'task' ? change.event : change.kind))).toEqual([
    'received',
    'received',
    'redelivered',
    'sent',
  ])
  expect(told[2]).toEqual({ kind: 'redelivered', task: 'shop.bill', queue: 'bills' })
})
