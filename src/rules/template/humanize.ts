import { TemplateError } from './lex.ts'
import { formatGeneral } from './numbers.ts'
import { printTime, typeName, type Value } from './value.ts'

/** Number functions of Prometheus' templates (documentation "Template reference"; Prometheus `template/template.go`). */

const short = (value: number): string => formatGeneral(value, 4)

/** @throws TemplateError when the value is no number and no text of one. */
export function toFloat(value: Value): number {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  if (typeof value !== 'string') throw new TemplateError(`can't convert ${typeName(value)} to float`)
  const special = /^([+-]?)(?:(inf(?:inity)?)|nan)$/i.exec(value)
  if (special !== null) return special[2] === undefined ? NaN : special[1] === '-' ? -Infinity : Infinity
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(value)) {
    const number = Number(value)
    if (Number.isFinite(number)) return number
    throw new TemplateError(`strconv.ParseFloat: parsing ${JSON.stringify(value)}: value out of range`)
  }
  throw new TemplateError(`strconv.ParseFloat: parsing ${JSON.stringify(value)}: invalid syntax`)
}

const LARGER = ['k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'] as const
const SMALLER = ['m', 'u', 'n', 'p', 'f', 'a', 'z', 'y'] as const
const BINARY = ['ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei', 'Zi', 'Yi'] as const

function scaleDown(value: number, base: number, prefixes: readonly string[]): string {
  let scaled = value
  let prefix = ''
  for (const next of prefixes) {
    if (Math.abs(scaled) < base) break
    prefix = next
    scaled /= base
  }
  return short(scaled) + prefix
}

function scaleUp(value: number): string {
  let scaled = value
  let prefix = ''
  for (const next of SMALLER) {
    if (Math.abs(scaled) >= 1) break
    prefix = next
    scaled *= 1000
  }
  return short(scaled) + prefix
}

/** `1234567` is `1.235M`, `0.0012` is `1.2m`. */
export function humanize(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return short(value)
  return Math.abs(value) >= 1 ? scaleDown(value, 1000, LARGER) : scaleUp(value)
}

/** `1048576` is `1Mi`. */
export function humanize1024(value: number): string {
  if (Math.abs(value) <= 1 || !Number.isFinite(value)) return short(value)
  return scaleDown(value, 1024, BINARY)
}

/** Seconds as days, hours, minutes and seconds: `93784` is `1d 2h 3m 4s`, `0.1` is `100ms`. */
export function humanizeDuration(value: number): string {
  if (!Number.isFinite(value)) return short(value)
  if (value === 0) return `${short(value)}s`
  if (Math.abs(value) < 1) return `${scaleUp(value)}s`
  const sign = value < 0 ? '-' : ''
  const size = Math.abs(value)
  const total = Math.trunc(size)
  const seconds = total % 60
  const minutes = Math.trunc(total / 60) % 60
  const hours = Math.trunc(total / 3600) % 24
  const days = Math.trunc(total / 86_400)
  if (days > 0) return `${sign}${days}d ${hours}h ${minutes}m ${seconds}s`
  if (hours > 0) return `${sign}${hours}h ${minutes}m ${seconds}s`
  if (minutes > 0) return `${sign}${minutes}m ${seconds}s`
  return `${sign}${short(size)}s`
}

/** A ratio as a percentage: `0.125` is `12.5%`. */
export const humanizePercentage = (value: number): string => `${short(value * 100)}%`

/** Seconds since 1970 as a time in UTC, to the millisecond. */
export function humanizeTimestamp(value: number): string {
  return Number.isFinite(value) ? printTime(timestampMs(value)) : short(value)
}

/** @throws TemplateError when the time lies outside what Go's nanoseconds can say. */
export function timestampMs(seconds: number): number {
  const nanoseconds = seconds * 1e9
  if (Number.isNaN(nanoseconds) || !Number.isFinite(nanoseconds))
    throw new TemplateError('value is NaN or Inf')
  if (nanoseconds > 2 ** 63 || nanoseconds < -(2 ** 63)) {
    throw new TemplateError(
      `${formatGeneral(seconds)} cannot be represented as a nanoseconds timestamp since it overflows int64`,
    )
  }
  return Number(BigInt(Math.trunc(nanoseconds)) / 1_000_000n)
}
