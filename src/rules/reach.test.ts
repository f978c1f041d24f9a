import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MINUTE, SECOND } from '../base/index.ts'
import type { RuleGroup } from './contract.ts'
import { createReach } from './reach.ts'

const group = (rules: Readonly<Record<string, string>>, intervalMs = 15 * SECOND): RuleGroup => ({
  name: 'g',
  file: 'f',
  intervalMs,
  rules: Object.entries(rules).map(([record, expr]) => ({ kind: 'record', record, expr, labels: {} })),
})

test.each([
  ['up == 0', 0],
  ['rate(x[5m]) > 1', 5 * MINUTE],
  ['x offset 1h', 60 * MINUTE],
  ['x offset -1h', 0],
  ['rate(x[5m] offset 1h) / rate(x[10m])', 65 * MINUTE],
  ['max_over_time(rate(x[5m])[30m:1m])', 35 * MINUTE],
  ['-sum by (q) (rate(x[2m])) or on (q) topk(scalar(max_over_time(n[3m])), y)', 3 * MINUTE],
  ['x and on () vector(time())', 0],
  ['rate(', 0],
])('%s reaches back %d ms', (expr, ms) => {
  expect(createReach([])(expr)).toBe(ms)
})

test('a recorded series reaches as far as its own expression, and as its group is slow', () => {
  const reach = createReach([
    group({ 'x:rate5m': 'rate(x[5m])', 'x:share': 'x:rate5m / ignoring (q) sum(x:rate5m)' }),
    group({ 'x:rate5m': 'rate(x[10m])' }, MINUTE),
  ])
  expect(reach('x:rate5m > 1')).toBe(11 * MINUTE)
  expect(reach('x:share > 1')).toBe(11 * MINUTE + 15 * SECOND)
  expect(reach('avg_over_time(x:share[1h])')).toBe(71 * MINUTE + 15 * SECOND)
})

test('series that read each other in a circle end', () => {
  const reach = createReach([group({ a: 'b + rate(x[5m])', b: 'a offset 1m' })])
  expect(reach('a')).toBe(5 * MINUTE + 15 * SECOND)
  expect(reach('b')).toBe(6 * MINUTE + 30 * SECOND)
})

test('any text is answered', () => {
  const reach = createReach([])
  fc.assert(fc.property(fc.string(), text => reach(text) >= 0))
})
