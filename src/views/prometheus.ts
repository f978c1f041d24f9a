import { rfc3339 } from '../base/index.ts'
import type { ActiveAlert, GroupStatus, RuleStatus } from '../rules/index.ts'

/** An alert as in `/api/v1/alerts` and inside `/api/v1/rules` (Prometheus web/api/v1/api.go `Alert`). */
export interface PromAlert {
  readonly labels: Record<string, string>
  readonly annotations: Readonly<Record<string, string>>
  readonly state: 'pending' | 'firing'
  readonly activeAt: string
  readonly value: string
}

interface PromRuleBase {
  readonly name: string
  readonly query: string
  readonly labels: Readonly<Record<string, string>>
  readonly health: 'unknown' | 'ok' | 'err'
  readonly lastError?: string
  readonly evaluationTime: number
  readonly lastEvaluation: string
}

export type PromRule =
  | (PromRuleBase & {
      readonly state: 'inactive' | 'pending' | 'firing'
      /** Seconds. */
      readonly duration: number
      readonly keepFiringFor: number
      readonly annotations: Readonly<Record<string, string>>
      readonly alerts: readonly PromAlert[]
      readonly type: 'alerting'
    })
  | (PromRuleBase & { readonly type: 'recording' })

export interface PromRuleGroup {
  readonly name: string
  readonly file: string
  readonly rules: readonly PromRule[]
  /** Seconds. */
  readonly interval: number
  readonly limit: number
  readonly evaluationTime: number
  readonly lastEvaluation: string
}

/** `data` of `/api/v1/rules`, all of it. */
export const promRules = (groups: readonly GroupStatus[]): { readonly groups: readonly PromRuleGroup[] } => ({
  groups: groups.map(status => ({
    name: status.group.name,
    file: status.group.file,
    rules: status.rules.map(promRule),
    interval: status.group.intervalMs / 1000,
    limit: status.group.limit ?? 0,
    evaluationTime: status.evaluationSeconds,
    lastEvaluation: rfc3339(status.lastEvaluationMs),
  })),
})

/** `data` of `/api/v1/alerts`: pending and firing ones. */
export const promAlerts = (groups: readonly GroupStatus[]): { readonly alerts: readonly PromAlert[] } => ({
  alerts: groups.flatMap(status => status.rules.flatMap(rule => rule.alerts.flatMap(promAlert))),
})

function promRule(status: RuleStatus): PromRule {
  const { rule } = status
  const base = {
    labels: rule.labels,
    health: status.health,
    ...(status.lastError === undefined ? {} : { lastError: status.lastError }),
    evaluationTime: status.evaluationSeconds,
    lastEvaluation: rfc3339(status.lastEvaluationMs),
  }
  if (rule.kind === 'record') return { name: rule.record, query: rule.expr, ...base, type: 'recording' }
  const alerts = status.alerts.flatMap(promAlert)
  return {
    state: alerts.some(alert => alert.state === 'firing')
      ? 'firing'
      : alerts.length > 0
        ? 'pending'
        : 'inactive',
    name: rule.alert,
    query: rule.expr,
    duration: rule.forMs / 1000,
    keepFiringFor: rule.keepFiringForMs / 1000,
    annotations: rule.annotations,
    alerts,
    ...base,
    type: 'alerting',
  }
}

const promAlert = (alert: ActiveAlert): readonly PromAlert[] =>
  alert.state === 'inactive'
    ? []
    : [
        {
          labels: alert.labels.toJSON(),
          annotations: alert.annotations,
          state: alert.state,
          activeAt: rfc3339(alert.activeAtMs),
          value: goExponent(alert.value),
        },
      ]

/** As Go's `strconv.FormatFloat(value, 'e', -1, 64)` prints it: `1e+00`, `1.5e-07`. */
export function goExponent(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  const text = Object.is(value, -0) ? '-0e+0' : value.toExponential()
  return text.replace(/e([+-])(\d)$/, 'e$10$2')
}
