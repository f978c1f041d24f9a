import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  formatAge,
  formatBytes,
  formatClock,
  formatCount,
  formatMoment,
  formatNumber,
  formatSeconds,
  formatValue,
  plural,
  UNKNOWN,
  zoneName,
} from './format.ts'

/** No-break spaces read as plain ones. */
const plain = (text: string): string => text.replace(/[\u2009\u00a0]/g, ' ')

test('durations have at most two units and never a zero second one', () => {
  const f = (seconds: number, text: string): void => expect(plain(formatSeconds(seconds))).toBe(text)
  f(0, '0 s')
  f(0.43, '430 ms')
  f(0.0004, '0.4 ms')
  f(2.4, '2.4 s')
  f(9.97, '10 s')
  f(24, '24 s')
  f(59.6, '1 m')
  f(66, '1 m 06 s')
  f(300, '5 m')
  f(872, '14 m 32 s')
  f(3599.7, '1 h')
  f(6720, '1 h 52 m')
  f(532_800, '6 d 4 h')
  f(86_400 * 3, '3 d')
  f(-90, '−1 m 30 s')
})

test('numbers keep three digits, lose the exponent and group thousands', () => {
  const f = (value: number, text: string): void => expect(plain(formatNumber(value))).toBe(text)
  f(0, '0')
  f(187.4, '187')
  f(7.7, '7.7')
  f(0.43219, '0.432')
  f(0.0000123, '0.0000123')
  f(1234.5, '1 230')
  f(999.7, '1 000')
  f(-12.34, '−12.3')
  f(Number.NaN, UNKNOWN)
})

test('every value in its unit, and unknown is a dash, never 0', () => {
  expect(plain(formatValue(48_210, 'count'))).toBe('48 210')
  expect(plain(formatValue(0.041, 'ratio'))).toBe('4.1 %')
  expect(plain(formatValue(1, 'ratio'))).toBe('100 %')
  expect(plain(formatValue(97.25, 'percent'))).toBe('97.3 %')
  expect(plain(formatValue(187, 'per_second'))).toBe('187 /s')
  expect(plain(formatBytes(1_610_612_736))).toBe('1.5 GiB')
  expect(formatValue(0, 'count')).toBe('0')
  for (const unit of ['seconds', 'bytes', 'ratio', 'percent', 'per_second', 'count'] as const) {
    expect(formatValue(null, unit)).toBe(UNKNOWN)
    expect(formatValue(Number.NaN, unit)).toBe(UNKNOWN)
  }
})

test('a grouped count read back without its spaces is the count', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e12 }), value => {
      expect(Number(formatCount(value).replaceAll('\u2009', ''))).toBe(value)
    }),
  )
})

test('no duration shows 60 of a unit that has a next one', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e8, noNaN: true }), seconds => {
      expect(plain(formatSeconds(seconds))).not.toMatch(/\b60 [sm]\b|\b24 h\b|\b1 000 ms\b/)
    }),
  )
})

test('times are on a 24-hour clock, with the date once it is another day', () => {
  const now = Date.UTC(2026, 10, 23, 3, 0, 0)
  expect(formatClock(Date.UTC(2026, 10, 23, 0, 5, 9), 'utc')).toBe('00:05:09')
  expect(formatMoment(Date.UTC(2026, 10, 23, 2, 39, 12), now, 'utc')).toBe('02:39:12')
  expect(formatMoment(Date.UTC(2026, 10, 22, 22, 39, 12), now, 'utc')).toBe('22 Nov 22:39')
  expect(zoneName(now, 'utc')).toBe('UTC')
})

test('ages are rounded down to one unit and never negative', () => {
  expect(plain(formatAge(-5))).toBe('0 s')
  expect(plain(formatAge(2999))).toBe('2 s')
  expect(plain(formatAge(10 * 60_000 + 59_000))).toBe('10 m')
  expect(plain(formatAge(47 * 3_600_000))).toBe('47 h')
  expect(plain(formatAge(3 * 86_400_000))).toBe('3 d')
})

test('a noun agrees with its count', () => {
  expect(plain(plural(1, 'queue'))).toBe('1 queue')
  expect(plain(plural(0, 'queue'))).toBe('0 queues')
  expect(plain(plural(2, 'series', 'series'))).toBe('2 series')
})
