import { DAY, HOUR, MINUTE, SECOND } from '../../src/base/index.ts'

/** What a number measures, as the overview contract names it. */
export type Unit = 'seconds' | 'bytes' | 'ratio' | 'percent' | 'per_second' | 'count'

/** Written wherever a number is not known. Zero is written 0, so the two are never mistaken. */
export const UNKNOWN = '–'

/** Between groups of digits: the thin space, wide enough to be seen in a bold number. Where it stands in running text a line may break. */
const THIN = '\u2009'
/** Between a number and its unit: no line breaks at it. */
const GAP = '\u00a0'

const group = (digits: string): string => digits.replace(/\B(?=(\d{3})+$)/g, THIN)

/** At most `digits` significant digits, without an exponent and without trailing zeros; thousands are grouped. */
export function formatNumber(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return value > 0 ? '∞' : value < 0 ? '−∞' : UNKNOWN
  const magnitude = Math.abs(value)
  if (magnitude === 0) return '0'
  const places = Math.max(0, digits - 1 - Math.floor(Math.log10(magnitude)))
  const rounded = Number(magnitude.toPrecision(digits))
  const [whole = '0', fraction = ''] = rounded.toFixed(Math.min(places, 20)).split('.')
  const kept = fraction.replace(/0+$/, '')
  return `${value < 0 ? '−' : ''}${group(whole)}${kept === '' ? '' : `.${kept}`}`
}

/** A whole number with grouped thousands; a fraction keeps three significant digits. */
export const formatCount = (value: number): string =>
  Number.isInteger(value) ? `${value < 0 ? '−' : ''}${group(String(Math.abs(value)))}` : formatNumber(value)

const pad = (value: number): string => String(value).padStart(2, '0')

/** Two units at most: `14 m 32 s`, `6 d 4 h`, `2.4 s`, `430 ms`. A second unit of zero is left out. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return formatNumber(seconds)
  if (seconds < 0) return `−${formatSeconds(-seconds)}`
  if (seconds === 0) return `0${GAP}s`
  if (seconds < 0.9995) return `${formatNumber(seconds * 1000)}${GAP}ms`
  if (seconds < 9.95) return `${formatNumber(seconds, 2)}${GAP}s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole}${GAP}s`
  const two = (first: number, a: string, second: number, b: string, padded: boolean): string =>
    second === 0
      ? `${group(String(first))}${GAP}${a}`
      : `${group(String(first))}${GAP}${a}${GAP}${padded ? pad(second) : second}${GAP}${b}`
  if (whole < 3600) return two(Math.floor(whole / 60), 'm', whole % 60, 's', true)
  const minutes = Math.round(whole / 60)
  if (minutes < 24 * 60) return two(Math.floor(minutes / 60), 'h', minutes % 60, 'm', true)
  const hours = Math.round(minutes / 60)
  return two(Math.floor(hours / 24), 'd', hours % 24, 'h', false)
}

const BYTES = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** Binary units with three significant digits: `1.5 GiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (Math.abs(value) >= 1000 && unit < BYTES.length - 1) {
    value /= 1024
    unit++
  }
  return `${formatNumber(value)}${GAP}${BYTES[unit] ?? 'B'}`
}

/** A number in its unit, or the dash when it is not known. */
export function formatValue(value: number | null, unit: Unit): string {
  if (value === null || Number.isNaN(value)) return UNKNOWN
  switch (unit) {
    case 'seconds':
      return formatSeconds(value)
    case 'bytes':
      return formatBytes(value)
    case 'ratio':
      return `${formatNumber(value * 100, Math.abs(value) >= 0.1 ? 3 : 2)}${GAP}%`
    case 'percent':
      return `${formatNumber(value, Math.abs(value) >= 10 ? 3 : 2)}${GAP}%`
    case 'per_second':
      return `${formatNumber(value)}${GAP}/s`
    case 'count':
      return formatCount(value)
  }
}

/** The value with every digit it has, for titles and copies. */
export function formatExact(value: number | null, unit: Unit): string {
  if (value === null) return 'not known'
  const suffix = { seconds: ' s', bytes: ' bytes', ratio: '', percent: ' %', per_second: ' /s', count: '' }
  return `${value}${suffix[unit]}`
}

/** The zone in which times are written; a setting of the reader, never part of a link. */
export type Zone = 'utc' | 'local'

/** Formatters are dear to make and few, so they are kept. */
const formatters = new Map<string, Intl.DateTimeFormat>()
function formatter(zone: Zone, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${zone} ${JSON.stringify(options)}`
  let found = formatters.get(key)
  if (found === undefined) {
    found = new Intl.DateTimeFormat('en-GB', {
      ...options,
      hourCycle: 'h23',
      ...(zone === 'utc' ? { timeZone: 'UTC' } : {}),
    })
    formatters.set(key, found)
  }
  return found
}

const CLOCK: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', second: '2-digit' }
const SHORT_CLOCK: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit' }
const DATE: Intl.DateTimeFormatOptions = { day: 'numeric', month: 'short' }

/** `02:39:12` on a 24-hour clock. */
export const formatClock = (ms: number, zone: Zone): string => formatter(zone, CLOCK).format(ms)

/** `02:39`. */
export const formatShortClock = (ms: number, zone: Zone): string => formatter(zone, SHORT_CLOCK).format(ms)

/** `23 Nov`. */
export const formatDate = (ms: number, zone: Zone): string => formatter(zone, DATE).format(ms)

/** The clock alone on the day of `nowMs`, otherwise with the date before it. */
export const formatMoment = (ms: number, nowMs: number, zone: Zone): string =>
  formatDate(ms, zone) === formatDate(nowMs, zone) && Math.abs(nowMs - ms) < 2 * DAY
    ? formatClock(ms, zone)
    : `${formatDate(ms, zone)} ${formatShortClock(ms, zone)}`

/** Date, time and zone, for titles: `23 Nov 2026, 02:39:12 UTC`. */
export const formatFull = (ms: number, zone: Zone): string =>
  formatter(zone, { ...DATE, year: 'numeric', ...CLOCK, timeZoneName: 'short' }).format(ms)

/** The short name of the zone at a time: `UTC`, `GMT+1`. */
export const zoneName = (ms: number, zone: Zone): string =>
  formatter(zone, { ...SHORT_CLOCK, timeZoneName: 'short' })
    .formatToParts(ms)
    .find(part => part.type === 'timeZoneName')?.value ?? 'UTC'

/** One unit of an elapsed time, always rounded down: `2 s`, `10 m`, `3 h`, `6 d`. */
export function formatAge(ms: number): string {
  const age = Math.max(0, ms)
  if (age < MINUTE) return `${Math.floor(age / SECOND)}${GAP}s`
  if (age < HOUR) return `${Math.floor(age / MINUTE)}${GAP}m`
  if (age < 2 * DAY) return `${Math.floor(age / HOUR)}${GAP}h`
  return `${Math.floor(age / DAY)}${GAP}d`
}

/** `one queue`, `9 queues`: a count with its noun. */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${formatCount(count)}${GAP}${count === 1 ? one : many}`
