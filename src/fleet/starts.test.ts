/** Events that a worker counted and nobody heard. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Fleet } from './contract.ts'
import { createFleet } from './fleet.ts'
import { askedHeartbeat, heartbeat, received, started, T0, W1 } from './events.case.ts'
import { StartAccount } from './starts.ts'

/** A worker on the wire: what it does is counted as Celery counts it, and its events are heard unless they are lost. */
class Wire {
  readonly fleet = createFleet()
  processed = 0
  pid = 100
  readonly totals = new Map<string, number>()
  #nowMs = T0
  #tasks = 0

  /** Runs tasks; `lose` decides by what was sent. */
  run(
    count: number,
    options: { lose?: (type: 'received' | 'started', i: number) => boolean; name?: string } = {},
  ): void {
    const { lose = () => false, name = 'shop.bill' } = options
    for (let i = 0; i < count; i++) {
      const id = `t${this.#tasks++}`
      this.#nowMs += 10
      const said = { atMs: this.#nowMs, pid: this.pid, name }
      if (!lose('received', i)) this.fleet.apply(received(id, said), this.#nowMs)
      this.processed++
      this.totals.set(name, (this.totals.get(name) ?? 0) + 1)
      if (!lose('started', i)) this.fleet.apply(started(id, said), this.#nowMs)
    }
  }

  beat(times = 1, heard = true): this {
    for (let i = 0; i < times; i++) {
      this.#nowMs += 2000
      const said = { atMs: this.#nowMs, pid: this.pid, processed: this.processed }
      if (heard) this.fleet.apply(heartbeat(said), this.#nowMs)
    }
    return this
  }

  answerStats(): this {
    const stats = { pid: this.pid, total: Object.fromEntries(this.totals), pool: { 'max-concurrency': 4 } }
    this.#nowMs += 10
    this.fleet.observe(
      { kind: 'inspect', method: 'stats', replies: new Map([[W1, stats]]), askedAtMs: this.#nowMs },
      this.#nowMs,
    )
    return this
  }

  observe(kind: 'broker-lost' | 'broker-connected'): void {
    this.fleet.observe({ kind }, this.#nowMs)
  }

  /** What was told to be lost since last asked; undefined when nothing was told, not even 0. */
  get lost(): number | undefined {
    return lostOf(this.fleet)
  }
}

const lostOf = (fleet: Fleet): number | undefined =>
  fleet
    .drainChanges()
    .flatMap(change => (change.kind === 'events-lost' ? [change.count] : []))
    .reduce<number | undefined>((sum, count) => (sum ?? 0) + count, undefined)

const everyThird = (type: string, i: number): boolean => type === 'started' && i % 3 === 0
const all = (): boolean => true

test('when all is heard, nothing is lost, and that is said', () => {
  const wire = new Wire().beat(2).answerStats()
  wire.run(300)
  wire.beat(4).answerStats()
  expect(wire.lost).toBe(0)
  wire.beat(4).answerStats()
  expect(wire.lost).toBe(undefined)
})

test('starts that a pool of threads loses are counted, from the first burst on', () => {
  const wire = new Wire().beat(2).answerStats()
  wire.run(300, { lose: everyThird })
  wire.beat(4).answerStats()
  expect(wire.lost).toBe(100)
  wire.run(30, { lose: everyThird })
  wire.beat(4).answerStats()
  expect(wire.lost).toBe(10)
})

test('nothing is said before two more heartbeats have come, since events may be on their way', () => {
  const wire = new Wire().beat(2).answerStats()
  wire.run(30)
  wire.beat(4).answerStats()
  expect(wire.lost).toBe(0)
  wire.processed += 5
  wire.totals.set('shop.bill', 35)
  wire.beat(2).answerStats()
  expect(wire.lost).toBe(undefined)
  wire.beat(1).answerStats()
  expect(wire.lost).toBe(5)
})

test('a start that comes after its heartbeat is sorted before it by the clock of the worker', () => {
  const account = new StartAccount()
  account.beat(1, 0, 0, false)
  account.received()
  account.beat(3, 2000, 1, false)
  // Made before the heartbeat, by its logical clock, though its time says otherwise.
  account.started(2, 2500)
  account.beat(4, 4000, 1, false)
  account.beat(5, 6000, 1, false)
  account.beat(6, 8000, 1, false)
  expect(account.counted([['a', 1]], () => true)).toBe(0)
})

test('where tasks start beside the heartbeats, a start that is under way is not lost, and a lost one is told', () => {
  const account = new StartAccount()
  let clock = 0
  let processed = 0
  const beat = (under: number): void => account.beat(clock++, clock * 2000, processed + under, false, true)
  const run = (count: number): void => {
    for (let i = 0; i < count; i++) {
      account.received()
      account.started(clock++, clock * 2000)
    }
    processed += count
  }
  const lost = (): number | undefined => account.counted([['a', processed]], () => true)
  beat(0)
  // At most heartbeats one task is counted whose start comes after.
  for (let i = 0; i < 40; i++) {
    run(10)
    beat(i % 14 === 3 ? 0 : 1)
    if (i > 3) expect(lost() ?? 0).toBe(0)
  }
  processed += 5
  for (let i = 0; i < 20; i++) {
    run(10)
    beat(i % 2)
  }
  expect(lost()).toBe(5)
})

test('where tasks start beside the heartbeats, the first of them is not lost when a heartbeat comes between', () => {
  const account = new StartAccount()
  account.beat(1, 0, 0, false, true)
  account.received()
  account.beat(2, 2000, 1, false, true)
  account.started(3, 2001)
  for (let i = 4; i < 9; i++) {
    account.beat(i, i * 2000, 1, false, true)
    expect(account.counted([['a', 1]], () => true) ?? 0).toBe(0)
  }
})

test('a worker that sends no task events loses none, nor one whose events are switched on later, or off', () => {
  const wire = new Wire().beat(2).answerStats()
  wire.run(500, { lose: all })
  wire.beat(4).answerStats()
  wire.run(500, { lose: all })
  wire.beat(1)
  // Switched on in the middle of an interval.
  wire.run(20, { lose: (_, i) => i < 15 })
  wire.beat(4).answerStats()
  expect(wire.lost).toBe(0)
  wire.run(30, { lose: everyThird })
  wire.beat(4).answerStats()
  expect(wire.lost).toBe(10)
  for (let i = 0; i < 5; i++) {
    wire.run(50, { lose: all })
    wire.beat(1)
  }
  wire.beat(4).answerStats()
  wire.run(30)
  wire.beat(4).answerStats()
  expect([0, undefined]).toContain(wire.lost)
})

test('a task set to send no events is not missed, whenever it began to run', () => {
  const wire = new Wire()
  wire.run(7, { name: 'quiet.one', lose: all })
  wire.run(7)
  wire.beat(3)
  wire.run(7, { name: 'quiet.one', lose: all })
  wire.run(7, { lose: everyThird })
  wire.beat(3).answerStats().beat(1)
  for (let i = 0; i < 4; i++) {
    wire.run(9, { name: 'quiet.one', lose: all })
    wire.run(3, { name: 'quiet.two', lose: all })
    wire.run(30, { lose: everyThird })
    wire.beat(4).answerStats()
  }
  expect(wire.lost).toBe(40)
})

test('what a worker did while we were not connected is lost, when it lived through that', () => {
  const wire = new Wire().beat(2).answerStats()
  wire.run(10)
  wire.beat(4).answerStats()
  expect(wire.lost).toBe(0)
  wire.observe('broker-lost')
  wire.run(60, { lose: all })
  wire.beat(30, false)
  wire.observe('broker-connected')
  wire.beat(1)
  wire.run(5)
  wire.beat(4).answerStats()
  expect(wire.lost).toBe(60)
})

test('a process that did not live through it takes its count along', () => {
  const wire = new Wire().beat(2).answerStats()
  wire.run(10)
  wire.beat(4).answerStats()
  wire.observe('broker-lost')
  wire.run(60, { lose: all })
  wire.pid = 200
  wire.processed = 0
  wire.totals.clear()
  wire.observe('broker-connected')
  wire.beat(2).answerStats()
  wire.run(30, { lose: everyThird })
  wire.beat(4).answerStats()
  expect(wire.lost).toBe(10)
})

test('without an answer to stats nothing is said, since tasks may be set to send no events', () => {
  const wire = new Wire().beat(2)
  wire.run(300, { lose: everyThird })
  wire.beat(10)
  expect(wire.lost).toBe(undefined)
})

test('a heartbeat that somebody asked for says nothing of numbers, and changes none', () => {
  const wire = new Wire().beat(2).answerStats()
  wire.run(30, { lose: everyThird })
  wire.fleet.apply(askedHeartbeat({ atMs: T0 + 5000 }), T0 + 5000)
  wire.beat(4).answerStats()
  expect(wire.lost).toBe(10)
})

test('never more is told than was lost, and in the end all of it that followed the first answer', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('run' as const), lost: fc.boolean(), late: fc.boolean() }),
    fc.record({ do: fc.constant('beat' as const) }),
    fc.record({ do: fc.constant('stats' as const) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), steps => {
      const account = new StartAccount()
      let [clock, processed, lost, told] = [0, 0, 0, 0]
      let late: (() => void)[] = []
      const flush = (): void => {
        for (const send of late) send()
        late = []
      }
      const beat = (): void => {
        // What was made before this heartbeat comes at the latest before the next one.
        const before = late
        late = []
        account.beat(++clock, clock, processed, false)
        for (const send of before) send()
      }
      const stats = (): void => {
        told += account.counted([['a', processed]], () => true) ?? 0
        expect(told).toBeLessThanOrEqual(lost)
      }
      beat()
      stats()
      for (const one of steps) {
        if (one.do === 'beat') beat()
        else if (one.do === 'stats') stats()
        else {
          processed++
          account.received()
          const mine = ++clock
          if (one.lost) lost++
          else if (one.late) late.push(() => account.started(mine, mine))
          else account.started(mine, mine)
        }
      }
      flush()
      for (let i = 0; i < 4; i++) beat()
      stats()
      expect(told).toBe(lost)
    }),
    { numRuns: 500 },
  )
})
