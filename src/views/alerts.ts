import { compareText } from '../base/index.ts'
import type { Overview } from '../contract/index.ts'
import type { GroupStatus } from '../rules/index.ts'
import type { UnitOf } from './limits.ts'

export type AlertRow = Overview['alerts'][number]

/** Severities that wake somebody: ours, and the other word that rules of Prometheus often use. */
export const isCritical = ({ severity }: Pick<AlertRow, 'severity'>): boolean =>
  severity === 'critical' || severity === 'page'

// A severity that nobody knows counts as a warning: better too loud than overlooked.
const rank = (row: AlertRow): number =>
  (row.state === 'firing' ? 0 : 10) + (isCritical(row) ? 0 : row.severity === 'info' ? 2 : 1)

/** Pending and firing alerts, worst first: firing before pending, by severity, the longest first. */
export function buildAlerts(groups: readonly GroupStatus[], unitOf: UnitOf): AlertRow[] {
  const rows = groups.flatMap(group =>
    group.rules.flatMap(({ alerts }) =>
      alerts.flatMap((alert): AlertRow[] =>
        alert.state === 'inactive'
          ? []
          : [
              {
                name: alert.labels.get('alertname'),
                state: alert.state,
                severity: alert.labels.get('severity'),
                labels: alert.labels.toJSON(),
                summary: alert.annotations['summary'] ?? alert.labels.toString(),
                description: alert.annotations['description'] ?? '',
                runbook: alert.annotations['runbook_url'] ?? null,
                value: alert.value,
                unit: unitOf(alert),
                activeAtMs: alert.activeAtMs,
                heldSinceMs: alert.heldSinceMs ?? null,
              },
            ],
      ),
    ),
  )
  return rows.sort(
    (a, b) =>
      rank(a) - rank(b) ||
      a.activeAtMs - b.activeAtMs ||
      compareText(a.name, b.name) ||
      compareText(JSON.stringify(a.labels), JSON.stringify(b.labels)),
  )
}

/** How the rules themselves fare. */
export function ruleHealth(groups: readonly GroupStatus[]): Overview['rulesEvaluated'] {
  const rules = groups.flatMap(group => group.rules)
  const times = rules.flatMap(rule => rule.lastEvaluationMs ?? [])
  return {
    rules: rules.length,
    failing: rules.filter(rule => rule.health === 'err').length,
    lastMs: times.length === 0 ? null : Math.max(...times),
  }
}
