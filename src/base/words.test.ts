import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DAY, HOUR, MINUTE, SECOND } from './duration.ts'
import { wordDuration, wordNumber } from './words.ts'

test.each([
  [0, '0 s'],
  [-5, '0 s'],
  [432, '0.4 s'],
  [2 * SECOND, '2 s'],
  [2500, '2.5 s'],
  [14 * MINUTE + 32 * SECOND, '14 m 32 s'],
  [59_999, '1 m'],
  [HOUR + 20 * SECOND, '1 h'],
  [2 * DAY + 3 * HOUR + 5 * MINUTE, '2 d 3 h'],
  [Number.NaN, '-'],
])('%d ms read as %s', (ms, text) => {
  expect(wordDuration(ms)).toBe(text)
})

test.each([
  [0, '0'],
  [1234567, '1\u202f234\u202f567'],
  [-1234, '-1\u202f234'],
  [1234.56, '1\u202f235'],
  [0.0612345, '0.0612'],
  [99.96, '100'],
  [Number.POSITIVE_INFINITY, '+Inf'],
])('%d reads as %s', (value, text) => {
  expect(wordNumber(value)).toBe(text)
})

test('a duration never takes more than two units, and no number loses its size', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 400 * DAY }), ms => {
      expect(wordDuration(ms).split(' ').length).toBeLessThanOrEqual(4)
      expect(wordDuration(ms)).not.toBe('')
    }),
  )
  fc.assert(
    fc.property(fc.integer({ min: -1e9, max: 1e9 }), value => {
      expect(Number(wordNumber(value).replaceAll('\u202f', ''))).toBe(value)
    }),
  )
})
