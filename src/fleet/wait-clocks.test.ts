/** Waits when clocks are wrong. Each actor's clock is given by how far it is ahead of the true time. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createFleet } from './fleet.ts'
import { heartbeat, received, sent, started, T0, W1 } from './events.case.ts'

interface Clocks {
  readonly worker?: number
  readonly client?: number
  readonly ours?: number
  /** Time from sending an event to its arrival; the same for all. */
  readonly deliveryMs?: number
}

interface Plan {
  readonly waitMs: number
  /** Heartbeats heard before. */
  readonly beats?: number
  /** The worker's events overtake the client's by this. */
  readonly lateMs?: number
  readonly etaMs?: number
}

/** The wait that is told of one task, in seconds; undefined when none is. */
function waitOf(clocks: Clocks, plan: Plan): number | undefined {
  const { worker = 0, client = 0, ours = 0, deliveryMs = 5 } = clocks
  const fleet = createFleet()
  const heard = (trueMs: number): number => trueMs + ours + deliveryMs
  const beats = plan.beats ?? 12
  for (let i = 0; i < beats; i++) {
    const trueMs = T0 + (i - beats) * 2000
    fleet.apply(heartbeat({ atMs: trueMs + worker }), heard(trueMs))
  }
  const sentMs = T0 + 1000
  const eta = plan.etaMs === undefined ? null : new Date(sentMs + plan.etaMs).toISOString()
  const startMs = sentMs + (plan.etaMs ?? 0) + plan.waitMs
  const sentEvent = () =>
    fleet.apply(sent('a', { atMs: sentMs + client, eta }), heard(sentMs + (plan.lateMs ?? 0)))
  if (plan.lateMs === undefined) sentEvent()
  fleet.apply(received('a', { atMs: startMs + worker }), heard(startMs))
  fleet.apply(started('a', { atMs: startMs + worker }), heard(startMs))
  if (plan.lateMs !== undefined) sentEvent()
  fleet.tick(heard(startMs) + 60_000)
  return fleet
    .drainChanges()
    .flatMap(change =>
      'waitSeconds' in change && change.waitSeconds !== undefined ? [change.waitSeconds] : [],
    )[0]
}

const HOUR = 3_600_000

test('while all clocks are right a wait is exact, whatever the deliveries', () => {
  expect(waitOf({ deliveryMs: 200 }, { waitMs: 1234 })).toBe(1.234)
})

test.each<[string, Clocks, Plan]>([
  ['a worker an hour ahead', { worker: HOUR }, { waitMs: 1500 }],
  ['a worker an hour behind', { worker: -HOUR }, { waitMs: 1500 }],
  ['a worker half a minute ahead', { worker: 30_000 }, { waitMs: 1500 }],
  ['a worker an hour ahead whose clock is not known yet', { worker: HOUR }, { waitMs: 1500, beats: 0 }],
  [
    'a worker an hour ahead and a task that runs before its task-sent is heard',
    { worker: HOUR },
    { waitMs: 0, lateMs: 10 },
  ],
  ['our own clock, an hour ahead', { ours: HOUR }, { waitMs: 1500 }],
  ['our own clock, an hour behind', { ours: -HOUR }, { waitMs: 1500 }],
  ['our own clock, an hour ahead, and a late task-sent', { ours: HOUR }, { waitMs: 0, lateMs: 10 }],
  ['our own clock, an hour behind, and a late task-sent', { ours: -HOUR }, { waitMs: 0, lateMs: 10 }],
  ['a client an hour ahead', { client: HOUR }, { waitMs: 1500 }],
  ['a client an hour ahead whose task-sent is late', { client: HOUR }, { waitMs: 0, lateMs: 10 }],
  ['a client an hour behind whose task-sent is late', { client: -HOUR }, { waitMs: 0, lateMs: 10 }],
  ['a worker an hour ahead and a task with an ETA', { worker: HOUR }, { waitMs: 700, etaMs: 60_000 }],
])('%s does not make waits wrong', (_, clocks, plan) => {
  expect(waitOf(clocks, plan)).toBeCloseTo(plan.waitMs / 1000, 1)
})

test('a worker that is only heard late keeps its exact times', () => {
  const fleet = createFleet()
  // A queue of events that grows by 400 ms with each heartbeat.
  for (let i = 0; i < 12; i++) fleet.apply(heartbeat({ atMs: T0 + i * 2000 }), T0 + i * 2400 + 5000)
  fleet.apply(sent('a', { atMs: T0 + 20_000 }), T0 + 32_000)
  fleet.apply(started('a', { atMs: T0 + 21_500 }), T0 + 40_000)
  expect(fleet.workers(T0 + 40_000)).toMatchObject([{ worker: W1, clockFault: 'delayed' }])
  expect(fleet.drainChanges().at(-1)).toMatchObject({ event: 'started', waitSeconds: 1.5 })
})

test("neither a worker's clock nor ours, however wrong, moves a wait by more than deliveries differ", () => {
  const skew = fc.oneof(fc.integer({ min: -1e9, max: 1e9 }), fc.integer({ min: -5000, max: 5000 }))
  fc.assert(
    fc.property(skew, fc.boolean(), fc.nat(100_000), (skewMs, isOurs, waitMs) => {
      const told = waitOf(isOurs ? { ours: skewMs } : { worker: skewMs }, { waitMs })
      expect(Math.abs((told ?? Number.NaN) - waitMs / 1000)).toBeLessThanOrEqual(0.26)
    }),
    { numRuns: 300 },
  )
})
