import { CeleriacError, parseDurationMs } from '../base/index.ts'

/** Parameters of a request: the query string, overlaid by a form body (Prometheus' API takes both). */
export type Parameters = URLSearchParams

/** A refusal in Prometheus' words (Prometheus `web/api/v1/api.go` invalidParamError). */
export const invalidParameter = (name: string, reason: string): CeleriacError =>
  new CeleriacError('USAGE', `invalid parameter "${name}": ${reason}`)

/** A text as Go's `%q` quotes it, as far as requests have it; cut where nobody would read on. */
const quoted = (text: string): string => JSON.stringify(text.slice(0, 80))

/** A decimal number as Go's `strconv.ParseFloat` reads it; undefined when it is none. */
const float = (text: string): number | undefined =>
  /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text) ? Number(text) : undefined

const RFC3339 = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/
/** What a date can hold: the years of plus and minus 270,000. */
const MAX_TIME_MS = 8.64e15
const MAX_DURATION_NS = 2 ** 63

/** Unix seconds (with fraction) or RFC 3339, as epoch ms; undefined when it is neither, or no time that can be. */
export function parseTimeMs(text: string): number | undefined {
  const seconds = float(text)
  if (seconds !== undefined) {
    const ms = Math.round(seconds * 1000)
    return Math.abs(ms) <= MAX_TIME_MS ? ms : undefined
  }
  const [, day] = RFC3339.exec(text) ?? []
  if (day === undefined) return undefined
  const ms = Date.parse(text)
  // A day that its month does not have is taken for one of the next month.
  return Number.isFinite(ms) && new Date(`${day}T00:00:00Z`).toISOString().startsWith(day) ? ms : undefined
}

/** A time; without a fallback it is required. Throws USAGE. */
export function timeMs(parameters: Parameters, name: string, fallbackMs?: number): number {
  const text = parameters.get(name) ?? ''
  if (text === '' && fallbackMs !== undefined) return fallbackMs
  const ms = parseTimeMs(text)
  if (ms !== undefined) return ms
  const reason = `cannot parse ${quoted(text)} to a valid timestamp`
  // Prometheus names it twice where it may be left out (parseTimeParam).
  throw invalidParameter(
    name,
    fallbackMs === undefined ? reason : `Invalid time value for '${name}': ${reason}`,
  )
}

function parseDuration(text: string, name: string): number {
  const seconds = float(text)
  if (seconds !== undefined) {
    if (Math.abs(seconds) * 1e9 >= MAX_DURATION_NS)
      throw invalidParameter(name, `cannot parse ${quoted(text)} to a valid duration. It overflows int64`)
    return Math.round(seconds * 1000)
  }
  const ms = parseDurationMs(text)
  if (ms === undefined) throw invalidParameter(name, `cannot parse ${quoted(text)} to a valid duration`)
  return ms
}

/** The step of a range: seconds (with fraction) or a Prometheus duration, as ms, more than 0. Throws USAGE. */
export function stepMs(parameters: Parameters): number {
  const ms = parseDuration(parameters.get('step') ?? '', 'step')
  if (ms > 0) return ms
  throw invalidParameter(
    'step',
    'zero or negative query resolution step widths are not accepted. Try a positive integer',
  )
}

/** Seconds (with fraction) or a Prometheus duration, as ms; undefined when it is not given. Throws USAGE. */
export function durationMs(parameters: Parameters, name: string): number | undefined {
  const text = parameters.get(name)
  return text === null || text === '' ? undefined : parseDuration(text, name)
}

/** A whole number of at least 0, or undefined. 0 means no limit in Prometheus' API. Throws USAGE. */
export function limit(parameters: Parameters): number | undefined {
  const text = parameters.get('limit')
  if (text === null || text === '') return undefined
  if (!/^[+-]?\d{1,15}$/.test(text))
    throw invalidParameter('limit', `strconv.Atoi: parsing ${quoted(text)}: invalid syntax`)
  const value = Number(text)
  if (value < 0) throw invalidParameter('limit', 'limit must be non-negative')
  return value === 0 ? undefined : value
}
