/** Checks what config says about alerts, before any of it is used. */
import { parseDurationMs } from '../base/index.ts'
import { type Alert, defaultExpr } from './alert.ts'
import { alerts } from './alerts/index.ts'
import type { AlertOverride, OwnLimit } from './overrides.ts'
import type { Severity } from './spec.ts'

/** One thing wrong, and where: `CeleryQueueDepthHigh.threshold`. */
export interface OverrideProblem {
  readonly path: string
  readonly message: string
}

const SEVERITIES: readonly string[] = ['critical', 'warning', 'info'] satisfies Severity[]
const KEYS: readonly string[] = [
  'enabled',
  'severity',
  'for',
  'threshold',
  'queues',
  'tasks',
  'parameters',
] satisfies (keyof AlertOverride)[]
const OWN_KEYS: readonly string[] = ['severity', 'for', 'threshold'] satisfies (keyof OwnLimit)[]

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * Everything wrong with a value that should be `AlertOverrides`; empty when it is one. A limit on a quantile must lie below the
 * histogram's last bound, or it could never be passed (guide-flaw 14).
 */
export function checkAlertOverrides(value: unknown): readonly OverrideProblem[] {
  if (!isRecord(value)) return [{ path: '', message: 'must be an object by alert name' }]
  return Object.entries(value).flatMap(([name, override]) => {
    const entry = alerts.find(known => known.name === name)
    if (entry === undefined)
      return [{ path: name, message: `is no alert; there are ${alerts.map(known => known.name).join(', ')}` }]
    return checkOverride(entry, override).map(([key, message]) => ({
      path: [name, ...key].join('.'),
      message,
    }))
  })
}

type Fault = readonly [path: readonly string[], message: string]

function checkOverride(entry: Alert, override: unknown): readonly Fault[] {
  if (!isRecord(override)) return [[[], 'must be an object']]
  const faults: Fault[] = [...checkKeys(override, KEYS), ...checkNumbers(entry, override)]
  const { enabled, queues, tasks, parameters } = override
  if (enabled !== undefined && typeof enabled !== 'boolean')
    faults.push([['enabled'], 'must be true or false'])
  if (queues !== undefined) faults.push(...checkOwn(entry, 'queue', queues))
  if (tasks !== undefined) faults.push(...checkOwn(entry, 'task', tasks))
  if (parameters !== undefined) faults.push(...checkParameters(entry, parameters))
  return faults
}

const checkKeys = (value: Readonly<Record<string, unknown>>, known: readonly string[]): readonly Fault[] =>
  Object.keys(value)
    .filter(key => !known.includes(key))
    .map(key => [[key], `is not known; there are ${known.join(', ')}`])

function checkNumbers(entry: Alert, value: Readonly<Record<string, unknown>>): readonly Fault[] {
  const faults: Fault[] = []
  const { severity, for: time, threshold } = value
  if (severity !== undefined && !SEVERITIES.some(known => known === severity))
    faults.push([['severity'], `must be one of ${SEVERITIES.join(', ')}`])
  if (time !== undefined && (typeof time !== 'string' || parseDurationMs(time) === undefined))
    faults.push([['for'], 'must be a duration such as 5m'])
  if (threshold !== undefined)
    faults.push(...checkThreshold(entry, threshold).map(m => [['threshold'], m] as const))
  return faults
}

function checkOwn(entry: Alert, scope: 'queue' | 'task', limits: unknown): readonly Fault[] {
  const key = `${scope}s`
  if (!entry.scopes.includes(scope)) return [[[key], `cannot be set: this alert is not told by ${scope}`]]
  if (!isRecord(limits)) return [[[key], `must be an object of limits by ${scope}`]]
  return Object.entries(limits).flatMap(([name, limit]) => {
    if (limit === null) return []
    const faults: readonly Fault[] = isRecord(limit)
      ? [...checkKeys(limit, OWN_KEYS), ...checkNumbers(entry, limit)]
      : checkThreshold(entry, limit).map(m => [[], m])
    return faults.map(([path, message]): Fault => [[key, name, ...path], message])
  })
}

function checkParameters(entry: Alert, parameters: unknown): readonly Fault[] {
  if (!isRecord(parameters)) return [[['parameters'], 'must be an object of numbers']]
  const known = Object.keys(entry.parameters)
  return Object.entries(parameters).flatMap(([name, value]): Fault[] => {
    if (!known.includes(name))
      return [[['parameters', name], `is not known; there are ${known.join(', ') || 'none'}`]]
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
      return [[['parameters', name], 'must be a number, 0 or more']]
    return []
  })
}

function checkThreshold(entry: Alert, value: unknown): readonly string[] {
  if (typeof value !== 'number' || !Number.isFinite(value)) return ['must be a number']
  if (entry.threshold.unit !== 'per_second' && value < 0) return ['must be 0 or more']
  if (entry.threshold.unit === 'ratio' && value > 1) return ['must be a ratio between 0 and 1']
  return checkBuckets(entry, value)
}

/** Says when a limit lies outside the bounds of the histogram that it is compared with. */
export function checkBuckets(entry: Alert, limit: number): readonly string[] {
  if (entry.threshold.unit !== 'seconds') return []
  return defaultExpr(entry).metrics.flatMap(({ name, buckets }) => {
    if (buckets === undefined) return []
    const first = buckets[0] ?? 0
    const last = buckets.at(-1) ?? 0
    if (limit >= first && limit < last) return []
    return [`must lie within the buckets of ${name}: ${first} or more, less than ${last}`]
  })
}
