import fc from 'fast-check'
import { RE2JS } from 're2js'
import { expect, test } from 'vitest'
import { compileMatcher, literalAlternatives } from './matcher.ts'

const matches = (op: '=' | '!=' | '=~' | '!~', pattern: string, value: string): boolean =>
  compileMatcher({ name: 'a', op, value: pattern })(value)

test('equality compares the whole value', () => {
  expect(matches('=', 'x', 'x')).toBe(true)
  expect(matches('=', 'x', 'xy')).toBe(false)
  expect(matches('!=', 'x', '')).toBe(true)
})

test('a regex is anchored at both ends, and the dot matches a newline', () => {
  expect(matches('=~', 'b', 'abc')).toBe(false)
  expect(matches('=~', 'a.c', 'a\nc')).toBe(true)
  expect(matches('=~', 'a|b', 'b')).toBe(true)
  expect(matches('=~', 'a|b', 'ab')).toBe(false)
  expect(matches('=~', '(?i:PROD).*', 'production')).toBe(true)
  expect(matches('!~', 'a.*', 'b')).toBe(true)
  expect(matches('=~', '', '')).toBe(true)
  expect(matches('=~', '.+', '')).toBe(false)
})

test('a regex that does not compile is refused with its reason', () => {
  expect(() => matches('=~', '(a', '')).toThrow(/missing closing \)/)
  expect(() => matches('=~', '(?=a)b', '')).toThrow(/Perl syntax/)
})

test('a regex that hangs backtracking engines answers at once', () => {
  expect(matches('=~', '(a+)+x', 'a'.repeat(20_000))).toBe(false)
})

test('alternatives are listed only when they are literals', () => {
  expect(literalAlternatives('a|b\\.c|')).toEqual(['a', 'b.c', ''])
  expect(literalAlternatives('a.b')).toBeUndefined()
  expect(literalAlternatives('\\d')).toBeUndefined()
  expect(literalAlternatives('a\\')).toBeUndefined()
})

test('shortcuts answer as the regex engine does', () => {
  const piece = fc.constantFrom(
    'a',
    'b',
    '.',
    '.*',
    '\\.',
    '|',
    '.+',
    '(a|b)',
    '[ab]',
    'b*',
    '\\\\',
    '\n',
    '$',
  )
  const values = fc.array(fc.constantFrom('a', 'b', '.', '|', '\\', '\n', '$'), { maxLength: 6 })
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), values, (pieces, chars) => {
      const pattern = pieces.join('')
      let oracle: RE2JS
      try {
        oracle = RE2JS.compile(`^(?s:${pattern})$`)
      } catch {
        return
      }
      expect(matches('=~', pattern, chars.join(''))).toBe(oracle.testExact(chars.join('')))
    }),
    { seed: 7, numRuns: 3000 },
  )
})
