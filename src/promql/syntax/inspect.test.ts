import { expect, test } from 'vitest'
import { labelsUsed, selectors, walk } from './inspect.ts'
import { formatPlain, formatValue, quote, unquote } from './literals.ts'
import { parse } from './parser.ts'
import { typeOf } from './check.ts'

test('selectors tell metric, matchers and range', () => {
  const uses = selectors(parse('sum(rate(a_total{q="x"}[5m])) / on (h) {__name__=~"b.*", z!="1"} or c'))
  expect(uses.map(({ metric, matchers, rangeMs }) => ({ metric, matchers, rangeMs }))).toEqual([
    { metric: 'a_total', matchers: [{ name: 'q', op: '=', value: 'x' }], rangeMs: 300_000 },
    {
      metric: undefined,
      matchers: [
        { name: '__name__', op: '=~', value: 'b.*' },
        { name: 'z', op: '!=', value: '1' },
      ],
      rangeMs: undefined,
    },
    { metric: 'c', matchers: [], rangeMs: undefined },
  ])
})

test('labels are found wherever they are named', () => {
  const expr =
    'sum by (a) (b{c="1"}) * on (d) group_left (e) histogram_quantile(0.9, f) or count_values without (g) ("h", ' +
    'label_replace(label_join(i, "j", ",", "k", "l"), "m", "", ("n"), ""))'
  expect([...labelsUsed(parse(expr))].sort()).toEqual(['le', ...'acdeghjklmn'.split('')].sort())
})

test('a walk visits every node, parents first', () => {
  const types: string[] = []
  walk(parse('-topk(1, max_over_time((a)[5m:1m]) > 2)'), node => types.push(node.type))
  expect(types).toEqual([
    'unary',
    'aggregate',
    'number',
    'binary',
    'call',
    'subquery',
    'paren',
    'selector',
    'number',
  ])
})

test('every expression has a type', () => {
  const types = ['1', '"a"', 'a', 'a[5m]', 'a[5m:]', '1 + 1', '1 + a', 'time()', 'sum(a)', '-(a)'].map(
    source => typeOf(parse(source)),
  )
  expect(types).toEqual([
    'scalar',
    'string',
    'vector',
    'matrix',
    'matrix',
    'scalar',
    'vector',
    'scalar',
    'vector',
    'vector',
  ])
})

test('values are written as Prometheus writes them', () => {
  const written = [0, -0, 1.5, NaN, Infinity, -Infinity, 1e20, 1e21, 1.5e300, 1e-6, 1e-7, 1.25e-10].map(
    formatValue,
  )
  expect(written).toEqual(
    '0 -0 1.5 NaN +Inf -Inf 100000000000000000000 1e+21 1.5e+300 0.000001 1e-07 1.25e-10'.split(' '),
  )
  expect([1e21, -1.5e22, 1.25e-10, 5].map(formatPlain)).toEqual([
    '1000000000000000000000',
    '-15000000000000000000000',
    '0.000000000125',
    '5',
  ])
})

test('strings survive quoting', () => {
  for (const text of ['', 'a"b\\c', '\n\t\r\u0000\u007f', 'ä€😀'])
    expect(unquote(quote(text))).toEqual({ value: text })
  expect(unquote('"\\xe2\\x82\\xac"')).toEqual({ value: '€' })
})
