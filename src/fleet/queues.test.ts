/** What is told of queues: progress, ages, and what the workers make of them. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Fleet, InspectMethod, QueueView } from './contract.ts'
import { createFleet } from './fleet.ts'
import {
  depths,
  heartbeat,
  offline,
  queueReading,
  received,
  sent,
  started,
  succeeded,
  T0,
  W1,
} from './events.case.ts'

const W2 = 'w2@hostB'
const EVERY_MS = 5000

const view = (fleet: Fleet, nowMs: number, queue = 'bills'): QueueView | undefined =>
  fleet.queues(nowMs).find(one => one.queue === queue)
const noProgress = (fleet: Fleet, nowMs: number) => view(fleet, nowMs)?.noProgressSeconds
const age = (fleet: Fleet, nowMs: number) => view(fleet, nowMs)?.oldestTaskAgeSeconds

const say = (
  fleet: Fleet,
  method: InspectMethod,
  answers: Readonly<Record<string, unknown>>,
  askedAtMs: number,
): void =>
  fleet.observe({ kind: 'inspect', method, replies: new Map(Object.entries(answers)), askedAtMs }, askedAtMs)

const request = (id: string, queue = 'bills') => ({
  id,
  name: 'shop.bill',
  delivery_info: { routing_key: queue },
})

test('while nothing leaves a queue the time without progress rises by a second a second, between readings too', () => {
  const fleet = createFleet()
  for (let i = 0; i <= 24; i++) {
    const atMs = T0 + i * EVERY_MS
    // Messages keep coming behind the one that nobody takes.
    fleet.observe(queueReading({ depth: 10 + i, heads: ['a'], newest: [`n${i}`] }), atMs)
    expect(noProgress(fleet, atMs)).toBe(i * 5)
    expect(noProgress(fleet, atMs + 3000)).toBe(i * 5 + 3)
  }
})

test.each<[string, Parameters<typeof queueReading>[0]]>([
  ['the only head', { depth: 9, heads: ['b', 'x', 'y'] }],
  ['any of the heads', { depth: 9, heads: ['a', 'x', 'z'] }],
  ['the last of a list', { depth: 9, heads: ['a', 'x'] }],
  ['the depth, falling', { depth: 8, heads: ['a', 'x', 'y'] }],
])('a change of %s is progress', (_, after) => {
  const fleet = createFleet()
  fleet.observe(queueReading({ depth: 9, heads: ['a', 'x', 'y'] }), T0)
  fleet.observe(queueReading({ depth: 9, heads: ['a', 'x', 'y'] }), T0 + 60_000)
  expect(noProgress(fleet, T0 + 60_000)).toBe(60)
  fleet.observe(queueReading(after), T0 + 65_000)
  expect(noProgress(fleet, T0 + 65_000)).toBe(0)
})

test('a message of another priority, or more behind the head, is no progress', () => {
  const fleet = createFleet()
  fleet.observe(queueReading({ depth: 1, heads: ['a'] }), T0)
  fleet.observe(queueReading({ depth: 3, heads: ['urgent', 'a'] }), T0 + 60_000)
  expect(noProgress(fleet, T0 + 60_000)).toBe(60)
})

test('on RabbitMQ a delivery is progress, and its counter that begins anew too', () => {
  const fleet = createFleet()
  const read = (deliveredTotal: number, atMs: number) =>
    fleet.observe(queueReading({ depth: 5, deliveredTotal }), atMs)
  read(100, T0)
  read(100, T0 + 60_000)
  expect(noProgress(fleet, T0 + 60_000)).toBe(60)
  read(101, T0 + 65_000)
  expect(noProgress(fleet, T0 + 66_000)).toBe(1)
  read(101, T0 + 90_000)
  read(0, T0 + 95_000)
  expect(noProgress(fleet, T0 + 95_000)).toBe(0)
})

test('an empty queue has no lack of progress; where the transport cannot say nothing is said; nor of a reading that is old', () => {
  const fleet = createFleet()
  fleet.observe(queueReading({ depth: 3, heads: ['a'] }), T0)
  fleet.observe(queueReading({ depth: 0, heads: [] }), T0 + 60_000)
  expect(noProgress(fleet, T0 + 61_000)).toBe(0)
  fleet.observe(queueReading({ depth: 3, heads: ['b'] }), T0 + 65_000)
  expect(noProgress(fleet, T0 + 66_000)).toBe(1)
  expect(noProgress(fleet, T0 + 65_000 + 3 * EVERY_MS + 1)).toBe(null)
  fleet.observe(depths({ bills: 3 }), T0 + 100_000)
  expect(noProgress(fleet, T0 + 100_000)).toBe(null)
  // A message without an id looks like the next.
  fleet.observe(queueReading({ depth: 3, heads: [''] }), T0 + 105_000)
  expect(noProgress(fleet, T0 + 105_000)).toBe(null)
})

test('the same head after an outage means that nothing left meanwhile; while it lasts nothing is said', () => {
  const fleet = createFleet()
  fleet.observe(queueReading({ depth: 3, heads: ['a'] }), T0)
  fleet.observe({ kind: 'broker-lost' }, T0 + 10_000)
  expect(noProgress(fleet, T0 + 10_000)).toBe(null)
  fleet.observe({ kind: 'broker-connected' }, T0 + 100_000)
  fleet.observe(queueReading({ depth: 3, heads: ['a'] }), T0 + 101_000)
  expect(noProgress(fleet, T0 + 101_000)).toBe(101)
})

test('the time without progress is that since a message was taken, to within one reading, whoever sends and takes when', () => {
  const turn = fc.record({ send: fc.nat(3), take: fc.nat(2) })
  fc.assert(
    fc.property(fc.array(turn, { minLength: 1, maxLength: 60 }), turns => {
      const fleet = createFleet()
      const messages: string[] = []
      let next = 0
      // Before the first look, or while it is empty, a queue has no time without progress.
      let takenAtMs = Number.NaN
      turns.forEach(({ send, take }, i) => {
        const atMs = T0 + i * EVERY_MS
        for (let n = 0; n < send; n++) messages.push(`m${next++}`)
        if (messages.splice(0, take).length > 0 || Number.isNaN(takenAtMs)) takenAtMs = atMs
        if (messages.length === 0) takenAtMs = Number.NaN
        fleet.observe(
          queueReading({ depth: messages.length, heads: messages.slice(0, 1), newest: messages.slice(-1) }),
          atMs,
        )
        expect(noProgress(fleet, atMs)).toBe(messages.length === 0 ? 0 : (atMs - takenAtMs) / 1000)
      })
    }),
  )
})

test('the oldest message is as old as its task-sent says, though no worker sends events', () => {
  const fleet = createFleet()
  for (let i = 0; i < 4; i++) fleet.apply(heartbeat({ processed: i, atMs: T0 + i * 2000 }), T0 + i * 2000)
  say(fleet, 'active_queues', { [W1]: [{ name: 'bills' }] }, T0 + 6000)
  fleet.apply(sent('a', { atMs: T0 + 6000 }), T0 + 6000)
  fleet.apply(sent('b', { atMs: T0 + 9000 }), T0 + 9000)
  expect(age(fleet, T0 + 9000)).toBe(null)
  fleet.observe(queueReading({ depth: 2, heads: ['a'], newest: ['b'] }), T0 + 10_000)
  expect(age(fleet, T0 + 12_000)).toBe(6)
  fleet.observe(queueReading({ depth: 1, heads: ['b'], newest: ['b'] }), T0 + 15_000)
  expect(age(fleet, T0 + 15_000)).toBe(6)
  fleet.observe(queueReading({ depth: 0, heads: [], newest: [] }), T0 + 20_000)
  expect(age(fleet, T0 + 20_000)).toBe(0)
})

test('without any event the oldest message is as old as when it was seen to be the newest', () => {
  const fleet = createFleet()
  const read = (heads: readonly string[], newest: readonly string[], atMs: number) =>
    fleet.observe(queueReading({ depth: 100, heads, newest }), atMs)
  read(['m1'], ['m100'], T0)
  expect(age(fleet, T0)).toBe(null)
  read(['m51'], ['m150'], T0 + 5000)
  // It was there before we looked: nobody knows since when.
  read(['m100'], ['m200'], T0 + 10_000)
  expect(age(fleet, T0 + 10_000)).toBe(null)
  read(['m150'], ['m250'], T0 + 15_000)
  expect(age(fleet, T0 + 17_000)).toBe(12)
  read(['m151'], ['m251'], T0 + 20_000)
  expect(age(fleet, T0 + 20_000)).toBe(null)
  // Came at any time of a minute in which nothing was read.
  read(['m152'], ['m300'], T0 + 80_000)
  read(['m300'], ['m400'], T0 + 85_000)
  expect(age(fleet, T0 + 85_000)).toBe(null)
})

test('what came into a queue that was just read as empty is as old as that', () => {
  const fleet = createFleet()
  fleet.observe(queueReading({ depth: 0, heads: [], newest: [] }), T0)
  fleet.observe(queueReading({ depth: 3, heads: ['urgent', 'a'], newest: ['urgent', 'c'] }), T0 + 5000)
  expect(age(fleet, T0 + 65_000)).toBe(null)
  for (let i = 1; i <= 12; i++)
    fleet.observe(
      queueReading({ depth: 3, heads: ['urgent', 'a'], newest: ['urgent', 'c'] }),
      T0 + 5000 + i * EVERY_MS,
    )
  expect(age(fleet, T0 + 65_000)).toBe(60)
})

test('of the heads of several priorities the oldest counts, and one that is not known makes the age unknown', () => {
  const fleet = createFleet()
  fleet.observe(queueReading({ depth: 0, heads: [], newest: [] }), T0 + 45_000)
  fleet.apply(sent('urgent', { atMs: T0 + 50_000 }), T0 + 50_000)
  fleet.observe(queueReading({ depth: 2, heads: ['urgent', 'old'], newest: ['urgent', 'old'] }), T0 + 50_000)
  fleet.observe(queueReading({ depth: 2, heads: ['urgent', 'old'], newest: ['urgent', 'old'] }), T0 + 60_000)
  expect(age(fleet, T0 + 60_000)).toBe(10)
  fleet.observe(queueReading({ depth: 2, heads: ['urgent', 'unseen'], newest: ['urgent', 'x'] }), T0 + 65_000)
  expect(age(fleet, T0 + 65_000)).toBe(null)
})

test('a message older than all that events know of makes the age unknown, not small', () => {
  const fleet = createFleet()
  fleet.observe(queueReading({ depth: 500, heads: ['from before'], newest: ['x'] }), T0)
  fleet.apply(sent('a', { atMs: T0 + 1000 }), T0 + 1000)
  fleet.observe(queueReading({ depth: 501, heads: ['from before'], newest: ['a'] }), T0 + 5000)
  expect(age(fleet, T0 + 6000)).toBe(null)
})

test('a head that was started since it was read waits no more, even when it has succeeded already', () => {
  const fleet = createFleet()
  for (const id of ['a', 'b', 'c']) fleet.apply(sent(id), T0)
  fleet.apply(started('a', { atMs: T0 + 1000 }), T0 + 1000)
  fleet.observe(queueReading({ depth: 3, heads: ['a'] }), T0 + 1001)
  expect(age(fleet, T0 + 2000)).toBe(2)
  fleet.apply(succeeded('a', { atMs: T0 + 2000 }), T0 + 2000)
  fleet.observe(queueReading({ depth: 3, heads: ['a'] }), T0 + 2001)
  expect(age(fleet, T0 + 3000)).toBe(3)
})

test('what is prefetched waits too, and may be older than all that the broker holds', () => {
  const fleet = createFleet()
  fleet.apply(sent('a'), T0)
  fleet.apply(received('a', { atMs: T0 + 10 }), T0 + 10)
  fleet.apply(sent('b', { atMs: T0 + 30_000 }), T0 + 30_000)
  fleet.observe(queueReading({ depth: 1, heads: ['b'], newest: ['b'] }), T0 + 40_000)
  expect(age(fleet, T0 + 40_000)).toBe(40)
})

test('what is remembered of messages is bounded, and still tells the age of what waits long', () => {
  const fleet = createFleet()
  fleet.observe(queueReading({ depth: 0, heads: [], newest: [] }), T0)
  for (let i = 1; i <= 5000; i++)
    fleet.observe(queueReading({ depth: i, heads: ['m1'], newest: [`m${i}`] }), T0 + i * EVERY_MS)
  const nowMs = T0 + 5000 * EVERY_MS
  expect(age(fleet, nowMs)).toBe((4999 * EVERY_MS) / 1000)
})

test('a sampled age is never more than one reading off, and never told when it cannot be known', () => {
  const turn = fc.record({ send: fc.nat(3), take: fc.nat(3) })
  fc.assert(
    fc.property(fc.nat(5), fc.array(turn, { minLength: 1, maxLength: 60 }), (before, turns) => {
      const fleet = createFleet()
      const messages = Array.from({ length: before }, (_, i) => ({ id: `old${i}`, sentMs: Number.NaN }))
      let next = 0
      turns.forEach(({ send, take }, i) => {
        const atMs = T0 + i * EVERY_MS
        for (let n = 0; n < send; n++) messages.push({ id: `m${next++}`, sentMs: atMs - n })
        messages.splice(0, take)
        const ids = messages.map(({ id }) => id)
        fleet.observe(
          queueReading({ depth: ids.length, heads: ids.slice(0, 1), newest: ids.slice(-1) }),
          atMs,
        )
        const told = age(fleet, atMs)
        const [first] = messages
        if (first === undefined) expect(told).toBe(0)
        else if (Number.isNaN(first.sentMs)) expect(told).toBe(null)
        else if (told !== null)
          expect(Math.abs((told ?? 0) - (atMs - first.sentMs) / 1000)).toBeLessThanOrEqual(EVERY_MS / 1000)
      })
    }),
  )
})

const STATS = (slots: number) => ({ pool: { 'max-concurrency': slots } })

/** Two workers that consume `bills`, the second `emails` too; asked everything. */
function asked(): Fleet {
  const fleet = createFleet()
  fleet.observe({ kind: 'broker-connected' }, T0)
  for (let atMs = T0; atMs <= T0 + 40_000; atMs += 2000) {
    fleet.apply(heartbeat({ active: 3, atMs }), atMs)
    fleet.apply(heartbeat({ worker: W2, active: 1, atMs }), atMs)
    fleet.tick(atMs)
  }
  const atMs = T0 + 40_000
  say(fleet, 'stats', { [W1]: STATS(4), [W2]: STATS(2) }, atMs)
  say(
    fleet,
    'active_queues',
    { [W1]: [{ name: 'bills' }], [W2]: [{ name: 'bills' }, { name: 'emails' }] },
    atMs,
  )
  say(fleet, 'active', { [W1]: ['a', 'b', 'c'].map(id => request(id)), [W2]: [request('d', 'emails')] }, atMs)
  say(
    fleet,
    'reserved',
    { [W1]: [request('e'), request('f')], [W2]: [request('g'), request('h', 'emails')] },
    atMs,
  )
  say(fleet, 'scheduled', { [W1]: [], [W2]: [] }, atMs)
  fleet.observe(depths({ bills: 12, emails: 0, gdpr: 7 }), atMs)
  return fleet
}

test('slots, reserved tasks and load of a queue follow from the workers that consume it', () => {
  const fleet = asked()
  expect(view(fleet, T0 + 40_000, 'bills')).toMatchObject({
    consumers: 2,
    freeSlots: 2,
    reservedTasks: 3,
    load: (3 + 3 + 12) / 6,
  })
  expect(view(fleet, T0 + 40_000, 'emails')).toMatchObject({
    consumers: 1,
    freeSlots: 1,
    reservedTasks: 1,
    load: 1,
  })
  // Nobody consumes it: no slot is free, and a load over no slots is no number.
  expect(view(fleet, T0 + 40_000, 'gdpr')).toMatchObject({
    consumers: 0,
    freeSlots: 0,
    reservedTasks: 0,
    load: null,
  })
})

test('where the broker counts the consumers of a queue, its number is told, also of those that nobody asked or heard', () => {
  const fleet = asked()
  const counted = queueReading({ queue: 'gdpr', depth: 7, consumers: 3 })
  fleet.observe(counted, T0 + 40_000)
  expect(view(fleet, T0 + 40_000, 'gdpr')).toMatchObject({ consumers: 3, freeSlots: 0 })
  fleet.observe({ kind: 'broker-lost' }, T0 + 40_001)
  expect(view(fleet, T0 + 40_001, 'gdpr')?.consumers).not.toBe(3)
})

test('a worker that stops takes its slots and its tasks along', () => {
  const fleet = asked()
  fleet.apply(offline({ worker: W2, atMs: T0 + 40_001 }), T0 + 40_001)
  expect(view(fleet, T0 + 40_001, 'bills')).toMatchObject({
    consumers: 1,
    freeSlots: 1,
    reservedTasks: 2,
    load: 17 / 4,
  })
  expect(view(fleet, T0 + 40_001, 'emails')).toMatchObject({ consumers: 0, freeSlots: 0, load: null })
})

test.each<[string, (fleet: Fleet) => void, Partial<QueueView>]>([
  [
    'how large its pool is',
    fleet => fleet.apply(heartbeat({ worker: W2, pid: 7, atMs: T0 + 40_001 }), T0 + 40_001),
    { freeSlots: null, reservedTasks: null, load: null },
  ],
  [
    'of which queue a task is',
    fleet => say(fleet, 'reserved', { [W2]: [{ id: 'x', name: 'n' }] }, T0 + 40_001),
    { reservedTasks: null, load: null, freeSlots: 2 },
  ],
  [
    'what it holds, in a form that can be read',
    fleet => say(fleet, 'reserved', { [W2]: [{}] }, T0 + 40_001),
    { reservedTasks: null, load: null },
  ],
])('when a consumer does not say %s, what depends on it is unknown', (_, change, expected) => {
  const fleet = asked()
  change(fleet)
  expect(view(fleet, T0 + 40_001, 'bills')).toMatchObject(expected)
})

test('what does not concern a queue does not make its numbers unknown', () => {
  const fleet = asked()
  say(
    fleet,
    'reserved',
    { [W1]: [{ id: 'x', name: 'n', delivery_info: { routing_key: '' } }, {}] },
    T0 + 40_001,
  )
  expect(view(fleet, T0 + 40_001, 'bills')).toMatchObject({ reservedTasks: null })
  expect(view(fleet, T0 + 40_001, 'emails')).toMatchObject({ reservedTasks: 1, load: 1 })
})

test('an old answer, an old depth or a lost broker makes a load unknown', () => {
  const fleet = asked()
  fleet.observe(depths({ bills: 12 }), T0 + 95_000)
  expect(view(fleet, T0 + 95_000)).toMatchObject({ reservedTasks: null, load: null })
  const old = asked()
  expect(view(old, T0 + 60_000)).toMatchObject({ depth: null, load: null, reservedTasks: 3 })
  const lost = asked()
  lost.observe({ kind: 'broker-lost' }, T0 + 40_001)
  expect(view(lost, T0 + 40_001)).toMatchObject({
    consumers: null,
    freeSlots: null,
    reservedTasks: null,
    load: null,
    unacked: null,
    noProgressSeconds: null,
  })
})

test('unacknowledged messages are told as read', () => {
  const fleet = createFleet()
  fleet.observe(queueReading({ depth: 0, unacked: 9 }), T0)
  expect(view(fleet, T0)).toMatchObject({ unacked: 9 })
  fleet.observe(queueReading({ depth: 0, unacked: null }), T0 + 5000)
  expect(view(fleet, T0 + 5000)).toMatchObject({ unacked: null })
})

/** Rounds of questions every 15 s from a time on, in which a worker says that it holds these tasks. */
const rounds = (fleet: Fleet, fromMs: number, count: number, holds: readonly string[] = []): number => {
  let atMs = fromMs
  for (let i = 0; i < count; i++, atMs += 15_000) {
    fleet.apply(heartbeat({ atMs }), atMs)
    say(fleet, 'active', { [W1]: [] }, atMs)
    say(fleet, 'reserved', { [W1]: holds.map(id => request(id)) }, atMs + 100)
    say(fleet, 'scheduled', { [W1]: [] }, atMs + 200)
  }
  return atMs - 15_000 + 200
}

test('a task that a worker received and lists no more has started unseen, though its queue is never empty', () => {
  const fleet = createFleet()
  fleet.observe({ kind: 'broker-connected' }, T0)
  fleet.apply(sent('a'), T0)
  fleet.apply(sent('b'), T0)
  for (const id of ['a', 'b']) fleet.apply(received(id, { atMs: T0 + 10 }), T0 + 10)
  const nowMs = rounds(fleet, T0 + 1000, 4, ['b'])
  expect(nowMs - T0).toBeLessThan(60_000)
  expect(age(fleet, nowMs)).toBe((nowMs - T0) / 1000)
  // Only the one that is still listed waits: when that one starts, nobody does.
  fleet.apply(started('b', { atMs: nowMs }), nowMs)
  expect(age(fleet, nowMs)).toBe(0)
})

test('a task that left the broker and is listed by nobody has started unseen, though nobody was seen to receive it', () => {
  const fleet = createFleet()
  fleet.observe({ kind: 'broker-connected' }, T0)
  fleet.apply(sent('a'), T0)
  fleet.apply(sent('b', { atMs: T0 + 8000 }), T0 + 8000)
  fleet.observe(queueReading({ depth: 1, heads: ['b'], newest: ['b'] }), T0 + 10_000)
  const nowMs = rounds(fleet, T0 + 11_000, 4)
  fleet.observe(queueReading({ depth: 1, heads: ['b'], newest: ['b'] }), nowMs)
  expect(age(fleet, nowMs)).toBe((nowMs - T0 - 8000) / 1000)
})

test('a task that is still in the broker, or whose worker is gone or does not say, waits on', () => {
  const fleet = createFleet()
  fleet.observe({ kind: 'broker-connected' }, T0)
  fleet.apply(sent('a'), T0)
  fleet.observe(queueReading({ depth: 1, heads: ['a'], newest: ['a'] }), T0 + 10_000)
  const nowMs = rounds(fleet, T0 + 11_000, 6)
  fleet.observe(queueReading({ depth: 1, heads: ['a'], newest: ['a'] }), nowMs)
  expect(age(fleet, nowMs)).toBe((nowMs - T0) / 1000)

  const gone = createFleet()
  gone.observe({ kind: 'broker-connected' }, T0)
  gone.apply(sent('a'), T0)
  gone.apply(received('a', { worker: W2 }), T0)
  gone.apply(offline({ worker: W2, atMs: T0 + 10 }), T0 + 10)
  const laterMs = rounds(gone, T0 + 11_000, 6)
  expect(age(gone, laterMs)).toBe((laterMs - T0) / 1000)

  const mute = createFleet()
  mute.observe({ kind: 'broker-connected' }, T0)
  mute.apply(sent('a'), T0)
  mute.apply(received('a', { worker: W2 }), T0)
  for (let atMs = T0; atMs < T0 + 100_000; atMs += 2000) mute.apply(heartbeat({ worker: W2, atMs }), atMs)
  const lastMs = rounds(mute, T0 + 11_000, 6)
  expect(age(mute, lastMs)).toBe((lastMs - T0) / 1000)
})
