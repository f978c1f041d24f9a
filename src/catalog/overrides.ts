/** What config may say about alerts. */
import type { Severity } from './spec.ts'

/** What config may say about one alert. Left out means the catalog's value. */
export interface AlertOverride {
  readonly enabled?: boolean
  readonly severity?: Severity
  /** A Prometheus duration: `5m`. */
  readonly for?: string
  readonly threshold?: number
  /** Limits of single queues, where the alert is told by queue. */
  readonly queues?: OwnLimits
  /** Limits of single tasks, where the alert is told by task. A task's own limit holds in every queue. */
  readonly tasks?: OwnLimits
  readonly parameters?: Readonly<Record<string, number>>
}

/** By queue or task: its threshold, or more of its numbers; null switches the alert off for it. */
export type OwnLimits = Readonly<Record<string, number | OwnLimit | null>>

/** Numbers of one queue or task. Left out means what holds for the alert. */
export type OwnLimit = Pick<AlertOverride, 'severity' | 'for' | 'threshold'>

/** By alert name. */
export type AlertOverrides = Readonly<Record<string, AlertOverride>>
