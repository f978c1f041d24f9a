import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DAY, HOUR, MINUTE } from '../../src/base/index.ts'
import {
  chosenRange,
  DEFAULT_VIEW,
  defaultRange,
  fixedRange,
  followsNow,
  LAST_HOUR,
  MAX_RANGE,
  MIN_RANGE,
  type Moment,
  NOW,
  type OverviewView,
  parseMoment,
  parseView,
  printMoment,
  printView,
  QUEUE_COLUMNS,
  type Range,
  rangeMs,
  shiftRange,
  validRange,
  zoomOut,
} from './links.ts'

const now = Date.UTC(2026, 10, 23, 3, 0, 0)

const moment: fc.Arbitrary<Moment> = fc.oneof(
  fc.integer({ min: 0, max: 40 * DAY }).map(backMs => ({ kind: 'now' as const, backMs })),
  fc.integer({ min: 0, max: now }).map(ms => ({ kind: 'at' as const, ms })),
)
const range: fc.Arbitrary<Range> = fc
  .tuple(
    fc.integer({ min: MIN_RANGE, max: MAX_RANGE }),
    fc.integer({ min: 0, max: 400 * DAY }),
    fc.boolean(),
    fc.boolean(),
  )
  .map(([width, back, fixedFrom, fixedTo]) => ({
    from: fixedFrom
      ? { kind: 'at' as const, ms: now - back - width }
      : { kind: 'now' as const, backMs: back + width },
    to: fixedTo ? { kind: 'at' as const, ms: now - back } : { kind: 'now' as const, backMs: back },
  }))
const view: fc.Arbitrary<OverviewView> = fc.record({
  range: fc.option(range, { nil: null }),
  sort: fc
    .record({ column: fc.constantFrom(...QUEUE_COLUMNS), descending: fc.boolean() })
    .map(sort => (sort.column === 'worst' ? { column: 'worst' as const, descending: false } : sort)),
  whole: fc.subarray(['queues', 'workers'] as ('queues' | 'workers')[]),
  tables: fc.uniqueArray(fc.stringMatching(/^[\w-]{1,12}$/), { maxLength: 3 }).map(ids => ids.sort()),
  alert: fc.option(fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' }), { nil: null }),
})

test('a printed view parses back to itself', () => {
  fc.assert(
    fc.property(view, state => {
      expect(parseView(printView(state), now)).toEqual(state)
    }),
    { numRuns: 1000 },
  )
})

test('a printed moment parses back to itself', () => {
  fc.assert(
    fc.property(moment, value => {
      expect(parseMoment(printMoment(value))).toEqual(value)
    }),
  )
})

test('the default view is the empty address, and rubbish is the default view', () => {
  expect(printView(DEFAULT_VIEW)).toBe('')
  expect(parseView('', now)).toEqual(DEFAULT_VIEW)
  fc.assert(
    fc.property(fc.string(), text => {
      const state = parseView(`?from=${text}&to=${text}&sort=${text}&all=${text}&table=${text}`, now)
      expect(parseView(printView(state), now)).toEqual(state)
    }),
  )
})

test('a link reads as a person would write it', () => {
  const state = parseView('?from=now-3h&sort=-waiting&all=queues,workers', now)
  expect(printView(state)).toBe('?from=now-3h&sort=-waiting&all=queues,workers')
  expect(parseMoment('2026-11-23T02:00:00Z')).toEqual({ kind: 'at', ms: now - HOUR })
  expect(parseMoment('2026-11-23 02:00')).toEqual({ kind: 'at', ms: now - HOUR })
  expect(parseMoment('2026-11-23T03:00+01:00')).toEqual({ kind: 'at', ms: now - HOUR })
  expect(parseMoment(String((now - HOUR) / 1000))).toEqual({ kind: 'at', ms: now - HOUR })
  expect(parseMoment('yesterday')).toBeUndefined()
  expect(parseMoment('now-')).toBeUndefined()
  expect(parseMoment('2026-13-40')).toBeUndefined()
})

test('a range the wrong way round, too short or too long is the default one', () => {
  for (const text of ['?from=now&to=now-1h', '?from=now-1s', '?from=now-1y', '?to=now', '?from=x&to=y'])
    expect(parseView(text, now).range).toBeNull()
})

test('without a range the last hour is shown, and less while the process is younger', () => {
  expect(defaultRange(9 * DAY)).toEqual(LAST_HOUR)
  expect(rangeMs(defaultRange(20_000), now).fromMs).toBe(now - 5 * MINUTE)
  expect(rangeMs(defaultRange(6 * MINUTE), now).fromMs).toBe(now - 15 * MINUTE)
})

test('earlier then later comes back to the present, and never passes it', () => {
  const earlier = shiftRange(LAST_HOUR, -1, now)
  expect(rangeMs(earlier, now)).toEqual({ fromMs: now - 90 * MINUTE, toMs: now - 30 * MINUTE })
  expect(shiftRange(earlier, 1, now)).toEqual(LAST_HOUR)
  expect(shiftRange(LAST_HOUR, 1, now)).toEqual(LAST_HOUR)
})

test('zooming out doubles the width and keeps following the clock', () => {
  expect(zoomOut(LAST_HOUR, now)).toEqual({ from: { kind: 'now', backMs: 2 * HOUR }, to: NOW })
  const past: Range = { from: { kind: 'at', ms: now - 5 * HOUR }, to: { kind: 'at', ms: now - 4 * HOUR } }
  expect(rangeMs(zoomOut(past, now), now)).toEqual({ fromMs: now - 5.5 * HOUR, toMs: now - 3.5 * HOUR })
})

test('every way to move leaves a valid range', () => {
  fc.assert(
    fc.property(range, state => {
      for (const next of [
        shiftRange(state, -1, now),
        shiftRange(state, 1, now),
        zoomOut(state, now),
        chosenRange(rangeMs(state, now).fromMs, rangeMs(state, now).fromMs + 5, now),
      ]) {
        expect(validRange(next.from, next.to, now)).toEqual(next)
        expect(rangeMs(next, now).toMs).toBeLessThanOrEqual(now)
      }
    }),
  )
})

test('an absolute link shows the same window at any later time', () => {
  const fixed = fixedRange(LAST_HOUR, now)
  expect(followsNow(fixed)).toBe(false)
  expect(rangeMs(fixed, now + 9 * DAY)).toEqual(rangeMs(LAST_HOUR, now))
})
