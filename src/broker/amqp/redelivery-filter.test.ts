import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RedeliveryFilter } from './redelivery-filter.ts'

test('what was handed over and comes again is recognised once; what is new or was only prefetched is not', () => {
  const filter = new RedeliveryFilter(4)
  for (const message of [1, 2, 3]) filter.remember(message)
  expect(filter.isRepetition(3, 0)).toBe(false)
  filter.sessionLost(0)
  expect([2, 3, 4, 3].map(message => filter.isRepetition(message, 0))).toEqual([true, true, false, false])
})

test('only the last messages can come again, and only for some minutes', () => {
  const filter = new RedeliveryFilter(2)
  for (const message of [1, 2, 3]) filter.remember(message)
  filter.sessionLost(0)
  expect(filter.isRepetition(1, 0)).toBe(false)
  expect(filter.isRepetition(2, 179_999)).toBe(true)
  expect(filter.isRepetition(3, 180_000)).toBe(false)
})

/**
 * A broker with one queue and a consumer that loses its connection at any moment: acknowledgements are written by us and may or may
 * not have reached the broker, which then gives back everything it holds, in order and flagged.
 */
test('whatever is lost with a connection, every message is handed over exactly once', () => {
  const session = fc.record({
    delivered: fc.nat(12),
    handedOver: fc.nat(12),
    acknowledged: fc.nat(12),
    arrived: fc.nat(12),
  })
  fc.assert(
    fc.property(fc.array(session, { maxLength: 8 }), fc.integer({ min: 1, max: 8 }), (sessions, prefetch) => {
      const filter = new RedeliveryFilter(prefetch)
      const total = 40
      const flagged = new Set<number>()
      const heard: number[] = []
      let first = 0
      const run = (wish: {
        delivered: number
        handedOver: number
        acknowledged: number
        arrived: number
      }): void => {
        // The broker delivers at most `prefetch` beyond what it saw acknowledged.
        let acknowledged = 0
        let taken = 0
        for (let i = 0; i < wish.handedOver && first + i < total; i++) {
          if (i - acknowledged >= prefetch) acknowledged = i
          const message = first + i
          if (!(flagged.has(message) && filter.isRepetition(message, 0))) heard.push(message)
          filter.remember(message)
          taken++
        }
        const reached = Math.max(acknowledged, Math.min(wish.arrived, wish.acknowledged, taken))
        const sent = Math.min(Math.max(taken, wish.delivered), reached + prefetch, total - first)
        for (let i = reached; i < sent; i++) flagged.add(first + i)
        first += reached
        filter.sessionLost(0)
      }
      for (const wish of sessions) run(wish)
      // Each takes at least one message, whatever the prefetch.
      for (let i = 0; i < total; i++)
        run({ delivered: total, handedOver: total, acknowledged: total, arrived: total })
      expect(heard).toEqual(Array.from({ length: total }, (_, i) => i))
    }),
    { numRuns: 2000 },
  )
})
