/** Proposes limits of alerts from what their own expressions gave in the past. */
import { formatDuration, HOUR, type Labels, MINUTE } from '../base/index.ts'
import {
  type Alert,
  checkBuckets,
  type ConfiguredAlert,
  type LimitScope,
  numbersFor,
  type Unit,
} from '../catalog/index.ts'
import { firings, type GridValues, known, quantileOf, sustained } from './history.ts'

/** A series of an alert's question over the grid. */
export interface HistorySeries {
  readonly labels: Labels
  readonly values: GridValues
}

export interface ProposeOptions {
  readonly stepMs: number
  /** How much above what is usual the limit lies: 1.5 is by half. */
  readonly headroom: number
  /** With less than this there is no proposal. */
  readonly minimumMs: number
}

export interface Proposal {
  readonly alert: string
  /** Whose limit: of one task, one queue, or of all. */
  readonly scope: LimitScope | null
  readonly name: string | null
  readonly unit: Unit
  readonly forMs: number
  /** What holds now, and how often it would have fired; null where the alert is off. */
  readonly present: { readonly threshold: number; readonly fires: number } | null
  readonly proposed: { readonly threshold: number; readonly fires: number } | null
  /** Why there is no proposal. */
  readonly reason: string | null
  /** For how long there were values, in ms; gaps do not count. */
  readonly knownMs: number
  /** The level held for the alert's time in the middle hour, and in all but one hour in ten. Null without values. */
  readonly usual: { readonly median: number; readonly high: number } | null
}

const WINDOW_MS = HOUR
/** The worst hour in ten is not taken for normal: it may be the fault that the alert is for. */
const HIGH = 0.9

/**
 * Alerts whose limit is a habit of this fleet. Others have limits by capacity (memory, connections, CPU) or by meaning (no worker
 * is none), which history cannot know better.
 */
export const isLearnable = ({ scopes, name, component, threshold }: Alert): boolean =>
  component === 'celery' &&
  threshold.direction === 'over' &&
  (scopes.length > 0 || name === 'CeleryTasksPerWorkerHigh')

/** The alert's own expression without its limit: whatever it may compare, all its other conditions kept. */
export const question = ({ alert, parameters }: ConfiguredAlert): string =>
  alert.expr({ limit: -1e300, where: {}, rest: true, parameters }).text

/** The most specific label by which the alert takes limits of their own; null for all together. */
function subjectOf(alert: Alert, labels: Labels): { scope: LimitScope | null; name: string | null } {
  for (const scope of ['task', 'queue'] as const) {
    const name = labels.get(scope)
    if (alert.scopes.includes(scope) && name !== '') return { scope, name }
  }
  return { scope: null, name: null }
}

/** One proposal for each task or queue that has a value at all, in order of name; all together come first. */
export function propose(
  configured: ConfiguredAlert,
  series: readonly HistorySeries[],
  options: ProposeOptions,
): readonly Proposal[] {
  const { alert } = configured
  const subjects = new Map<string, HistorySeries[]>()
  for (const each of series) {
    const { scope, name } = subjectOf(alert, each.labels)
    const key = scope === null ? '' : `${scope} ${name}`
    subjects.set(key, [...(subjects.get(key) ?? []), each])
  }
  return [...subjects]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, of]) => proposeFor(configured, of, options))
}

function proposeFor(
  configured: ConfiguredAlert,
  series: readonly HistorySeries[],
  { stepMs, headroom, minimumMs }: ProposeOptions,
): Proposal {
  const { alert } = configured
  const labels = series[0]?.labels
  const { scope, name } = labels === undefined ? { scope: null, name: null } : subjectOf(alert, labels)
  // A limit of its queue may hold for a task: that differs by series, and each is counted with its own.
  const numbersOf = (each: HistorySeries) => numbersFor({ ...configured, enabled: true }, each.labels)
  const numbers = series.map(numbersOf).find(found => found !== null) ?? configured
  const forSteps = Math.ceil(numbers.forMs / stepMs)
  const windowSteps = Math.max(1, Math.round(WINDOW_MS / stepMs))
  const knownMs = Math.max(0, ...series.map(({ values }) => known(values))) * stepMs
  const highest: number[] = []
  for (const { values } of series)
    sustained(values, windowSteps, forSteps).forEach((value, window) => {
      if (!Number.isNaN(value)) highest[window] = Math.max(highest[window] ?? -Infinity, value)
    })
  const levels = highest.filter(() => true)
  const usual =
    levels.length === 0 ? null : { median: quantileOf(levels, 0.5), high: quantileOf(levels, HIGH) }
  const present = series.every(each => numbersOf(each) === null)
    ? null
    : {
        threshold: numbers.threshold,
        fires: series.reduce((sum, each) => {
          const own = numbersOf(each)
          return own === null ? sum : sum + firings(each.values, own.threshold, Math.ceil(own.forMs / stepMs))
        }, 0),
      }
  const found = limitFrom(alert, usual?.high ?? null, headroom, knownMs, minimumMs)
  return {
    alert: alert.name,
    scope,
    name,
    unit: alert.threshold.unit,
    forMs: numbers.forMs,
    present,
    proposed:
      'reason' in found
        ? null
        : {
            threshold: found.limit,
            fires: series.reduce((sum, { values }) => sum + firings(values, found.limit, forSteps), 0),
          },
    reason: 'reason' in found ? found.reason : null,
    knownMs,
    usual,
  }
}

function limitFrom(
  alert: Alert,
  high: number | null,
  headroom: number,
  knownMs: number,
  minimumMs: number,
): { readonly limit: number } | { readonly reason: string } {
  if (high === null || knownMs < minimumMs)
    return {
      reason: `history is too short: ${formatDuration(Math.floor(knownMs / MINUTE) * MINUTE)} of values, ${formatDuration(minimumMs)} are needed`,
    }
  // A tenth of the catalog's limit: what is always near 0 would else page at the first stir.
  const limit = roundUp(Math.max(high * headroom, alert.threshold.value / 10))
  if (alert.threshold.unit === 'ratio' && limit >= 1)
    return { reason: 'nearly everything is usual: mend what fails, or switch the alert off with null' }
  const [outside] = checkBuckets(alert, limit)
  if (outside !== undefined)
    return { reason: `${limit} would be a limit that is never passed: it ${outside}` }
  return { limit }
}

const STEPS = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10]

/** The next number that people would choose: 1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6 or 8 of a power of ten. 0 and less stay 0. */
export function roundUp(value: number): number {
  if (!(value > 0)) return 0
  const power = 10 ** Math.floor(Math.log10(value))
  const step = STEPS.find(each => each * power >= value * (1 - 1e-9)) ?? 10
  return Number((step * power).toPrecision(6))
}
