import type { Labels } from '../base/index.ts'
import { ALERT_GROUP, type ConfiguredAlert, META_GROUP, numbersFor, type Unit } from '../catalog/index.ts'
import type { ActiveAlert } from '../rules/index.ts'

export interface Limit {
  readonly alert: string
  readonly value: number
  /** On which side of it things are bad. */
  readonly bad: 'over' | 'under'
  readonly unit: Unit
}

/** The limit of an alert for a series, as config has it; null when the alert is off, unknown, or is off for this queue or task. */
export type LimitOf = (alert: string | undefined, labels: Labels | undefined) => Limit | null

/** The unit of an alert's value; null for rules that are not the catalog's. */
export type UnitOf = (alert: Pick<ActiveAlert, 'rule' | 'group'>) => Unit | null

export function unitsOf(alerts: readonly ConfiguredAlert[]): UnitOf {
  const byName = new Map<string, Unit>(alerts.map(({ alert }) => [alert.name, alert.threshold.unit]))
  return ({ rule, group }) =>
    group === ALERT_GROUP || group === META_GROUP ? (byName.get(rule.alert) ?? null) : null
}

export function limitsOf(alerts: readonly ConfiguredAlert[]): LimitOf {
  const byName = new Map<string | undefined, ConfiguredAlert>(alerts.map(each => [each.alert.name, each]))
  return (name, labels) => {
    const configured = byName.get(name)
    const numbers = configured === undefined ? null : numbersFor(configured, labels)
    if (configured === undefined || numbers === null) return null
    const { name: alert, threshold } = configured.alert
    return { alert, value: numbers.threshold, bad: threshold.direction, unit: threshold.unit }
  }
}

/** How bad a value is by its limit: over 1 is past it. */
export function severityOf(value: number, limit: Limit): number {
  if (limit.bad === 'under') return value === 0 ? Number.POSITIVE_INFINITY : limit.value / value
  return limit.value === 0 ? (value > 0 ? Number.POSITIVE_INFINITY : 0) : value / limit.value
}

/** Near begins at four fifths of the way; a number that rests exactly on a lower limit is well. */
export function standing(value: number, limit: Limit): 'ok' | 'near' | 'over' {
  if (limit.bad === 'over')
    return value > limit.value ? 'over' : value >= 0.8 * limit.value && value > 0 ? 'near' : 'ok'
  if (value < limit.value) return 'over'
  return value > limit.value && value <= limit.value * 1.25 ? 'near' : 'ok'
}
