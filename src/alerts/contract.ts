import type { Labels } from '../base/index.ts'

/** One alert as it comes from rules (or later from the API). Structurally a part of rules' ActiveAlert. */
export interface AlertNotice {
  /** With `alertname`. */
  readonly labels: Labels
  readonly annotations: Readonly<Record<string, string>>
  /** When it began to fire (Prometheus sends FiredAt as startsAt). */
  readonly startsAtMs: number
  /** Set once it is over. */
  readonly resolvedAtMs: number | undefined
  readonly generatorURL: string
  readonly value: number
  /** The value for people, in its unit; undefined when the unit is not known. */
  readonly valueText?: string | undefined
}

/** What a channel is asked to tell: one group, as Alertmanager's webhook (version 4) knows it. */
export interface Notification {
  /** Stable for one (route, group): deduplication keys derive from it. */
  readonly groupKey: string
  readonly receiver: string
  /** Which of the receiver's channels: each is told, logged and retried by itself. '' when the receiver names none. */
  readonly integration: string
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
  /** The value for people, in its unit; undefined when the unit is not known. */
  readonly valueText?: string | undefined
}

/** Whom a route tells. */
export interface RouteReceiver {
  readonly name: string
  /** Channels of the receiver; each keeps its own place in the notification log. Default one, named ''. */
  readonly integrations?: readonly string[]
  /** Default true. */
  readonly sendResolved?: boolean
}

/** Where alerts go and how they are gathered on the way (Alertmanager's route). Durations in ms. */
export interface Route {
  /** Stable text that begins every group key: `{}` for the root, as Alertmanager writes it. */
  readonly key: string
  /** Label names; `...` alone gives every alert its own group. */
  readonly groupBy: readonly string[]
  readonly groupWaitMs: number
  readonly groupIntervalMs: number
  readonly repeatIntervalMs: number
  readonly receivers: readonly RouteReceiver[]
}

/** One line of the notification log: what one channel was last told of one group. */
export interface LogEntry {
  readonly groupKey: string
  readonly receiver: string
  readonly integration: string
  /** Fingerprints told as firing and not yet told as resolved, sorted. */
  readonly firing: readonly string[]
  /** Fingerprints told as resolved in the last notification, sorted. */
  readonly resolved: readonly string[]
  readonly atMs: number
}

/** Plain data that survives a restart. */
export interface LogSnapshot {
  readonly version: 1
  readonly entries: readonly LogEntry[]
}

/** Why nothing was sent, for the log and the delivery page. */
export type SkipReason =
  /** Nothing new since the last notification, and the repeat interval is not over. */
  | 'unchanged'
  /** All of it was over before this receiver was told that it began. */
  | 'resolved before told'
  /** It is over, and the receiver asked not to hear that. */
  | 'resolved not wanted'
  /** The previous notification of this group is still on its way; decided again when it has ended. */
  | 'still sending'
  /** The route has no receiver. */
  | 'no receiver'

/** What is to be done for one channel of one group at one flush, with the reason. */
export type Decision =
  | { readonly kind: 'notify'; readonly atMs: number; readonly notification: Notification }
  | {
      readonly kind: 'skip'
      readonly atMs: number
      readonly groupKey: string
      readonly receiver: string
      readonly integration: string
      readonly reason: SkipReason
    }

/** What names one stream of notifications; a Notification is one. */
export type Told = Pick<Notification, 'groupKey' | 'receiver' | 'integration'>
