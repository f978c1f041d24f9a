import type { Labels, Sample } from '../base/index.ts'
import type { VectorSample } from '../promql/index.ts'

/** A rule group as Prometheus' rule files have it; durations in ms. */
export interface RuleGroup {
  readonly name: string
  /** Where it came from: a file name, or `catalog`. */
  readonly file: string
  readonly intervalMs: number
  readonly labels?: Readonly<Record<string, string>>
  readonly limit?: number
  readonly queryOffsetMs?: number
  readonly rules: readonly Rule[]
}

export type Rule = RecordingRule | AlertingRule

/** What names a group for its whole life: groups of several files may share a name. As in Prometheus' label `rule_group`. */
export const ruleGroupId = ({ file, name }: Pick<RuleGroup, 'file' | 'name'>): string => `${file};${name}`

export const ruleName = (rule: Rule): string => (rule.kind === 'alert' ? rule.alert : rule.record)

export interface RecordingRule {
  readonly kind: 'record'
  readonly record: string
  readonly expr: string
  readonly labels: Readonly<Record<string, string>>
}

export interface AlertingRule {
  readonly kind: 'alert'
  readonly alert: string
  readonly expr: string
  readonly forMs: number
  readonly keepFiringForMs: number
  readonly labels: Readonly<Record<string, string>>
  /** Go templates. */
  readonly annotations: Readonly<Record<string, string>>
}

/**
 * pending: the expression holds, `for` not yet over. firing: told. inactive: resolved, kept 15 minutes for resending.
 */
export type AlertState = 'pending' | 'firing' | 'inactive'

/** One alert: a rule and one label set of its result. */
export interface ActiveAlert {
  readonly rule: AlertingRule
  readonly group: string
  /** With `alertname` and the rule's labels. Identity. */
  readonly labels: Labels
  readonly annotations: Readonly<Record<string, string>>
  readonly state: AlertState
  readonly value: number
  readonly activeAtMs: number
  readonly firedAtMs: number | undefined
  readonly resolvedAtMs: number | undefined
  /** Since when the alert is held only because what it watches cannot be seen, or not yet as far back as it looks; undefined when it can. */
  readonly heldSinceMs: number | undefined
}

/** Evaluates an instant expression; scalars come as one sample without labels. Throws (or rejects) on failure. */
export type QueryPort = (
  expr: string,
  atMs: number,
) => readonly VectorSample[] | Promise<readonly VectorSample[]>

/**
 * Since when (epoch ms) everything that an alert watches has been seen without a break: null while a source of its metrics is
 * lost, -Infinity when none ever was. While it cannot be seen, an alert whose expression returns nothing is held in its state; a
 * firing one also until all that its expression reaches back to was seen: a lost source never resolves an alert.
 */
export type SightPort = (rule: AlertingRule, alertLabels: Labels) => number | null

export interface GroupEvaluation {
  readonly atMs: number
  /** Recorded series and ALERTS / ALERTS_FOR_STATE; written rule by rule through the write port, each rule a producer of its own. */
  readonly samples: readonly Sample[]
  /** Firing alerts, and those resolved within the last 15 minutes: what is to be sent on. */
  readonly alerts: readonly ActiveAlert[]
  /** Rules that failed in it; what they wrote and fired before stays. */
  readonly failures: readonly RuleFailure[]
}

export interface RuleFailure {
  readonly rule: Rule
  readonly error: string
}

export interface RuleStatus {
  readonly rule: Rule
  readonly health: 'unknown' | 'ok' | 'err'
  readonly lastError: string | undefined
  readonly evaluationSeconds: number
  readonly lastEvaluationMs: number | undefined
  readonly alerts: readonly ActiveAlert[]
}

export interface GroupStatus {
  readonly group: RuleGroup
  readonly rules: readonly RuleStatus[]
  readonly lastEvaluationMs: number | undefined
  readonly evaluationSeconds: number
}
