import type { Labels } from '../base/index.ts'

/** One alert as it comes from rules (or later from the API). Structurally a part of rules' ActiveAlert. */
export interface AlertNotice {
  /** With `alertname`. */
  readonly labels: Labels
  readonly annotations: Readonly<Record<string, string>>
  readonly startsAtMs: number
  /** Set once it is over. */
  readonly resolvedAtMs: number | undefined
  readonly generatorURL: string
  readonly value: number
}

/** What a channel is asked to tell: one group, as Alertmanager's webhook (version 4) knows it. */
export interface Notification {
  /** Stable for one (route, group): deduplication keys derive from it. */
  readonly groupKey: string
  readonly receiver: string
  readonly status: 'firing' | 'resolved'
  readonly groupLabels: Labels
  readonly commonLabels: Labels
  readonly commonAnnotations: Readonly<Record<string, string>>
  readonly alerts: readonly NotifiedAlert[]
  readonly externalURL: string
  readonly truncatedAlerts: number
  /** Why it is sent now: `first firing`, `new alert`, `resolved`, `repeat`. */
  readonly reason: string
}

export interface NotifiedAlert {
  readonly status: 'firing' | 'resolved'
  readonly labels: Labels
  readonly annotations: Readonly<Record<string, string>>
  readonly startsAtMs: number
  readonly endsAtMs: number | undefined
  readonly generatorURL: string
  readonly fingerprint: string
  readonly value: number
}
