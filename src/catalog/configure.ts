/** Thresholds, times, severities and what is on: the part of an alert that config may change, checked before it is used. */
import { CeleriacError, parseDurationMs } from '../base/index.ts'
import type { Alert } from './alert.ts'
import { alerts } from './alerts/index.ts'
import type { Severity } from './spec.ts'

/** What config may say about one alert. Left out means the catalog's value. */
export interface AlertOverride {
  readonly enabled?: boolean
  readonly severity?: Severity
  /** A Prometheus duration: `5m`. */
  readonly for?: string
  readonly threshold?: number
  /** Limits of single queues, where the alert is told by queue; null switches it off for that queue. */
  readonly queues?: Readonly<Record<string, number | null>>
  readonly parameters?: Readonly<Record<string, number>>
}

/** By alert name. */
export type AlertOverrides = Readonly<Record<string, AlertOverride>>

/** An alert with the numbers that hold. */
export interface ConfiguredAlert {
  readonly alert: Alert
  readonly enabled: boolean
  readonly severity: Severity
  readonly forMs: number
  readonly threshold: number
  readonly queues: Readonly<Record<string, number | null>>
  readonly parameters: Readonly<Record<string, number>>
  /** True while every number is the catalog's, so that the catalog's test scenes hold. */
  readonly asCatalogued: boolean
}

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
  'parameters',
] satisfies (keyof AlertOverride)[]

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
  const faults: Fault[] = Object.keys(override)
    .filter(key => !KEYS.includes(key))
    .map(key => [[key], `is not known; there are ${KEYS.join(', ')}`])
  const { enabled, severity, for: time, threshold, queues, parameters } = override
  if (enabled !== undefined && typeof enabled !== 'boolean')
    faults.push([['enabled'], 'must be true or false'])
  if (severity !== undefined && !SEVERITIES.some(known => known === severity))
    faults.push([['severity'], `must be one of ${SEVERITIES.join(', ')}`])
  if (time !== undefined && (typeof time !== 'string' || parseDurationMs(time) === undefined))
    faults.push([['for'], 'must be a duration such as 5m'])
  if (threshold !== undefined)
    faults.push(...checkThreshold(entry, threshold).map(m => [['threshold'], m] as const))
  if (queues !== undefined) faults.push(...checkQueues(entry, queues))
  if (parameters !== undefined) faults.push(...checkParameters(entry, parameters))
  return faults
}

function checkQueues(entry: Alert, queues: unknown): readonly Fault[] {
  if (!entry.perQueue) return [[['queues'], 'cannot be set: this alert is not told by queue']]
  if (!isRecord(queues)) return [[['queues'], 'must be an object of limits by queue']]
  return Object.entries(queues).flatMap(([queue, limit]) =>
    limit === null ? [] : checkThreshold(entry, limit).map((m): Fault => [['queues', queue], m]),
  )
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
  return watchedHistograms(entry).flatMap(({ name, buckets }) => {
    const first = buckets[0] ?? 0
    const last = buckets.at(-1) ?? 0
    if (limit >= first && limit < last) return []
    return [`must lie within the buckets of ${name}: ${first} or more, less than ${last}`]
  })
}

const watchedHistograms = (
  entry: Alert,
): readonly { readonly name: string; readonly buckets: readonly number[] }[] =>
  entry
    .expr({ limit: 0, where: {}, parameters: catalogParameters(entry) })
    .metrics.flatMap(({ name, buckets }) => (buckets === undefined ? [] : [{ name, buckets }]))

const catalogParameters = (entry: Alert): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(entry.parameters).map(([name, { value }]) => [name, value]))

/** Every alert with config laid over the catalog. Throws CONFIG_INVALID that lists all problems. */
export function configureAlerts(overrides: AlertOverrides = {}): readonly ConfiguredAlert[] {
  const problems = checkAlertOverrides(overrides)
  if (problems.length > 0)
    throw new CeleriacError(
      'CONFIG_INVALID',
      problems.map(({ path, message }) => `alerts.${path} ${message}.`).join(' '),
      { hint: 'See docs/alerts.md for what each alert takes.' },
    )
  return alerts.map(entry => configure(entry, overrides[entry.name] ?? {}))
}

function configure(entry: Alert, override: AlertOverride): ConfiguredAlert {
  const numbers = {
    severity: override.severity ?? entry.severity,
    forMs: override.for === undefined ? entry.forMs : (parseDurationMs(override.for) ?? entry.forMs),
    threshold: override.threshold ?? entry.threshold.value,
    queues: override.queues ?? {},
    parameters: { ...catalogParameters(entry), ...override.parameters },
  }
  return {
    alert: entry,
    enabled: override.enabled ?? true,
    ...numbers,
    asCatalogued:
      numbers.severity === entry.severity &&
      numbers.forMs === entry.forMs &&
      numbers.threshold === entry.threshold.value &&
      Object.keys(numbers.queues).length === 0 &&
      Object.entries(entry.parameters).every(([name, { value }]) => numbers.parameters[name] === value),
  }
}
