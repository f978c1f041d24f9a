/**
 * Waits of tasks that are retried, against the truth, while events overtake one another at will: a client, two workers and every
 * pool process that publishes a retry have each a connection of their own, on which order is kept.
 *
 * All waits are told, and right, as long as nothing is lost. When a `task-sent` or a `task-started` is lost, the run has none and
 * the others keep theirs. What cannot be known, and is left out here:
 * - of which run a start is whose `task-received` was lost: nothing is told, or, when an older run of the same worker still has to
 *   start for all we heard, it is taken for that one's;
 * - of which run a start is when the one before it was lost on the same worker, and that worker told of the start before it told
 *   of the retry (its pool processes report through pipes of their own, so that this happens, within milliseconds).
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { CeleryEvent } from '../celery/index.ts'
import { received, retried, sent, started, succeeded, T0 } from './events.case.ts'
import { createFleet } from './fleet.ts'

const WORKERS = ['w1@h', 'w2@h']
const QUEUES = ['bills', 'emails', 'reports']
/** Less than what an event may be late before its bearer's clock is doubted, and than ended tasks are remembered. */
const MAX_DELAY_MS = 1500

interface RunPlan {
  readonly worker: number
  readonly queue: number
  readonly countdownMs: number
  readonly waitMs: number
  readonly runMs: number
  /** How long the parent process takes to tell of what its pool did. */
  readonly startLagMs: number
  readonly retryLagMs: number
}

const plans = (minWaitMs: number): fc.Arbitrary<readonly (readonly RunPlan[])[]> =>
  fc.array(
    fc.array(
      fc.record({
        worker: fc.nat(1),
        queue: fc.nat(2),
        countdownMs: fc.constantFrom(0, 0, 50, 700),
        waitMs: fc.integer({ min: minWaitMs, max: 400 }),
        runMs: fc.integer({ min: 1, max: 300 }),
        startLagMs: fc.integer({ min: 0, max: 20 }),
        retryLagMs: fc.integer({ min: 0, max: 30 }),
      }),
      { minLength: 1, maxLength: 5 },
    ),
    { minLength: 1, maxLength: 4 },
  )

interface Emitted {
  readonly event: CeleryEvent
  readonly atMs: number
  /** The connection it goes over. */
  readonly stream: string
}

/** What everyone sends for a task, and by run: where it waited, and for how long. */
function live(id: string, runs: readonly RunPlan[]) {
  const emitted: Emitted[] = []
  const waits: { readonly told: string; readonly sentBy: CeleryEvent; readonly startedBy: CeleryEvent }[] = []
  const name = `shop.${id}`
  let atMs = T0
  const lastMs = new Map<string, number>()
  /** Not before what the same process told of the run before it. */
  const tell = (worker: string, kind: string, wantedMs: number, make: (atMs: number) => CeleryEvent) => {
    const toldMs = Math.max(wantedMs, lastMs.get(worker + kind) ?? 0)
    lastMs.set(worker + kind, toldMs)
    const event = make(toldMs)
    emitted.push({ event, atMs: toldMs, stream: worker })
    return { event, toldMs }
  }
  runs.forEach((plan, retries) => {
    const worker = WORKERS[plan.worker] ?? ''
    const queue = QUEUES[plan.queue] ?? ''
    const readyMs = atMs + plan.countdownMs
    const eta = plan.countdownMs === 0 ? null : new Date(readyMs).toISOString()
    const sentBy = sent(id, { name, queue, retries, eta, atMs })
    emitted.push({ event: sentBy, atMs, stream: retries === 0 ? 'client' : `child of ${id} ${retries}` })
    tell(worker, 'received', atMs, at => received(id, { name, worker, retries, eta, atMs: at }))
    const beganMs = readyMs + plan.waitMs
    const start = tell(worker, 'started', beganMs + plan.startLagMs, at => started(id, { worker, atMs: at }))
    waits.push({ told: `${name} ${queue} ${start.toldMs - readyMs}`, sentBy, startedBy: start.event })
    atMs = beganMs + plan.runMs
    const isLast = retries === runs.length - 1
    // A run ends after it was told to have begun.
    const endMs = Math.max(atMs + plan.retryLagMs, start.toldMs)
    tell(worker, 'ended', endMs, at => (isLast ? succeeded : retried)(id, { worker, atMs: at }))
  })
  return { emitted, waits }
}

/** As it arrives: each event late by something, but never before what the same connection brought earlier. */
function arrivals(emitted: readonly Emitted[], delayOf: () => number) {
  const lastMs = new Map<string, number>()
  return emitted
    .toSorted((a, b) => a.atMs - b.atMs)
    .map(({ event, atMs, stream }) => {
      const arrivalMs = Math.max(atMs + delayOf(), lastMs.get(stream) ?? 0)
      lastMs.set(stream, arrivalMs)
      return { event, arrivalMs }
    })
    .toSorted((a, b) => a.arrivalMs - b.arrivalMs)
}

function waitsTold(emitted: readonly Emitted[], delayOf: () => number): readonly string[] {
  const fleet = createFleet()
  let nowMs = T0
  for (const { event, arrivalMs } of arrivals(emitted, delayOf)) {
    for (; nowMs + 1000 < arrivalMs; nowMs += 1000) fleet.tick(nowMs)
    fleet.apply(event, (nowMs = arrivalMs))
  }
  fleet.tick(nowMs + 30_000)
  // Nothing is left behind.
  for (const { oldestTaskAgeSeconds } of fleet.queues(nowMs + 30_000)) expect(oldestTaskAgeSeconds).toBe(0)
  expect(fleet.running(nowMs + 30_000)).toEqual([])
  return fleet
    .drainChanges()
    .flatMap(change =>
      'waitSeconds' in change && change.waitSeconds !== undefined
        ? [`${change.task} ${change.queue} ${Math.round(change.waitSeconds * 1000)}`]
        : [],
    )
    .toSorted()
}

/** Mostly hardly any delay, often much. */
const delays = fc.infiniteStream(
  fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: MAX_DELAY_MS })),
)
const next = (stream: Iterator<number>) => (): number => Number(stream.next().value)

test('every run has its wait, once and right, on its own queue, in whatever order its events are heard', () => {
  fc.assert(
    fc.property(plans(0), delays, (tasks, delay) => {
      const lives = tasks.map((runs, i) => live(`t${i}`, runs))
      const told = waitsTold(
        lives.flatMap(({ emitted }) => emitted),
        next(delay),
      )
      expect(told).toEqual(lives.flatMap(({ waits }) => waits.map(wait => wait.told)).toSorted())
    }),
    { numRuns: 600 },
  )
})

test('a run whose publication or start is lost has no wait, and all others keep theirs', () => {
  fc.assert(
    fc.property(plans(60), delays, fc.infiniteStream(fc.nat(9)), (tasks, delay, dice) => {
      const lives = tasks.map((runs, i) => live(`t${i}`, runs))
      const lost = new Set<CeleryEvent>()
      for (const { sentBy, startedBy } of lives.flatMap(({ waits }) => waits)) {
        const face = dice.next().value
        if (face === 0) lost.add(sentBy)
        if (face === 1) lost.add(startedBy)
      }
      const told = waitsTold(
        lives.flatMap(({ emitted }) => emitted.filter(({ event }) => !lost.has(event))),
        next(delay),
      )
      const whole = lives
        .flatMap(({ waits }) => waits)
        .filter(({ sentBy, startedBy }) => !lost.has(sentBy) && !lost.has(startedBy))
      expect(told).toEqual(whole.map(wait => wait.told).toSorted())
    }),
    { numRuns: 400 },
  )
})
