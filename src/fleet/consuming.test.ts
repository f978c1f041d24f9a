/** Whether a worker consumes: what its answers say, and what it means when none comes. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Fleet } from './contract.ts'
import { Consuming } from './consuming.ts'
import { createFleet } from './fleet.ts'
import { heartbeat, offline, received, started, succeeded, T0, W1 } from './events.case.ts'

const INTERVAL_MS = 30_000
const QUEUE = [{ name: 'bills', routing_key: 'bills' }]
const SOLO = { pool: { implementation: 'celery.concurrency.solo:TaskPool', 'max-concurrency': 1 } }

const consuming = (fleet: Fleet, nowMs: number): boolean | null | undefined =>
  fleet.workers(nowMs)[0]?.consuming

/** A round of `active_queues` that ends a second after it was asked. */
const round = (fleet: Fleet, answer: unknown, askedAtMs: number): void =>
  fleet.observe(
    {
      kind: 'inspect',
      method: 'active_queues',
      replies: new Map(answer === undefined ? [] : [[W1, answer]]),
      askedAtMs,
    },
    askedAtMs + 1000,
  )

/** Plays seconds: heartbeats at even ones, a round each 30 s from the first on, and says when `consuming` was first false. */
function play(
  fleet: Fleet,
  seconds: number,
  answerAt: (atMs: number) => unknown,
  beats: (atMs: number) => boolean = () => true,
): number | undefined {
  let falseAtSeconds: number | undefined
  for (let s = 0; s <= seconds; s++) {
    const atMs = T0 + s * 1000
    if (s % 2 === 0 && beats(atMs)) fleet.apply(heartbeat({ atMs, processed: 5 }), atMs)
    if (s % 30 === 1) round(fleet, answerAt(atMs - 1000), atMs - 1000)
    fleet.tick(atMs)
    if (consuming(fleet, atMs) === false) falseAtSeconds ??= s
  }
  return falseAtSeconds
}

test('a worker consumes while its last answer named a queue, and does not when it named none', () => {
  const fleet = createFleet()
  fleet.apply(heartbeat(), T0)
  expect(consuming(fleet, T0)).toBe(null)
  round(fleet, QUEUE, T0)
  expect(consuming(fleet, T0 + 1000)).toBe(true)
  round(fleet, [], T0 + 15_000)
  expect(consuming(fleet, T0 + 16_000)).toBe(false)
  round(fleet, QUEUE, T0 + 30_000)
  expect(consuming(fleet, T0 + 31_000)).toBe(true)
})

test('alive in every way but that it consumes nothing, it is told within 90 s at one question in 30 s', () => {
  // It stops just after a round, which is the worst time.
  const named = play(createFleet({ inspectIntervalMs: INTERVAL_MS }), 200, atMs =>
    atMs < T0 + 30_000 ? QUEUE : [],
  )
  expect(named).toBeLessThanOrEqual(90)
  const silent = play(createFleet({ inspectIntervalMs: INTERVAL_MS }), 200, atMs =>
    atMs < T0 + 30_000 ? QUEUE : undefined,
  )
  expect(silent).toBeLessThanOrEqual(90)
})

test('one that answers nothing at all is asked but one question a round, and told as soon; each round counts once', () => {
  // With others that answer, a round has further questions, which it does not answer either.
  for (const others of [false, true]) {
    const fleet = createFleet({ inspectIntervalMs: INTERVAL_MS })
    let falseAtSeconds: number | undefined
    for (let s = 0; s <= 100; s++) {
      const atMs = T0 + s * 1000
      fleet.apply(heartbeat({ atMs, processed: 5, freq: 1 }), atMs)
      const answers = s < 10
      const ask = (method: 'stats' | 'active_queues', value: unknown): void => {
        const replies = new Map<string, unknown>(others ? [['other@h', value]] : [])
        if (answers) replies.set(W1, value)
        fleet.observe({ kind: 'inspect', method, replies, askedAtMs: atMs }, atMs + 900)
      }
      if (s % 30 === 0) ask('stats', { pool: { 'max-concurrency': 2 } })
      if (s % 30 === 2 && (answers || others)) ask('active_queues', QUEUE)
      if (fleet.workers(atMs).find(view => view.worker === W1)?.consuming === false) falseAtSeconds ??= s
    }
    expect(falseAtSeconds).toBeGreaterThan(60)
    expect(falseAtSeconds).toBeLessThanOrEqual(90)
  }
})

test('it may answer every other question: one missed round says nothing', () => {
  const fleet = createFleet({ inspectIntervalMs: INTERVAL_MS })
  const every = (atMs: number) => ((atMs - T0) % 60_000 === 0 ? QUEUE : undefined)
  expect(play(fleet, 600, every)).toBe(undefined)
  expect(consuming(fleet, T0 + 600_000)).toBe(true)
})

test('a worker that never answered has remote control switched off, for all we know', () => {
  const fleet = createFleet({ inspectIntervalMs: INTERVAL_MS })
  expect(play(fleet, 300, () => undefined)).toBe(undefined)
  expect(consuming(fleet, T0 + 300_000)).toBe(null)
})

test('an answer that is an error is no answer about queues, and no silence', () => {
  const fleet = createFleet({ inspectIntervalMs: INTERVAL_MS })
  const answer = (atMs: number) => (atMs === T0 ? QUEUE : null)
  expect(play(fleet, 80, answer)).toBe(undefined)
})

test('a busy worker with a full pool consumes', () => {
  const fleet = createFleet({ inspectIntervalMs: INTERVAL_MS })
  for (let i = 0; i < 4; i++) fleet.apply(started(`t${i}`), T0)
  expect(play(fleet, 300, () => QUEUE)).toBe(undefined)
  expect(consuming(fleet, T0 + 300_000)).toBe(true)
})

test('one whose heartbeats stop too is silent, which is not the same', () => {
  const fleet = createFleet({ inspectIntervalMs: INTERVAL_MS, workerTimeoutMs: 600_000 })
  const dies = (atMs: number) => atMs < T0 + 20_000
  expect(play(fleet, 300, atMs => (dies(atMs) ? QUEUE : undefined), dies)).toBe(undefined)
})

test('a solo pool that runs one task after another answers between them, if ever, and is not accused', () => {
  for (const events of [true, false]) {
    const fleet = createFleet({ inspectIntervalMs: INTERVAL_MS })
    fleet.apply(heartbeat({ processed: 0 }), T0)
    fleet.observe({ kind: 'inspect', method: 'stats', replies: new Map([[W1, SOLO]]), askedAtMs: T0 }, T0)
    round(fleet, QUEUE, T0)
    // Tasks of 3.5 s without a pause: beats come between them, answers always too late.
    let processed = 0
    for (let atMs = T0 + 2000; atMs < T0 + 600_000; atMs += 3500) {
      fleet.apply(heartbeat({ atMs, processed }), atMs)
      if (events) {
        fleet.apply(received(`t${processed}`, { atMs }), atMs)
        fleet.apply(started(`t${processed}`, { atMs }), atMs)
      }
      processed++
      if (processed % 9 === 0) round(fleet, undefined, atMs + 500)
      if (events) fleet.apply(succeeded(`t${processed - 1}`, { atMs: atMs + 3490 }), atMs + 3490)
      expect(consuming(fleet, atMs + 3490)).not.toBe(false)
    }
  }
})

test('a solo pool in a task of ten minutes still consumes, by its last word', () => {
  const fleet = createFleet({ inspectIntervalMs: INTERVAL_MS })
  fleet.apply(heartbeat(), T0)
  fleet.observe({ kind: 'inspect', method: 'stats', replies: new Map([[W1, SOLO]]), askedAtMs: T0 }, T0)
  round(fleet, QUEUE, T0)
  fleet.apply(started('a', { atMs: T0 + 2000 }), T0 + 2000)
  for (let s = 30; s <= 590; s += 30) {
    round(fleet, undefined, T0 + s * 1000)
    fleet.tick(T0 + s * 1000 + 1000)
  }
  expect(fleet.workers(T0 + 592_000)[0]).toMatchObject({ state: 'suspect', consuming: true, active: 1 })
})

test('a solo pool that is idle and does not answer is told like any other', () => {
  const fleet = createFleet({ inspectIntervalMs: INTERVAL_MS })
  fleet.observe({ kind: 'inspect', method: 'stats', replies: new Map([[W1, SOLO]]), askedAtMs: T0 }, T0)
  expect(play(fleet, 200, atMs => (atMs < T0 + 30_000 ? QUEUE : undefined))).toBeLessThanOrEqual(90)
})

test('after a restart, a goodbye or the loss of the broker nothing is known of it', () => {
  const known = () => {
    const fleet = createFleet()
    fleet.apply(heartbeat(), T0)
    round(fleet, QUEUE, T0)
    return fleet
  }
  const restarted = known()
  restarted.apply(heartbeat({ pid: 200, atMs: T0 + 2000 }), T0 + 2000)
  expect(consuming(restarted, T0 + 2000)).toBe(null)
  const stopped = known()
  stopped.apply(offline({ atMs: T0 + 2000 }), T0 + 2000)
  expect(consuming(stopped, T0 + 2000)).toBe(null)
  const lost = known()
  lost.observe({ kind: 'broker-lost' }, T0 + 2000)
  expect(consuming(lost, T0 + 2000)).toBe(null)
})

test('an answer that nobody renewed grows too old to be told', () => {
  const fleet = createFleet({ inspectIntervalMs: 15_000 })
  fleet.apply(heartbeat(), T0)
  round(fleet, QUEUE, T0)
  expect(consuming(fleet, T0 + 45_000)).toBe(true)
  expect(consuming(fleet, T0 + 45_001)).toBe(null)
})

test('whatever comes, it is false only after an empty answer or two silent rounds since the last one', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('answer' as const), queues: fc.nat(2) }),
    fc.record({ do: fc.constant('silence' as const) }),
    fc.record({ do: fc.constant('beat' as const), processed: fc.nat(3) }),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(step, fc.integer({ min: 1, max: 6000 })), { maxLength: 60 }), steps => {
      const one = new Consuming()
      let atMs = T0
      let beatMs = Number.NaN
      let [answered, last, silences] = [false, 0, 0]
      for (const [what, waitMs] of steps) {
        atMs += waitMs
        if (what.do === 'answer') {
          one.answered(what.queues, atMs)
          answered = true
          last = what.queues
          silences = 0
        } else if (what.do === 'silence') {
          one.unanswered(atMs, beatMs, 0)
          silences++
        } else {
          one.beat(atMs, 2000, what.processed, false)
          beatMs = atMs
        }
        const told = one.told(atMs, Infinity)
        if (!answered) expect(told).toBe(null)
        else if (last === 0) expect(told).toBe(false)
        else if (silences < 2) expect(told).toBe(true)
      }
    }),
  )
})
