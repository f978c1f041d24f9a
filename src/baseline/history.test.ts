import fc from 'fast-check'
import { expect, test } from 'vitest'
import { firings, known, quantileOf, sustained } from './history.ts'

const grid = (...values: readonly (number | null)[]): Float64Array =>
  Float64Array.from(values, value => value ?? Number.NaN)

test('an alert fires once it has been over for its time, and once only until it is not', () => {
  expect(firings(grid(5, 5, 5, 1, 5, 5, 5, 5), 4, 2)).toBe(2)
  expect(firings(grid(5, 5, 1, 5, 5), 4, 2)).toBe(0)
  expect(firings(grid(5, 1, 5), 4, 0)).toBe(2)
  expect(firings(grid(4, 4, 4), 4, 0)).toBe(0)
})

test('a gap is not 0 and not over: it ends what went on', () => {
  expect(firings(grid(5, 5, null, 5, 5), 4, 2)).toBe(0)
  expect(firings(grid(5, 5, 5, null, 5, 5, 5), 4, 2)).toBe(2)
  expect(known(grid(1, null, 0))).toBe(2)
})

test('a window holds the level that lasted, not its peak; without values it has none', () => {
  expect([...sustained(grid(9, 3, 3, 3, 1, 1), 6, 2)]).toEqual([3])
  expect([...sustained(grid(1, 1, 1, 7, 7, 7), 3, 2)]).toEqual([1, 7])
  expect([...sustained(grid(null, null, 8, 9, null, null), 3, 2)]).toEqual([Number.NaN, 8])
})

const values = fc.array(fc.option(fc.integer({ min: 0, max: 9 }), { nil: null, freq: 4 }), {
  minLength: 1,
  maxLength: 40,
})

test('over any history, what was sustained is the least limit that does not fire', () => {
  fc.assert(
    fc.property(values, fc.integer({ min: 0, max: 5 }), (list, forSteps) => {
      const history = grid(...list)
      const [level = Number.NaN] = sustained(history, list.length, forSteps)
      if (Number.isNaN(level)) {
        expect(known(history)).toBe(0)
        return
      }
      expect(firings(history, level, forSteps)).toBe(0)
      const runs = list
        .map(value => (value === null ? ' ' : 'x'))
        .join('')
        .split(/ +/)
      const longEnough = runs.some(run => run.length > forSteps)
      if (longEnough && runs.every(run => run.length === 0 || run.length > forSteps))
        expect(firings(history, level - 0.5, forSteps)).toBeGreaterThan(0)
    }),
  )
})

test('quantiles lie between neighbours, whatever the order', () => {
  expect(quantileOf([3, 1, 2], 0.5)).toBe(2)
  expect(quantileOf([1, 2], 0.9)).toBeCloseTo(1.9)
  expect(quantileOf([], 0.5)).toBeNaN()
})
