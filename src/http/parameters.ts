import { CeleriacError, parseDurationMs } from '../base/index.ts'

/** Parameters of a request: the query string, overlaid by a form body (Prometheus' API takes both). */
export type Parameters = URLSearchParams

const badParameter = (name: string, expected: string, got: string): CeleriacError =>
  new CeleriacError(
    'USAGE',
    `invalid parameter "${name}": expected ${expected}, got ${JSON.stringify(got.slice(0, 80))}`,
  )

/** A required text. Throws USAGE when it is missing or empty. */
export function requireText(parameters: Parameters, name: string): string {
  const value = parameters.get(name)
  if (value === null || value === '') throw new CeleriacError('USAGE', `missing parameter "${name}"`)
  return value
}

/** Unix seconds (with fraction) or RFC 3339, as epoch ms. Throws USAGE. */
export function parseTimeMs(text: string, name: string): number {
  const seconds = Number(text)
  if (text.trim() !== '' && Number.isFinite(seconds)) return Math.round(seconds * 1000)
  if (/^\d{4}-\d{2}-\d{2}T/.test(text)) {
    const ms = Date.parse(text)
    if (Number.isFinite(ms)) return ms
  }
  throw badParameter(name, 'Unix seconds or RFC 3339', text)
}

export function timeMs(parameters: Parameters, name: string, fallbackMs?: number): number {
  const text = parameters.get(name)
  if (text === null || text === '') {
    if (fallbackMs !== undefined) return fallbackMs
    throw new CeleriacError('USAGE', `missing parameter "${name}"`)
  }
  return parseTimeMs(text, name)
}

/** Seconds (with fraction) or a Prometheus duration, as ms, more than 0. Throws USAGE. */
export function durationMs(parameters: Parameters, name: string): number | undefined {
  const text = parameters.get(name)
  if (text === null || text === '') return undefined
  const seconds = Number(text)
  const ms =
    Number.isFinite(seconds) && text.trim() !== '' ? Math.round(seconds * 1000) : parseDurationMs(text)
  if (ms === undefined || !(ms > 0))
    throw badParameter(name, 'a positive number of seconds or a duration such as 15s', text)
  return ms
}

/** A whole number of at least 0, or undefined. 0 means no limit in Prometheus' API. */
export function limit(parameters: Parameters): number | undefined {
  const text = parameters.get('limit')
  if (text === null || text === '') return undefined
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0) throw badParameter('limit', 'a whole number, 0 or more', text)
  return value === 0 ? undefined : value
}
