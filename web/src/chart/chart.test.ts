import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bandsOf } from './bands.ts'
import { alignRange, increments, stepFor, valueRange } from './scales.ts'
import { assignSlots, chooseWorst, gapsOf, grid, legendOf, MAX_LINES, newest, onGrid } from './series.ts'
import { spread, summarise } from './summary.ts'

const HOUR_MS = 3_600_000

test('a gap in the samples is a gap on the grid, and NaN is one too', () => {
  const instants = grid(100, 130, 10)
  expect(instants).toEqual([100, 110, 120, 130])
  const series = {
    metric: {},
    values: [
      [100, '1'],
      [120, 'NaN'],
      [130, '0'],
    ] as const,
  }
  expect(onGrid(series, instants)).toEqual([1, null, null, 0])
})

test('a legend is its template filled in, or the labels', () => {
  expect(legendOf('{{queue}} now', { queue: 'mail' })).toBe('mail now')
  expect(legendOf('received', { queue: 'mail' })).toBe('received')
  expect(legendOf('', { __name__: 'x', a: '1', b: '2' })).toBe('a=1, b=2')
  expect(legendOf('', {})).toBe('value')
})

test('at most four lines, the worst of them, and the rest is one envelope that hides nothing', () => {
  const value = fc.option(fc.integer({ min: 0, max: 1000 }), { nil: null })
  const lines = fc.uniqueArray(
    fc.record({ name: fc.string({ minLength: 1 }), values: fc.array(value, { minLength: 5, maxLength: 5 }) }),
    { selector: line => line.name, maxLength: 12 },
  )
  fc.assert(
    fc.property(lines, all => {
      const chosen = chooseWorst(all)
      expect(chosen.lines.length).toBe(Math.min(all.length, MAX_LINES))
      expect(chosen.lines.length + (chosen.others?.count ?? 0)).toBe(all.length)
      for (let i = 0; i < 5; i++) {
        const most = Math.max(-1, ...all.map(line => line.values[i] ?? -1))
        const shown = Math.max(
          -1,
          ...chosen.lines.map(line => line.values[i] ?? -1),
          chosen.others?.values[i] ?? -1,
        )
        expect(shown).toBe(most)
      }
    }),
  )
})

test('four names have four colours, and a name keeps its own while others come and go', () => {
  const names = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: MAX_LINES })
  fc.assert(
    fc.property(names, names, (before, after) => {
      const first = assignSlots(before)
      expect(new Set(first.values()).size).toBe(before.length)
      const second = assignSlots(after, first)
      expect(new Set(second.values()).size).toBe(after.length)
      for (const name of after) if (first.has(name)) expect(second.get(name)).toBe(first.get(name))
    }),
  )
})

test('bands are firing where anything fires, pending where anything waits', () => {
  const instants = grid(0, 60, 10)
  const at = (alertstate: string, ...seconds: number[]) => ({
    metric: { alertstate },
    values: seconds.map(second => [second, '1'] as const),
  })
  expect(bandsOf([at('pending', 10, 20, 30), at('firing', 30, 40), at('firing', 60)], instants)).toEqual([
    { state: 'pending', from: 10, to: 30 },
    { state: 'firing', from: 30, to: 50 },
    { state: 'firing', from: 60, to: 60 },
  ])
  expect(bandsOf([], instants)).toEqual([])
})

test('the limit is always inside the value axis, with room above it', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1e9, noNaN: true }),
      fc.double({ min: 1e-6, max: 1e9, noNaN: true }),
      (most, limit) => {
        const [low, high] = valueRange(0, most, limit)
        expect(low).toBe(0)
        expect(high).toBeGreaterThan(limit)
        expect(high).toBeGreaterThan(most)
      },
    ),
  )
  expect(valueRange(null, null, null)).toEqual([0, 1])
  expect(valueRange(0, 0, null)).toEqual([0, 1])
  expect(valueRange(-10, 10, null)[0]).toBeLessThan(-10)
})

test('a step is never finer than collection and never gives more than 241 instants', () => {
  expect(stepFor(HOUR_MS, 5000)).toBe(15)
  expect(stepFor(60_000, 5000)).toBe(5)
  fc.assert(
    fc.property(
      fc.integer({ min: 60_000, max: 32 * 24 * HOUR_MS }),
      fc.constantFrom(1000, 5000, 30_000),
      (width, interval) => {
        const step = stepFor(width, interval)
        expect(step * 1000).toBeGreaterThanOrEqual(interval)
        const { from, to } = alignRange(1_700_000_000_123, 1_700_000_000_123 + width, step)
        expect(from % step).toBe(0)
        expect(grid(from, to, step).length).toBeLessThanOrEqual(242)
      },
    ),
  )
})

test('ticks of a count are whole numbers, and increments grow', () => {
  expect(increments('count').every(Number.isInteger)).toBe(true)
  for (const unit of ['seconds', 'bytes', 'ratio', 'percent', 'per_second', 'count'] as const) {
    const all = increments(unit)
    expect([...all].sort((a, b) => a - b)).toEqual(all)
  }
})

test('a gap is where nothing is known after something was, and reaches to the end', () => {
  const instants = grid(0, 80, 10)
  const line = (values: (number | null)[]) => ({ name: 'a', values })
  const half = line([null, null, null, 1, null, 1, 1, null, null])
  expect(gapsOf([half], instants, 80)).toEqual([])
  expect(gapsOf([half], instants, 100)).toEqual([{ from: 60, to: 100 }])
  expect(gapsOf([line([1, null, null, null, 0, 1, 1, 1, 1])], instants, 80)).toEqual([{ from: 0, to: 40 }])
  expect(gapsOf([line([1, null, null, null, 0, 1, 1, 1, 1]), line(Array(9).fill(0))], instants, 80)).toEqual(
    [],
  )
  expect(gapsOf([], instants, 80)).toEqual([])
})

test('the value for now is that of the last instant: once it is not known, the one before does not stand for it', () => {
  expect(newest([1, 0])).toBe(0)
  expect(newest([1, null])).toBeNull()
  expect(newest([])).toBeNull()
})

test('the summary says what the picture shows', () => {
  const instants = grid(0, 240, 60)
  const text = summarise({
    lines: [
      { name: 'default', values: [20, 22, 21, 20, 24] },
      { name: 'mail', values: [24, 200, 310, 500, 872] },
    ],
    instants,
    unit: 'seconds',
    limit: 300,
    bands: [{ state: 'firing', from: 180, to: 240 }],
    gaps: [],
    zone: 'utc',
  }).replace(/\u00a0/g, ' ')
  expect(text).toBe(
    'mail rose from 24 s to 14 m 32 s, over the limit 5 m since 00:02. Then default 24 s. Alert firing from 00:03 to 00:04.',
  )
  expect(
    summarise({ lines: [], instants, unit: 'count', limit: null, bands: [], gaps: [], zone: 'utc' }),
  ).toBe('No data in this range.')
})

test('a table twin has at most 200 rows, the last one included', () => {
  expect(spread(3, 200)).toEqual([0, 1, 2])
  const rows = spread(1000, 200)
  expect(rows).toHaveLength(200)
  expect(rows[0]).toBe(0)
  expect(rows.at(-1)).toBe(999)
  expect(new Set(rows).size).toBe(200)
})
