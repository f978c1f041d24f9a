import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ClockSkew } from './skew.ts'

const heard = (delaysMs: readonly number[]): ClockSkew => {
  const clock = new ClockSkew()
  for (const delayMs of delaysMs) clock.heard(delayMs)
  return clock
}
const ten = (delayMs: (i: number) => number): ClockSkew =>
  heard(Array.from({ length: 10 }, (_, i) => delayMs(i)))

test('nothing is said before ten heartbeats', () => {
  const clock = heard(Array.from({ length: 9 }, () => 5))
  expect([clock.medianMs, clock.fault]).toEqual([Number.NaN, null])
  clock.heard(5)
  expect([clock.medianMs, clock.fault]).toEqual([5, 'none'])
})

test('three late heartbeats do not make a clock wrong', () => {
  const clock = heard([3, 3, 9000, 3, 9000, 3, 3, 9000, 3, 3])
  expect([clock.medianMs, clock.fault]).toEqual([3, 'none'])
})

test.each<[string, (i: number) => number, string]>([
  ['an hour ahead', i => -3_600_000 + (i % 2) * 40, 'timezone'],
  ['half past five hours behind, as with the zone of India', i => 19_800_000 + i, 'timezone'],
  ['45 minutes and a drift of 12 s ahead', () => -2_712_000, 'timezone'],
  ['30 s ahead', () => -30_000, 'drift'],
  ['7 minutes behind', () => 420_000, 'drift'],
  ['1.9 s behind, which delivery may take', () => 1900, 'none'],
  ['later with each heartbeat, as behind a queue of events that grows', i => 20_000 + i * 400, 'delayed'],
  ['earlier with each heartbeat, as while that queue is worked off', i => 20_000 - i * 400, 'delayed'],
  ['later with each heartbeat up to an hour', i => 3_600_000 + i * 400, 'delayed'],
  ['set right in one step', i => (i < 4 ? 60_000 : 30_000), 'drift'],
  ['ahead and moving: no delay makes an event come before it was sent', i => -20_000 + i * 400, 'drift'],
])('a clock %s', (_, delayMs, fault) => {
  expect(ten(delayMs).fault).toBe(fault)
})

test('the median is that of the last ten, whatever came before', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -1e7, max: 1e7 }), { minLength: 10, maxLength: 60 }), delaysMs => {
      const last = delaysMs.slice(-10).toSorted((a, b) => a - b)
      expect(heard(delaysMs).medianMs).toBe((last[4]! + last[5]!) / 2)
    }),
  )
})

test('a constant clock is never called delayed, whatever its deliveries', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -1e7, max: 1e7 }),
      fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 10, maxLength: 30 }),
      (skewMs, deliveriesMs) => {
        expect(heard(deliveriesMs.map(delivery => skewMs + delivery)).fault).not.toBe('delayed')
      },
    ),
  )
})
