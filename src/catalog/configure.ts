/** Thresholds, times, severities and what is on: the part of an alert that config may change, laid over the catalog. */
import { CeleriacError, parseDurationMs } from '../base/index.ts'
import type { Alert } from './alert.ts'
import { alerts } from './alerts/index.ts'
import { checkAlertOverrides } from './check-overrides.ts'
import type { AlertOverride, AlertOverrides, OwnLimit, OwnLimits } from './overrides.ts'
import type { Severity } from './spec.ts'

/** Numbers by which an alert is decided. */
export interface LimitNumbers {
  readonly severity: Severity
  readonly forMs: number
  readonly threshold: number
}

/** An alert with the numbers that hold. */
export interface ConfiguredAlert extends LimitNumbers {
  readonly alert: Alert
  readonly enabled: boolean
  /** Numbers of single queues and tasks, complete; null is off. A task's hold before those of its queue. */
  readonly queues: Readonly<Record<string, LimitNumbers | null>>
  readonly tasks: Readonly<Record<string, LimitNumbers | null>>
  readonly parameters: Readonly<Record<string, number>>
  /** True while every number is the catalog's, so that the catalog's test scenes hold. */
  readonly asCatalogued: boolean
}

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
  const catalogued: LimitNumbers = {
    severity: entry.severity,
    forMs: entry.forMs,
    threshold: entry.threshold.value,
  }
  const numbers = laidOver(catalogued, override)
  const own = (limits: OwnLimits = {}): Readonly<Record<string, LimitNumbers | null>> =>
    Object.fromEntries(
      Object.entries(limits).map(([name, limit]) => [
        name,
        limit === null ? null : laidOver(numbers, typeof limit === 'number' ? { threshold: limit } : limit),
      ]),
    )
  const parameters = {
    ...Object.fromEntries(Object.entries(entry.parameters).map(([name, { value }]) => [name, value])),
    ...override.parameters,
  }
  const queues = own(override.queues)
  const tasks = own(override.tasks)
  return {
    alert: entry,
    enabled: override.enabled ?? true,
    ...numbers,
    queues,
    tasks,
    parameters,
    asCatalogued:
      sameNumbers(numbers, catalogued) &&
      Object.keys(queues).length + Object.keys(tasks).length === 0 &&
      Object.entries(entry.parameters).every(([name, { value }]) => parameters[name] === value),
  }
}

const laidOver = (numbers: LimitNumbers, own: OwnLimit): LimitNumbers => ({
  severity: own.severity ?? numbers.severity,
  forMs: own.for === undefined ? numbers.forMs : (parseDurationMs(own.for) ?? numbers.forMs),
  threshold: own.threshold ?? numbers.threshold,
})

const sameNumbers = (a: LimitNumbers, b: LimitNumbers): boolean =>
  a.severity === b.severity && a.forMs === b.forMs && a.threshold === b.threshold

/** Reads labels by name; a label that is not there is empty or undefined. */
export interface LabelReader {
  get(name: string): string | undefined
}

/** The numbers that hold for a series: of its task, else of its queue, else of the alert; null where it is switched off. */
export function numbersFor(configured: ConfiguredAlert, labels?: LabelReader): LimitNumbers | null {
  if (!configured.enabled) return null
  const { tasks, queues } = configured
  for (const [own, name] of [
    [tasks, labels?.get('task')],
    [queues, labels?.get('queue')],
  ] as const) {
    if (name === undefined || !Object.hasOwn(own, name)) continue
    return own[name] ?? null
  }
  return configured
}
