/** As `celeriac check` has them: wrong hurts now, missing is not there, info is worth knowing. */
export type Level = 'ok' | 'info' | 'missing' | 'wrong'

/** One thing that was looked at. */
export interface Check {
  readonly area: 'rules' | 'scrapes' | 'alertmanagers' | 'routes' | 'dashboards'
  /** What it is about: an alert, a recorded series, a target, a dashboard. */
  readonly name: string
  readonly level: Level
  readonly title: string
  /** What to do; null when nothing is to be done. */
  readonly fix: string | null
}

/** A rule that should be loaded. */
export interface ExpectedRule {
  readonly kind: 'alert' | 'record'
  readonly name: string
  readonly expr: string
  readonly forMs: number
  readonly labels: Readonly<Record<string, string>>
  /** Labels by which its series differ, whose values are not known beforehand. */
  readonly openLabels: readonly string[]
}

/** A rule as Prometheus' `/api/v1/rules` tells it. */
export interface LoadedRule {
  readonly kind: 'alert' | 'record'
  readonly name: string
  readonly query: string
  readonly forMs: number
  readonly labels: Readonly<Record<string, string>>
  readonly health: 'ok' | 'err' | 'unknown'
  readonly lastError: string
  /** `file; group`, as it is told. */
  readonly place: string
}

/** A target as `/api/v1/targets` tells it. */
export interface ScrapeTarget {
  readonly labels: Readonly<Record<string, string>>
  /** Without credentials. */
  readonly url: string
  readonly health: 'up' | 'down' | 'unknown'
  readonly lastError: string
}

export interface ObservedScrapes {
  readonly active: readonly ScrapeTarget[]
  /** Labels of targets that were discovered and dropped by relabelling. */
  readonly dropped: readonly Readonly<Record<string, string>>[]
  /** `job` and `instance` of the series of `celeriac_build_info`. */
  readonly builds: readonly Readonly<Record<string, string>>[]
  /** Whether labels of ours were renamed to `exported_…` on the way in. */
  readonly renamedLabels: readonly string[]
}

export interface ExpectedDashboard {
  readonly uid: string
  readonly title: string
}

/** A dashboard as Grafana's `/api/search` tells it. */
export interface FoundDashboard {
  readonly uid: string
  readonly title: string
  readonly folder: string
}
