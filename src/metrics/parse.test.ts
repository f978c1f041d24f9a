import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createExpositionParser, type ExposedSample, ExpositionError, parseExposition } from './index.ts'

/** Samples as plain objects. */
const samplesOf = (text: string, openMetrics = false): unknown =>
  parseExposition(text, openMetrics).samples.map(({ name, labels, value, timestampMs }) => ({
    name,
    labels: { ...labels },
    value,
    timestampMs,
  }))

test('samples are read as the text format allows them to be written', () => {
  expect(
    samplesOf(
      [
        '# HELP up Whether it\\nis \\\\ up.',
        '#TYPE is a comment without its blank',
        '# anything',
        '',
        '  \t',
        'up 1',
        ' up\t{ a = "x" , b="y\\"\\\\\\n\\t" , }  -1.5e-3   1700000000123 ',
        'up{} +Inf',
        'up{a="}"} NaN',
        'up -inf -5',
        '{"http.requests",method="GET"} 7',
        '{"http.requests"} .5',
        'up{"odd label"="z"} 1.',
      ].join('\n'),
    ),
  ).toEqual([
    { name: 'up', labels: {}, value: 1, timestampMs: null },
    { name: 'up', labels: { a: 'x', b: 'y"\\\n\\t' }, value: -0.0015, timestampMs: 1700000000123 },
    { name: 'up', labels: {}, value: Infinity, timestampMs: null },
    { name: 'up', labels: { a: '}' }, value: NaN, timestampMs: null },
    { name: 'up', labels: {}, value: -Infinity, timestampMs: -5 },
    { name: 'http.requests', labels: { method: 'GET' }, value: 7, timestampMs: null },
    { name: 'http.requests', labels: {}, value: 0.5, timestampMs: null },
    { name: 'up', labels: { 'odd label': 'z' }, value: 1, timestampMs: null },
  ])
})

test('OpenMetrics has seconds for time stamps, exemplars to pass over, and an end', () => {
  const text = 'a_total{x="y"} 3 1700000000.5 # {trace_id="ab c"} 0.67 1700000000\nb 1 # {} 1\n# EOF\n'
  expect(samplesOf(text, true)).toEqual([
    { name: 'a_total', labels: { x: 'y' }, value: 3, timestampMs: 1700000000500 },
    { name: 'b', labels: {}, value: 1, timestampMs: null },
  ])
  expect(() => samplesOf(text)).toThrow('line 1: expected the end of the line')
  expect(() => samplesOf('a 1\n', true)).toThrow('cut off')
  expect(() => samplesOf('# EOF\na 1\n', true)).toThrow('line 2: something follows # EOF')
})

test('descriptions are read, and one that comes twice is a fault', () => {
  const { types, help, units } = parseExposition(
    '# HELP a_bytes A \\\\ \\n b.\n# TYPE a_bytes gauge\n# UNIT a_bytes bytes\n# TYPE "x.y" counter\na_bytes 1\n',
  )
  expect([...types]).toEqual([
    ['a_bytes', 'gauge'],
    ['x.y', 'counter'],
  ])
  expect(help.get('a_bytes')).toBe('A \\ \n b.')
  expect(units.get('a_bytes')).toBe('bytes')
  expect(() => parseExposition('# TYPE a gauge\n# TYPE a gauge\n')).toThrow('line 2: TYPE of "a" twice')
})

test.each([
  ['<html><body>Login</body></html>', 'line 1: expected the name of a metric, found "<html>'],
  ['up', 'expected a number, found the end of the line'],
  ['up one', 'expected a number, found "one"'],
  ['up 0x10', 'expected a number'],
  ['up 1 2 3', 'expected the end of the line, found "3"'],
  ['up{a="x" 1', 'expected , or } after a label, found "1"'],
  ['up{a="x', 'a " is not closed'],
  ['up{a="x\\', 'a " is not closed'],
  ['up{a=x} 1', 'expected ", found "x} 1"'],
  ['up{a} 1', 'expected = after the name of a label'],
  ['up{"a"} 1', 'expected = after the name of a label'],
  ['up{a="1",a="2"} 1', 'label "a" twice'],
  ['{} 1', 'expected the name of a metric'],
  ['{a="x"} 1', 'expected the name of a metric'],
  ['up{é="x"} 1', 'expected the name of a label'],
  [`ok 1\n${'y'.repeat(2_000_000)}`, 'line 2: longer than'],
  [`up{${Array.from({ length: 300 }, (_, i) => `l${i}="x"`).join(',')}} 1`, 'more than 200 labels'],
])('%# what is no exposition is refused with its line', (text, message) => {
  expect(() => parseExposition(text)).toThrow(ExpositionError)
  expect(() => parseExposition(text)).toThrow(message)
})

test('a fault never repeats more than a short piece of what came', () => {
  const secret = `up{token="${'s'.repeat(5000)}"} x`
  try {
    parseExposition(secret)
    expect.unreachable()
  } catch (error) {
    expect(String(error).length).toBeLessThan(200)
  }
})

const name = fc.stringMatching(/^[a-zA-Z_:][a-zA-Z0-9_:]{0,12}$/)
const labelName = fc.oneof(
  fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,8}$/),
  fc.constantFrom('__proto__', 'constructor', 'hasOwnProperty'),
)
const labelValue = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 10 }),
  fc.constantFrom('"', '\\', '\n', '\\n', '\\"', '} 1', '# EOF', '\r', '\u2028'),
)
const sample: fc.Arbitrary<ExposedSample> = fc.record({
  name,
  labels: fc.dictionary(labelName, labelValue, { maxKeys: 4, noNullPrototype: false }),
  value: fc.double(),
  timestampMs: fc.option(fc.integer({ min: -1e12, max: 4e12 })),
})

/** Writes independently of our own exposition: with time stamps, blanks and labels of any name. */
const write = ({ name: metric, labels, value, timestampMs }: ExposedSample, blank: string): string => {
  const escape = (text: string): string =>
    text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
  const pairs = Object.entries(labels).map(
    ([key, text]) => `${blank}${key}${blank}=${blank}"${escape(text)}"${blank}`,
  )
  const number = value === Infinity ? '+Inf' : String(value).replace('Infinity', 'Inf')
  return `${metric}${blank}{${pairs.join(',')}} ${blank}${number}${timestampMs === null ? '' : ` ${timestampMs}`}${blank}`
}

test('what was written is read back, wherever the text is cut on its way', () => {
  fc.assert(
    fc.property(
      fc.array(sample, { maxLength: 8 }),
      fc.constantFrom('', ' ', '\t '),
      fc.array(fc.nat(400), { maxLength: 12 }),
      fc.boolean(),
      (samples, blank, cuts, ends) => {
        const text = samples.map(each => write(each, blank)).join('\n') + (ends ? '\n' : '')
        const found: ExposedSample[] = []
        const parser = createExpositionParser({ sample: each => void found.push(each) })
        let from = 0
        for (const cut of cuts.toSorted((a, b) => a - b)) {
          parser.push(text.slice(from, cut))
          from = Math.max(from, Math.min(cut, text.length))
        }
        parser.push(text.slice(from))
        parser.end()
        const plain = (each: ExposedSample): unknown => [
          each.name,
          Object.entries(each.labels),
          Object.is(each.value, -0) ? 0 : each.value,
          each.timestampMs,
        ]
        expect(found.map(plain)).toEqual(samples.map(plain))
      },
    ),
    { numRuns: 500 },
  )
})

test('whatever comes, it is read or refused, and nothing else happens', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'up',
      '{',
      '}',
      '"',
      '\\',
      '=',
      ',',
      ' ',
      '\n',
      '1',
      '# ',
      'TYPE',
      'a="b"',
      '# EOF',
      '+Inf',
    ),
    fc.string({ unit: 'binary', maxLength: 4 }),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), fc.boolean(), (pieces, openMetrics) => {
      try {
        parseExposition(pieces.join(''), openMetrics)
      } catch (error) {
        expect(error).toBeInstanceOf(ExpositionError)
      }
    }),
    { numRuns: 2000 },
  )
})

test('of metrics that are not wanted only the name is read', () => {
  const seen: string[] = []
  const parser = createExpositionParser({
    wants: metric => metric.startsWith('container_cpu'),
    sample: each => void seen.push(each.name),
  })
  parser.push('go_goroutines{broken 5\ncontainer_cpu_seconds_total 1\n{"x.y"} 1\n')
  expect(seen).toEqual(['container_cpu_seconds_total'])
})

test('twenty megabytes of somebody else’s metrics are passed over in pieces that block nobody', () => {
  const line = (i: number): string =>
    `container_network_receive_bytes_total{id="/kubepods/pod${i}",image="registry/app:${i}",interface="eth0",pod="p-${i}"} ${i} 1700000000000\n`
  const piece = Array.from({ length: 500 }, (_, i) => line(i)).join('')
  const parser = createExpositionParser({
    wants: metric => metric === 'container_spec_cpu_quota',
    sample() {},
  })
  let longestMs = 0
  for (let sent = 0; sent < 20_000_000; sent += piece.length) {
    const startedMs = performance.now()
    parser.push(piece)
    longestMs = Math.max(longestMs, performance.now() - startedMs)
  }
  parser.end()
  // Generous, since the machine may be busy: a piece takes about a millisecond.
  expect(longestMs).toBeLessThan(500)
})
