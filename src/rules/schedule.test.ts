import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DAY, SECOND } from '../base/index.ts'
import { missedSlots, nextEvaluationMs } from './index.ts'
import { slotOffsetMs } from './schedule.ts'

const START_MS = 1_700_000_000_000
const group = fc.record({
  file: fc.string({ maxLength: 12 }),
  name: fc.string({ maxLength: 12 }),
  intervalMs: fc.integer({ min: 1, max: 600 }).map(seconds => seconds * SECOND),
})

test('slots follow each other at the interval, and the next one is always later than now', () => {
  fc.assert(
    fc.property(group, fc.integer({ min: 0, max: DAY }), (each, past) => {
      const now = START_MS + past
      const next = nextEvaluationMs(each, now)
      expect(next).toBeGreaterThan(now)
      expect(next - now).toBeLessThanOrEqual(each.intervalMs)
      expect(nextEvaluationMs(each, next)).toBe(next + each.intervalMs)
      expect(nextEvaluationMs(each, next - 1)).toBe(next)
    }),
  )
})

test('no slot falls on the sampling grid, whatever the interval in seconds', () => {
  fc.assert(
    fc.property(group, fc.integer({ min: 0, max: DAY }), (each, past) => {
      let slot = START_MS + past
      for (let i = 0; i < 10; i++) {
        slot = nextEvaluationMs(each, slot)
        expect(slot % 5000).not.toBe(0)
      }
    }),
    { numRuns: 1000 },
  )
})

test('where the interval is a multiple of the grid, slots keep a quarter of a second away from it', () => {
  fc.assert(
    fc.property(group, fc.integer({ min: 1, max: 60 }), (each, multiple) => {
      const phase = slotOffsetMs({ ...each, intervalMs: multiple * 5000 }) % 5000
      expect(phase).toBeGreaterThanOrEqual(250)
      expect(phase).toBeLessThanOrEqual(4751)
    }),
    { numRuns: 1000 },
  )
})

test('groups spread over their interval, each the same at every start', () => {
  const offsets = Array.from({ length: 100 }, (_, i) =>
    slotOffsetMs({ file: 'f', name: `group-${i}`, intervalMs: 60_000 }),
  )
  expect(new Set(offsets.map(offset => Math.floor(offset / 10_000))).size).toBe(6)
  expect(slotOffsetMs({ file: 'f', name: 'group-0', intervalMs: 60_000 })).toBe(offsets[0])
})

test('slots that passed without an evaluation are counted', () => {
  const each = { file: 'f', name: 'g', intervalMs: 15_000 }
  expect(missedSlots(each, 100_000, 115_000)).toBe(0)
  expect(missedSlots(each, 100_000, 160_000)).toBe(3)
  expect(missedSlots(each, 100_000, 100_000)).toBe(0)
})
