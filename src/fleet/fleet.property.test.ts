import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { CeleryEvent } from '../celery/index.ts'
import type { Fleet, FleetChange, InspectMethod, WorkerState } from './contract.ts'
import { createFleet } from './fleet.ts'
import {
  askedHeartbeat,
  depths,
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
} from './events.case.ts'

type Step =
  | { readonly do: 'event'; readonly event: CeleryEvent }
  | { readonly do: 'tick' }
  | { readonly do: 'lost' }
  | { readonly do: 'connected' }
  | { readonly do: 'drain' }
  | {
      readonly do: 'inspect'
      readonly method: InspectMethod
      readonly replies: readonly (readonly [string, unknown])[]
    }
  | { readonly do: 'depths'; readonly depths: readonly (readonly [string, number])[] }

const WORKERS = ['w1@h', 'w2@h', 'w3@h', 'w4@h']
const QUEUES = ['bills', 'emails', 'reports']

const worker = fc.constantFrom(...WORKERS)
const uuid = fc.integer({ min: 0, max: 12 }).map(String)
const skewMs = fc.integer({ min: -20_000, max: 20_000 })
const eta = fc.option(fc.integer({ min: -1000, max: 100_000 }).map(ms => new Date(T0 + ms).toISOString()))

/** Any event, its time near `T0` on a clock that is off by up to 20 s. */
const anyEvent: fc.Arbitrary<CeleryEvent> = fc
  .record({
    kind: fc.integer({ min: 0, max: 12 }),
    id: uuid,
    worker,
    skewMs,
    pid: fc.constantFrom(100, 200),
    retries: fc.integer({ min: 0, max: 2 }),
    queue: fc.constantFrom(...QUEUES, null),
    eta,
    count: fc.integer({ min: 0, max: 9 }),
  })
  .map(({ kind, id, skewMs: skew, retries, queue, eta: due, count, ...who }) => {
    const said = { ...who, atMs: T0 + skew }
    const makers: readonly (() => CeleryEvent)[] = [
      () => sent(id, { ...said, queue, retries, eta: due }),
      () => received(id, { ...said, retries, eta: due }),
      () => started(id, said),
      () => succeeded(id, { ...said, runtime: count }),
      () => failed(id, said),
      () => retried(id, said),
      () => rejected(id, { ...said, requeue: count > 4 }),
      () => revoked(id, said),
      () => ({ ...started(id, said), type: 'task-cancelled' }),
      () => heartbeat({ ...said, active: count, processed: count }),
      () => online(said),
      () => offline(said),
      () => askedHeartbeat(said),
    ]
    return (makers[kind] ?? makers[0])!()
  })

const request = fc.record({
  id: uuid,
  name: fc.constant('shop.bill'),
  delivery_info: fc.record({ routing_key: fc.constantFrom(...QUEUES) }),
})
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 20, arbitrary: anyEvent.map(event => ({ do: 'event', event }) as const) },
  { weight: 4, arbitrary: fc.constant({ do: 'tick' } as const) },
  { weight: 1, arbitrary: fc.constantFrom<Step>({ do: 'lost' }, { do: 'connected' }) },
  { weight: 1, arbitrary: fc.constant({ do: 'drain' } as const) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('inspect' as const),
      method: fc.constantFrom<InspectMethod>(
        'ping',
        'stats',
        'active_queues',
        'active',
        'reserved',
        'scheduled',
      ),
      replies: fc.array(
        fc.tuple(
          worker,
          fc.oneof(
            fc.array(request, { maxLength: 4 }),
            fc.array(fc.record({ name: fc.constantFrom(...QUEUES) }), { maxLength: 3 }),
            fc.constant({ pid: 100, pool: { 'max-concurrency': 4 } }),
            fc.jsonValue(),
          ),
        ),
        { maxLength: 4 },
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('depths' as const),
      depths: fc.array(fc.tuple(fc.constantFrom(...QUEUES), fc.integer({ min: 0, max: 3 })), {
        maxLength: 3,
      }),
    }),
  },
)

/** Steps with the time that passes before each. */
const story = fc.array(
  fc.tuple(step, fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 40_000 }))),
  {
    maxLength: 150,
  },
)

function play(
  fleet: Fleet,
  steps: readonly (readonly [Step, number])[],
  after: (nowMs: number, step: Step) => void = () => undefined,
): {
  readonly changes: readonly FleetChange[]
  readonly events: readonly CeleryEvent[]
  readonly endMs: number
} {
  const changes: FleetChange[] = []
  const events: CeleryEvent[] = []
  let nowMs = T0
  for (const [one, waitMs] of steps) {
    nowMs += waitMs
    if (one.do === 'event') {
      events.push(one.event)
      fleet.apply(one.event, nowMs)
    } else if (one.do === 'tick') fleet.tick(nowMs)
    else if (one.do === 'lost') fleet.observe({ kind: 'broker-lost' }, nowMs)
    else if (one.do === 'connected') fleet.observe({ kind: 'broker-connected' }, nowMs)
    else if (one.do === 'drain') changes.push(...fleet.drainChanges())
    else if (one.do === 'inspect')
      fleet.observe({ kind: 'inspect', method: one.method, replies: new Map(one.replies) }, nowMs)
    else fleet.observe(depths(Object.fromEntries(one.depths)), nowMs)
    after(nowMs, one)
  }
  const endMs = nowMs + 60_000
  fleet.tick(endMs)
  changes.push(...fleet.drainChanges())
  return { changes, events, endMs }
}

const KIND: Readonly<Record<string, string>> = {
  'task-sent': 'sent',
  'task-received': 'received',
  'task-started': 'started',
  'task-succeeded': 'succeeded',
  'task-failed': 'failed',
  'task-retried': 'retried',
  'task-rejected': 'rejected',
  'task-revoked': 'revoked',
}

const tally = (words: Iterable<string>): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}

const bounds = { maxTasks: 8, maxWorkers: 3, maxQueues: 2 }

test('every task event is told exactly once, however events are doubled, dropped or mixed up, and however full the tables are', () => {
  fc.assert(
    fc.property(story, fc.boolean(), (steps, tight) => {
      const { changes, events } = play(createFleet(tight ? bounds : {}), steps)
      const told = changes.flatMap(change => (change.kind === 'task' ? [change.event] : []))
      expect(tally(told)).toEqual(tally(events.flatMap(({ type }) => KIND[type] ?? [])))
    }),
    { numRuns: 300 },
  )
})

test('no wait and no run time is negative, and there are never more waits than publications', () => {
  fc.assert(
    fc.property(story, steps => {
      const { changes, events } = play(createFleet(), steps)
      const waits = changes.flatMap(change => ('waitSeconds' in change ? [change.waitSeconds] : []))
      for (const seconds of waits) expect(seconds).toBeGreaterThanOrEqual(0)
      expect(waits.length).toBeLessThanOrEqual(events.filter(({ type }) => type === 'task-sent').length)
      for (const change of changes.filter(one => one.kind === 'task')) {
        expect(change.runtimeSeconds ?? 0).toBeGreaterThanOrEqual(0)
        expect('exception' in change).toBe(change.event === 'failed')
        expect(change.task).not.toBe('')
        expect([...QUEUES, 'shop.bill', 'unknown']).toContain(change.queue)
      }
    }),
    { numRuns: 300 },
  )
})

test('a worker moves only between states as it may, and the changes tell every move', () => {
  const legal: Readonly<Record<string, readonly WorkerState[]>> = {
    new: ['up', 'stopped'],
    up: ['suspect', 'vanished', 'stopped'],
    suspect: ['up', 'vanished', 'stopped'],
    vanished: ['up', 'stopped'],
    stopped: ['up'],
  }
  fc.assert(
    fc.property(story, steps => {
      const fleet = createFleet({ forgetWorkerMs: 50_000 })
      const { changes } = play(fleet, steps)
      const state = new Map<string, WorkerState>()
      for (const change of changes) {
        if (change.kind !== 'worker') continue
        // A forgotten worker begins anew.
        expect(change.from).toBe(change.from === undefined ? undefined : state.get(change.worker))
        expect(legal[change.from ?? 'new']).toContain(change.to)
        state.set(change.worker, change.to)
      }
      for (const view of fleet.workers(T0)) expect(view.state).toBe(state.get(view.worker))
    }),
    { numRuns: 300 },
  )
})

test('numbers are never negative, tables never outgrow their bounds, and nothing is told while the broker is lost', () => {
  fc.assert(
    fc.property(story, fc.boolean(), (steps, tight) => {
      const fleet = createFleet(tight ? bounds : {})
      let lost = false
      play(fleet, steps, (nowMs, { do: done }) => {
        if (done === 'lost') lost = true
        if (done === 'connected') lost = false
        const totals = Object.values(fleet.totals(nowMs))
        const queues = fleet.queues(nowMs)
        const workers = fleet.workers(nowMs)
        const told = [
          ...totals,
          ...queues.flatMap(({ depth, consumers, oldestTaskAgeSeconds }) => [
            depth,
            consumers,
            oldestTaskAgeSeconds,
          ]),
          ...workers.flatMap(({ active, reserved, scheduled }) => [active, reserved, scheduled]),
        ]
        expect(told.filter(value => value !== null && (lost || !(value >= 0)))).toEqual([])
        expect(workers.length).toBeLessThanOrEqual(tight ? bounds.maxWorkers : WORKERS.length)
        expect(queues.length).toBeLessThanOrEqual(tight ? bounds.maxQueues : QUEUES.length + 1)
        const present = workers.filter(({ state }) => state === 'up' || state === 'suspect').length
        expect([null, present]).toContain(fleet.totals(nowMs).workers)
      })
    }),
    { numRuns: 200 },
  )
})

test('while the broker is lost no worker is found to be suspect or gone', () => {
  fc.assert(
    fc.property(story, steps => {
      const fleet = createFleet()
      const wrong: FleetChange[] = []
      let lost = false
      play(fleet, steps, (_nowMs, { do: done }) => {
        const moves = fleet.drainChanges().filter(change => change.kind === 'worker')
        if (lost && done === 'tick') wrong.push(...moves)
        if (done === 'lost') lost = true
        if (done === 'connected') lost = false
      })
      expect(wrong).toEqual([])
    }),
    { numRuns: 200 },
  )
})

/** One task's true life: what a client and a worker send for it, in the order of each sender. */
interface Life {
  readonly client: readonly CeleryEvent[]
  readonly worker: readonly CeleryEvent[]
  readonly waits: readonly number[]
}

const life = (
  id: string,
  queue: string,
  waitMs: number,
  retries: number,
  ends: 'succeeded' | 'failed',
): Life => {
  const client: CeleryEvent[] = []
  const fromWorker: CeleryEvent[] = []
  const waits: number[] = []
  for (let run = 0; run <= retries; run++) {
    const atMs = T0 + run * 1000
    client.push(sent(id, { queue, retries: run, atMs }))
    fromWorker.push(received(id, { retries: run, atMs }), started(id, { atMs: atMs + waitMs }))
    waits.push(waitMs / 1000)
    if (run < retries) fromWorker.push(retried(id, { atMs: atMs + 900 }))
    else
      fromWorker.push(
        ends === 'succeeded' ? succeeded(id, { atMs: atMs + 900 }) : failed(id, { atMs: atMs + 900 }),
      )
  }
  return { client, worker: fromWorker, waits }
}

test('whichever of client and worker is heard first, everything is counted under the right queue and no task is left waiting', () => {
  const lives = fc.array(
    fc.record({
      queue: fc.constantFrom(...QUEUES),
      waitMs: fc.integer({ min: 0, max: 500 }),
      retries: fc.integer({ min: 0, max: 2 }),
      ends: fc.constantFrom('succeeded' as const, 'failed' as const),
    }),
    { minLength: 1, maxLength: 6 },
  )
  fc.assert(
    fc.property(lives, fc.infiniteStream(fc.nat(100)), (given, dice) => {
      const tasks = given.map(({ queue, waitMs, retries, ends }, i) =>
        life(String(i), queue, waitMs, retries, ends),
      )
      const streams = [tasks.flatMap(task => task.client), ...tasks.map(task => task.worker)].map(stream => [
        ...stream,
      ])
      const fleet = createFleet()
      const changes: FleetChange[] = []
      let nowMs = T0
      // Everything within the second for which events are held.
      while (streams.some(stream => stream.length > 0)) {
        const open = streams.filter(stream => stream.length > 0)
        const event = open[(dice.next().value ?? 0) % open.length]?.shift()
        if (event !== undefined) fleet.apply(event, (nowMs += 1))
      }
      fleet.tick(nowMs + 30_000)
      changes.push(...fleet.drainChanges())
      const told = changes.filter(change => change.kind === 'task')
      expect(tally(told.map(({ event, queue }) => `${event} ${queue}`))).toEqual(
        tally(
          given.flatMap(({ queue, retries, ends }) => [
            ...Array.from({ length: retries + 1 }, () => [
              `sent ${queue}`,
              `received ${queue}`,
              `started ${queue}`,
            ]).flat(),
            ...Array.from({ length: retries }, () => `retried ${queue}`),
            `${ends} ${queue}`,
          ]),
        ),
      )
      for (const { oldestTaskAgeSeconds } of fleet.queues(nowMs + 30_000))
        expect(oldestTaskAgeSeconds).toBe(0)
    }),
    { numRuns: 300 },
  )
})

test('heard in their true order, every run has its wait', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 0, max: 3 }), (waitMs, retries) => {
      const { client, worker: own, waits } = life('a', 'bills', waitMs, retries, 'succeeded')
      const fleet = createFleet()
      const inOrder = [...client, ...own].toSorted((a, b) => a.timestamp - b.timestamp)
      for (const event of inOrder) fleet.apply(event, event.timestamp * 1000)
      const told = fleet
        .drainChanges()
        .flatMap(change => ('waitSeconds' in change ? [change.waitSeconds ?? -1] : []))
      expect(told).toHaveLength(waits.length)
      told.forEach((seconds, i) => expect(seconds).toBeCloseTo(waits[i] ?? -1, 4))
    }),
  )
})

test('a run that another worker takes over is counted under its name, however late the first one says that it retried', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3 }),
      fc.array(fc.integer({ min: 0, max: 4000 }), { minLength: 3, maxLength: 3 }),
      (retries, delaysMs) => {
        const { client, worker: own } = life('a', 'bills', 50, retries, 'succeeded')
        let run = 0
        const heard = own.map(event => {
          const moved = { ...event, hostname: WORKERS[run % WORKERS.length] ?? '' }
          const lateMs = event.type === 'task-retried' ? (delaysMs[run++] ?? 0) : 0
          return { event: moved, atMs: event.timestamp * 1000 + lateMs }
        })
        const all = [...client.map(event => ({ event, atMs: event.timestamp * 1000 })), ...heard]
        const fleet = createFleet()
        for (const { event, atMs } of all.toSorted((a, b) => a.atMs - b.atMs)) fleet.apply(event, atMs)
        fleet.tick(T0 + 60_000)
        const told = fleet.drainChanges().filter(change => change.kind === 'task')
        expect(tally(told.map(({ event, task, queue }) => `${event} ${task} ${queue}`))).toEqual(
          tally(
            [
              ...Array.from({ length: retries + 1 }, () => ['sent', 'received', 'started']).flat(),
              ...Array.from({ length: retries }, () => 'retried'),
              'succeeded',
            ].map(event => `${event} shop.bill bills`),
          ),
        )
        expect(told.filter(({ waitSeconds }) => waitSeconds !== undefined)).toHaveLength(retries + 1)
      },
    ),
  )
})
