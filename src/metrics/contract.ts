import type { Sample } from '../base/index.ts'
import type { Metric, MetricId, MetricKind, Metrics } from '../catalog/index.ts'
import type { Fleet, FleetChange } from '../fleet/index.ts'

/** A metric that the catalog declares, of one kind: no other can be recorded. */
export type Declared<Kind extends MetricKind = MetricKind> = Extract<
  Metrics[MetricId],
  { readonly kind: Kind }
>

/** One value for each label that the metric declares, and no others. An empty value is the same as no label. */
export type LabelsOf<M extends Metric> = Readonly<Record<M['labels'][number], string>>

/** How the connection to a broker stands, for `celery_broker_up`. */
export interface BrokerStatus {
  readonly connected: boolean
}

export type ExpositionFormat = 'text' | 'openmetrics'

export interface MetricsOptions {
  /** Label sets a metric may have; what comes beyond is refused and counted in `celeriac_series_dropped_total`. Default 10,000. */
  readonly maxSeriesPerMetric?: number
  /** Series that all metrics of tasks may have together, each bucket, sum and count of a histogram counted as one. Default 80,000. */
  readonly maxTaskSeries?: number
}

/**
 * The numbers of the program. Only metrics and labels that the catalog declares can be recorded. What is not known is not there:
 * setting a gauge to null, or not setting a fleet's gauge in a collection, removes its series.
 */
export interface MetricsRegistry {
  /** Counts what happened to tasks and workers. */
  record(broker: string, changes: readonly FleetChange[]): void
  /** Sets everything that follows from a fleet's present state, and removes what is no longer known or no longer exists. */
  collectFleet(fleet: Fleet, status: BrokerStatus, nowMs: number): void
  /** Removes what `collectFleet` set for a broker that is watched no more, and what bears a worker's name. Its other counters stay. */
  forgetFleet(broker: string): void
  /** Adds to a counter that starts at 0 with this process. */
  add<M extends Declared<'counter'>>(metric: M, labels: LabelsOf<M>, amount?: number): void
  /** Takes over a total that somebody else counts, such as CPU time; null removes the series. */
  total<M extends Declared<'counter'>>(metric: M, labels: LabelsOf<M>, value: number | null): void
  /** Sets a gauge; null removes the series. */
  set<M extends Declared<'gauge'>>(metric: M, labels: LabelsOf<M>, value: number | null): void
  observe<M extends Declared<'histogram'>>(metric: M, labels: LabelsOf<M>, value: number): void
  /** Every series with its true value; a series' `labels` are the same object for its whole life. */
  samples(): Iterable<Sample>
  /**
   * One cycle for the store; call it exactly once a cycle. It differs from `samples` in one thing: a counter or histogram that
   * began since the last cycle is given as 0 first, and with its true value from the next cycle on. Without that 0 `increase()`
   * could not see the first failure of a task, because the series would begin at 1. Totals counted by others are given as they are.
   * It comes in pieces of a few thousand samples, so that whoever stores them can let the event loop turn in between.
   */
  cycle(): Generator<readonly Sample[], void, undefined>
  /**
   * The exposition, in pieces of about 64 KiB, so that whoever sends it can let the event loop turn between two pieces. All of it is
   * of the moment of this call, whatever happens until it is read.
   */
  expose(format: ExpositionFormat): Generator<string, void, undefined>
  /** Number of series, buckets counted. */
  readonly seriesCount: number
}
