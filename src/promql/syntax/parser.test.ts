import { parser as lezer } from '@prometheus-io/lezer-promql'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { expressions } from '../../../test/conformance/promql-expressions.ts'
import type { Expr } from './ast.ts'
import { PromqlSyntaxError } from './error.ts'
import { parse } from './parser.ts'
import { print } from './print.ts'

/** A tree without positions, which differ between a source and its printed form. */
const bare = (expr: Expr): unknown =>
  JSON.parse(
    JSON.stringify(expr, (key, value: unknown) =>
      key === 'span'
        ? undefined
        : typeof value === 'number'
          ? Object.is(value, -0)
            ? '-0'
            : String(value)
          : value,
    ),
  )

const refusal = (source: string): PromqlSyntaxError => {
  try {
    parse(source)
  } catch (error) {
    if (error instanceof PromqlSyntaxError) return error
    throw error
  }
  throw new Error(`accepted: ${source}`)
}

/** Sources and how they print; where both are equal only one is given. */
const ACCEPTED: readonly (readonly [source: string, printed?: string])[] = [
  ['1'],
  ['+.5e-3', '0.0005'],
  ['0x1F', '31'],
  ['0755', '493'],
  ['08', '8'],
  ['1_000_000', '1000000'],
  ['2.', '2'],
  ['-Inf'],
  ['+inF', 'Inf'],
  ['inf ^ 2', 'Inf ^ 2'],
  ['NAN', 'NaN'],
  ['5m'],
  ['-1h30m'],
  ['1 + 2 * 3 ^ 4 ^ 5'],
  ['-1^2', '-1 ^ 2'],
  ['"a\\n\\x41\\u00e9\\101"', '"a\\nAéA"'],
  ["'it\\'s'", '"it\'s"'],
  ['`a\\b\n`', '"a\\\\b\\n"'],
  ['foo'],
  ['foo:bar:rate5m'],
  ['foo{}', 'foo'],
  ['foo{a="b",c!=\'d\',e=~"f.*",g!~`h`,}', 'foo{a="b", c!="d", e=~"f.*", g!~"h"}'],
  ['{__name__=~"a|b"}'],
  ['{__name__="a"}', 'a'],
  ['{"foo.bar", "a b"="c"}'],
  ['{"foo"}', 'foo'],
  ['sum', 'sum'],
  ['offset offset 5m'],
  ['start{end="1"}'],
  ['inf_total'],
  ['foo[5m]'],
  ['foo[90]', 'foo[1m30s]'],
  ['foo[0.5]', 'foo[500ms]'],
  ['foo offset -5m @ 100', 'foo @ 100.000 offset -5m'],
  ['foo offset 30', 'foo offset 30s'],
  ['foo[5m] @ start() offset 1w', 'foo[5m] @ start() offset 1w'],
  ['foo @ -0.5', 'foo @ -0.500'],
  ['rate(foo[5m])[1h:1m] @ end()'],
  ['rate(foo[5m])[1h:] offset 5m'],
  ['(foo)'],
  ['sum(foo) by (a, b,)', 'sum by (a, b) (foo)'],
  ['SUM BY(on) (foo)', 'sum by (on) (foo)'],
  ['sum without () (foo)'],
  ['topk(5, foo)'],
  ['count_values without (a) ("x", foo)'],
  ['quantile by ("a b") (0.9, foo)'],
  ['a == bool b'],
  ['a + on () b'],
  ['a * ignoring (x) group_left (y, z) b'],
  ['a / on (x) group_right b', 'a / on (x) group_right () b'],
  ['a AND b or c Unless on(x) d', 'a and b or c unless on (x) d'],
  ['1 atan2 2'],
  ['- foo', '-foo'],
  ['+foo'],
  ['a # comment "\n+ b', 'a + b'],
  ['label_join(foo, "a", "-")'],
  ['round(foo)'],
  ['year()'],
  ['time() > bool 5'],
  ['absent(foo{a="1"})'],
]

const PRINTED = ACCEPTED.map(([source, printed = source]) => [source, printed] as const)

test.each(PRINTED)('%s is understood and printed', (source, printed) => {
  const tree = parse(source)
  expect(print(tree)).toBe(printed)
  expect(bare(parse(print(tree)))).toEqual(bare(tree))
})

/** What is refused, and where and how it is said. */
const REFUSED: readonly (readonly [source: string, message: string])[] = [
  ['', '1:1: parse error: no expression found in input'],
  ['# nothing', '1:10: parse error: no expression found in input'],
  [
    'foo)',
    '1:4: parse error: unexpected character ")" after the expression, expected an operator or the end',
  ],
  ['foo\n  +', '2:4: parse error: unexpected end of input'],
  ['(foo', '1:5: parse error: unclosed left parenthesis'],
  [
    'foo bar',
    '1:5: parse error: unexpected identifier "bar" after the expression, expected an operator or the end',
  ],
  ['1 2', '1:3: parse error: unexpected number "2" after the expression, expected an operator or the end'],
  ['foo & bar', '1:5: parse error: unexpected character: "&"'],
  ['"abc', '1:1: parse error: unterminated quoted string'],
  ['"a\nb"', '1:1: parse error: unterminated quoted string'],
  ['"\\q"', '1:1: parse error: unknown escape sequence \\q in string'],
  ['"\\xg1"', '1:1: parse error: invalid escape sequence \\xg1 in string'],
  ["'\\\"'", '1:1: parse error: unknown escape sequence \\" in string'],
  ['5x', '1:1: parse error: bad number or duration syntax: "5x"'],
  ['5m30', '1:1: parse error: bad number or duration syntax: "5m30"'],
  ['foo[30m1h]', '1:5: parse error: not a valid duration string: "30m1h"'],
  ['foo[0s]', '1:5: parse error: duration must be greater than 0'],
  ['foo[5m', '1:7: parse error: unclosed left bracket'],
  ['foo["5m"]', '1:5: parse error: unexpected string "\\"5m\\"" in range, expected duration'],
  ['foo[5m:0s]', '1:8: parse error: duration must be greater than 0'],
  ['sum(foo)[5m]', '1:1: parse error: ranges only allowed for vector selectors'],
  ['foo offset 1m [5m]', '1:1: parse error: no offset modifiers allowed before range'],
  ['foo @ 1 [5m]', '1:1: parse error: no @ modifiers allowed before range'],
  ['foo offset 1m offset 2m', '1:15: parse error: offset may not be set multiple times'],
  ['foo @ 1 @ 2', '1:9: parse error: @ <timestamp> may not be set multiple times'],
  ['foo @ NaN', '1:7: parse error: timestamp out of bounds for @ modifier: NaN'],
  ['foo @ bar', '1:7: parse error: unexpected identifier "bar" in @, expected timestamp, start() or end()'],
  [
    '(foo) offset 1m',
    '1:1: parse error: offset modifier must be preceded by an instant vector selector or range vector selector or a subquery',
  ],
  ['{}', '1:1: parse error: vector selector must contain at least one non-empty matcher'],
  ['{a=~".*",b!="x"}', '1:1: parse error: vector selector must contain at least one non-empty matcher'],
  ['foo{__name__="bar"}', '1:1: parse error: metric name must not be set twice: "foo" or "bar"'],
  ['{"foo","bar"}', '1:8: parse error: metric name must not be set twice: "foo" or "bar"'],
  ['foo{a:b="c"}', '1:5: parse error: unexpected identifier "a:b" in label matching, expected label'],
  [
    'foo{a}',
    '1:6: parse error: unexpected character "}" in label matching, expected "=", "!=", "=~" or "!~"',
  ],
  ['foo{a=1}', "1:7: parse error: unexpected character inside braces: '1'"],
  ['foo{a=~"("}', '1:5: parse error: error parsing regexp: missing closing ): `(`'],
  ['foo{a="1" b="2"}', '1:11: parse error: unexpected identifier "b" in label matching, expected ","'],
  [
    'rate(foo)',
    '1:6: parse error: expected type range vector in call to function "rate", got instant vector',
  ],
  [
    'abs(foo[5m])',
    '1:5: parse error: expected type instant vector in call to function "abs", got range vector',
  ],
  ['rate()', '1:1: parse error: expected 1 argument(s) in call to "rate", got 0'],
  ['round(a, 1, 2)', '1:1: parse error: expected at most 2 argument(s) in call to "round", got 3'],
  ['label_join(a, "b")', '1:1: parse error: expected at least 3 argument(s) in call to "label_join", got 2'],
  ['abs(a,)', '1:7: parse error: trailing commas not allowed in call to abs()'],
  ['ratee(foo[5m])', '1:1: parse error: unknown function with name "ratee"'],
  [
    'histogram_sum(foo)',
    '1:1: parse error: function histogram_sum() needs native histograms, which are not supported',
  ],
  ['sum()', '1:1: parse error: no arguments for aggregate expression provided'],
  [
    'topk(foo)',
    '1:1: parse error: wrong number of arguments for aggregate expression provided, expected 2, got 1',
  ],
  ['topk("a", foo)', '1:6: parse error: expected type scalar in aggregation parameter, got string'],
  ['sum(1)', '1:5: parse error: expected type instant vector in aggregation expression, got scalar'],
  [
    'sum by (a) (foo) by (b)',
    '1:18: parse error: unexpected identifier "by" after the expression, expected an operator or the end',
  ],
  ['1 < 2', '1:1: parse error: comparisons between scalars must use BOOL modifier'],
  ['a + bool b', '1:5: parse error: bool modifier can only be used on comparison operators'],
  ['a and 1', '1:1: parse error: set operator "and" not allowed in binary scalar expression'],
  ['a or on (x) group_left b', '1:1: parse error: no grouping allowed for "or" operation'],
  ['a + on (x) 1', '1:1: parse error: vector matching only allowed between instant vectors'],
  [
    'a + on (x) group_left (x) b',
    '1:12: parse error: label "x" must not occur in ON and GROUP clause at once',
  ],
  ['a[5m] + b', '1:1: parse error: binary expression must contain only scalar and instant vector types'],
  [
    '-"a"',
    '1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got "string"',
  ],
  ['1[5m:]', '1:1: parse error: subquery is only allowed on instant vector, got scalar instead'],
  ['limitk(1, a)', '1:1: parse error: limitk is experimental, not supported'],
  ['mad_over_time(a[5m])', '1:1: parse error: function mad_over_time() is experimental, not supported'],
  ['info(a)', '1:1: parse error: function info() is experimental, not supported'],
  ['foo[5m + 1m]', '1:8: parse error: duration arithmetic is experimental, not supported'],
  ['foo[step()]', '1:5: parse error: duration arithmetic is experimental, not supported'],
  ['foo offset (1m)', '1:12: parse error: duration arithmetic is experimental, not supported'],
  ['rate(foo[5m] anchored)', '1:14: parse error: anchored is experimental, not supported'],
  ['a + fill(0) b', '1:5: parse error: fill is experimental, not supported'],
  [`${'('.repeat(500)}a`, '1:401: parse error: expression is nested deeper than 400 levels'],
]

test.each(REFUSED)('%s is refused with its place and reason', (source, message) => {
  expect(refusal(source).message).toBe(message)
})

test('a long chain of operators is refused before it exhausts the stack', () => {
  expect(refusal(`a${' + a'.repeat(20_000)}`).reason).toBe('expression is nested deeper than 400 levels')
  expect(print(parse(`a${' + a'.repeat(300)}`))).toHaveLength(1201)
})

test('a refusal says what to do where that is known', () => {
  expect(refusal('ratee(foo[5m])').hint).toBe('Did you mean rate()?')
  expect(refusal('holt_winters(foo[5m], 0.5, 0.5)').hint).toBe('Did you mean double_exponential_smoothing()?')
  expect(refusal('rate(foo)').hint).toContain('metric[5m]')
  expect(refusal('foo +\n  rate(bar)').span).toEqual({ start: 13, end: 16, line: 2, column: 8 })
})

test('every node knows its place', () => {
  const tree = parse('sum by (a) (foo{b="c"}) /\n  rate(bar[5m])')
  expect(tree.span).toEqual({ start: 0, end: 41, line: 1, column: 1 })
  if (tree.type !== 'binary' || tree.right.type !== 'call') throw new Error('not a quotient')
  expect(tree.right.span).toEqual({ start: 28, end: 41, line: 2, column: 3 })
  expect(tree.right.args[0]?.span).toEqual({ start: 33, end: 40, line: 2, column: 8 })
})

const token = fc.constantFrom(
  ...'( ) { } [ ] , : @ + - * / % ^ == != < > <= >= =~ !~ = foo rate sum by without on ignoring group_left bool and or unless'.split(
    ' ',
  ),
  ...'offset start end topk 1 0.5 5m 1h30m "a" `b` inf NaN le __name__ count_values label_replace # \n'.split(
    ' ',
  ),
  "'",
  '"',
  '\\',
  '$',
  'ä',
  '5x',
  '0x',
  '1_',
  'atan2',
  'fill(',
  'anchored',
)

/** True when the source parses and prints to an equal tree, or is refused as it should be; anything else thrown passes on. */
const isSound = (source: string): boolean => {
  try {
    const tree = parse(source)
    return JSON.stringify(bare(parse(print(tree)))) === JSON.stringify(bare(tree))
  } catch (error) {
    if (!(error instanceof PromqlSyntaxError)) throw error
    return error.span.end >= error.span.start && error.span.end <= source.length
  }
}

test('random tokens are parsed or refused, never anything else', () => {
  const property = fc.property(fc.array(token, { maxLength: 25 }), fc.constantFrom('', ' '), (tokens, gap) =>
    isSound(tokens.join(gap)),
  )
  expect(() => fc.assert(property, { seed: 11, numRuns: 20_000 })).not.toThrow()
})

test('random text is parsed or refused, never anything else', () => {
  const property = fc.property(fc.string({ maxLength: 40, unit: 'binary' }), isSound)
  expect(() => fc.assert(property, { seed: 12, numRuns: 5000 })).not.toThrow()
})

test('printing and parsing again gives an equal tree', () => {
  const sources = fc.sample(expressions, { seed: 13, numRuns: 1500 })
  expect(sources.filter(source => !isSound(source))).toEqual([])
  expect(sources.filter(source => print(parse(source)) !== print(parse(print(parse(source)))))).toEqual([])
})

/** The npm grammar is a sound judge of structure only: it knows no types, and errs on the constructs left out here. */
const acceptedByGrammar = (source: string): boolean => {
  let sound = true
  lezer.parse(source).iterate({
    enter: node => {
      if (node.type.isError) sound = false
    },
  })
  return sound
}

const accepts = (source: string): boolean => {
  try {
    parse(source)
    return true
  } catch {
    return false
  }
}

test("what we accept the editor's official grammar accepts, and what it refuses we refuse", () => {
  // The grammar knows neither `2.` nor a metric called offset.
  const beyondGrammar = new Set(['2.', 'offset offset 5m'])
  const good = fc.sample(expressions, { seed: 14, numRuns: 1000 })
  const known = ACCEPTED.map(([source]) => source).filter(source => !beyondGrammar.has(source))
  expect([...known, ...good].filter(source => !acceptedByGrammar(source))).toEqual([])
  // Good expressions with one character missing: where the grammar finds an error, so must we.
  const cut = good.map((source, i) => {
    const at = (i * 7919) % source.length
    return source.slice(0, at) + source.slice(at + 1)
  })
  const wrong = cut.filter(source => !/\d\.(?!\d)/.test(source) && !acceptedByGrammar(source))
  expect(wrong.length).toBeGreaterThan(100)
  expect(wrong.filter(accepts)).toEqual([])
})
