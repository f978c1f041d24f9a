import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CeleriacError, Labels } from '../../base/index.ts'
import { type InputValue, parseLabels, parseValues } from './series.ts'

test('every form of the notation becomes its values', () => {
  expect(parseValues('1+2x3')).toEqual([1, 3, 5, 7])
  expect(parseValues('10-2.5x2 7')).toEqual([10, 7.5, 5, 7])
  expect(parseValues(' 1x2\n4 ')).toEqual([1, 1, 1, 4])
  expect(parseValues('_ _x2 stale 5')).toEqual(['missing', 'missing', 'missing', 'stale', 5])
  expect(parseValues('NaN Inf -Inf +Inf 1e3 -.5')).toEqual([NaN, Infinity, -Infinity, Infinity, 1000, -0.5])
  expect(parseValues('')).toEqual([])
})

test('steps are added one by one, so that the last digits are those of Prometheus', () => {
  expect(parseValues('0+0.1x3')).toEqual([0, 0.1, 0.2, 0.1 + 0.1 + 0.1])
})

test.each(['two', '1+2', 'stalex2', '-', '1 x2', '1x', '_x', '{{sum:1}}', '1x9999999', '0x10x2', '1+2x1.5'])(
  'refused: %s',
  text => {
    expect(() => parseValues(text)).toThrow(CeleriacError)
  },
)

test('any values that are written are read back', () => {
  const value = fc.oneof(
    fc.double({ noDefaultInfinity: true }).map(number => (number === 0 ? 0 : number)),
    fc.constantFrom<InputValue>('missing', 'stale', Infinity, -Infinity),
  )
  const written = (each: InputValue): string =>
    each === 'missing' ? '_' : String(each).replace('Infinity', 'Inf')
  fc.assert(
    fc.property(fc.array(value, { maxLength: 20 }), values => {
      expect(parseValues(values.map(written).join(' '))).toEqual(values)
    }),
  )
})

test('any text is read or refused with our error', () => {
  const piece = fc.constantFrom(
    '1',
    '+',
    '-',
    'x',
    '_',
    'stale',
    'Inf',
    'NaN',
    '.',
    'e',
    ' ',
    '{',
    '}',
    '"',
    '=',
    ',',
    'a',
    '9',
  )
  const attempt = (read: () => unknown): unknown => {
    try {
      return read()
    } catch (error) {
      return error
    }
  }
  const isOurs = (outcome: unknown): boolean =>
    !(outcome instanceof Error) || outcome instanceof CeleriacError
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 15 }), pieces => {
      expect(isOurs(attempt(() => parseValues(pieces.join(''))))).toBe(true)
      expect(isOurs(attempt(() => parseLabels(pieces.join(''))))).toBe(true)
    }),
    { numRuns: 1000 },
  )
})

test('series are read as PromQL writes them', () => {
  const read = (text: string): Record<string, string> => ({ ...parseLabels(text).toJSON() })
  expect(read('m')).toEqual({ __name__: 'm' })
  expect(read(String.raw`m{a="x", b='y "z"', c="\"\\"}`)).toEqual({
    __name__: 'm',
    a: 'x',
    b: 'y "z"',
    c: '"\\',
  })
  expect(read('{a="x"}')).toEqual({ a: 'x' })
  expect(parseLabels('{}')).toBe(Labels.EMPTY)
  expect(parseLabels('')).toBe(Labels.EMPTY)
  for (const text of ['m{a=~"x"}', 'm{a!="x"}', 'sum(m)', 'm[5m]', 'm{a="x"', '1'])
    expect(() => parseLabels(text), text).toThrow(CeleriacError)
})
