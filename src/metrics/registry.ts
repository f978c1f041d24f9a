import type { Sample } from '../base/index.ts'
import { type Metric, metrics } from '../catalog/index.ts'
import type { Fleet, FleetChange } from '../fleet/index.ts'
import type {
  BrokerStatus,
  Declared,
  ExpositionFormat,
  LabelsOf,
  MetricsOptions,
  MetricsRegistry,
} from './contract.ts'
import { expose } from './expose.ts'
import { type Family, histogramFamily, scalarFamily, type SeriesCap } from './family.ts'
import { describeFleet } from './fleet-gauges.ts'
import type { Histogram, Scalar } from './series.ts'
import { TaskRecorder } from './task-series.ts'
import { WorkerRecorder } from './worker-series.ts'

const DEFAULT_MAX_SERIES_PER_METRIC = 10_000
const DEFAULT_MAX_TASK_SERIES = 80_000

/** An empty registry. */
export function createMetrics(options: MetricsOptions = {}): MetricsRegistry {
  return new Registry(options)
}

class Registry implements MetricsRegistry {
  readonly #scalars = new Map<string, Family<Scalar>>()
  readonly #histograms = new Map<string, Family<Histogram>>()
  /** In the catalog's order. */
  readonly #families: readonly Family[]
  readonly #tasks: TaskRecorder
  readonly #workers: WorkerRecorder
  /** What each fleet's last collection set. */
  readonly #collected = new Map<string, Map<Scalar, Family<Scalar>>>()

  constructor({
    maxSeriesPerMetric = DEFAULT_MAX_SERIES_PER_METRIC,
    maxTaskSeries = DEFAULT_MAX_TASK_SERIES,
  }: MetricsOptions) {
    // Workers and queues are bounded by the fleet's tables; names of tasks and exceptions are whatever people send.
    const ofTasks: SeriesCap = { perMetric: maxSeriesPerMetric, left: maxTaskSeries }
    const others: SeriesCap = { perMetric: maxSeriesPerMetric, left: Infinity }
    const dropped = (metric: string): void => {
      // A metric of metrics: it cannot outgrow the catalog, so dropping is never counted for itself.
      if (metric !== metrics.seriesDropped.name) this.add(metrics.seriesDropped, { metric })
    }
    this.#families = Object.values(metrics).map((metric: Metric) => {
      const cap = metric.labels.includes('task') ? ofTasks : others
      if (metric.kind !== 'histogram') {
        const family = scalarFamily(metric, cap, dropped)
        this.#scalars.set(metric.name, family)
        return family
      }
      const family = histogramFamily(metric, metric.buckets ?? [], cap, dropped)
      this.#histograms.set(metric.name, family)
      return family
    })
    this.#workers = new WorkerRecorder({
      vanished: this.#scalar(metrics.workerVanished),
      eventsLost: this.#scalar(metrics.eventsLost),
    })
    const taskFamilies = {
      sent: this.#scalar(metrics.taskSent),
      received: this.#scalar(metrics.taskReceived),
      started: this.#scalar(metrics.taskStarted),
      succeeded: this.#scalar(metrics.taskSucceeded),
      failed: this.#scalar(metrics.taskFailed),
      retried: this.#scalar(metrics.taskRetry),
      rejected: this.#scalar(metrics.taskRejected),
      revoked: this.#scalar(metrics.taskRevoked),
      redelivered: this.#scalar(metrics.taskRedelivered),
      orphaned: this.#scalar(metrics.taskOrphaned),
      runtime: this.#histogram(metrics.taskRuntime),
      wait: this.#histogram(metrics.taskWait),
    }
    this.#tasks = new TaskRecorder(taskFamilies, this.#workers)
  }

  get seriesCount(): number {
    let count = 0
    for (const family of this.#scalars.values()) count += family.size
    for (const family of this.#histograms.values())
      for (const series of family.all()) count += series.distribution.counts.length + 2
    return count
  }

  record(broker: string, changes: readonly FleetChange[]): void {
    this.#tasks.record(broker, changes)
  }

  collectFleet(fleet: Fleet, status: BrokerStatus, nowMs: number): void {
    const before = this.#collected.get(fleet.broker)
    const now = new Map<Scalar, Family<Scalar>>()
    const put = (family: Family<Scalar>, series: Scalar | undefined, value: number): void => {
      if (series === undefined) return
      series.value = value
      now.set(series, family)
    }
    const newcomers: (readonly [family: Family<Scalar>, values: readonly string[], value: number])[] = []
    describeFleet(fleet, status, nowMs, (metric, labels, value) => {
      if (value === null) return
      const family = this.#scalar(metric)
      const values = valuesOf(metric, labels)
      const known = family.find(values)
      if (known === undefined) newcomers.push([family, values, value])
      else put(family, known, value)
    })
    // What is gone makes room under the cap before what is new takes it.
    for (const [series, family] of before ?? []) if (!now.has(series)) family.remove(series.values)
    for (const [family, values, value] of newcomers) put(family, family.series(values, false), value)
    this.#collected.set(fleet.broker, now)
    this.#workers.watched(fleet.broker)
    this.#workers.keep(fleet.broker, new Set(fleet.workers(nowMs).map(({ worker }) => worker)))
  }

  forgetFleet(broker: string): void {
    for (const [series, family] of this.#collected.get(broker) ?? []) family.remove(series.values)
    this.#collected.delete(broker)
    this.#workers.keep(broker, new Set())
  }

  add<M extends Declared<'counter'>>(metric: M, labels: LabelsOf<M>, amount = 1): void {
    if (!(amount >= 0)) throw new RangeError(`${metric.name} counts up only, got ${amount}`)
    const series = this.#scalar(metric).series(valuesOf(metric, labels), true)
    if (series !== undefined) series.value += amount
  }

  total<M extends Declared<'counter'>>(metric: M, labels: LabelsOf<M>, value: number | null): void {
    this.#put(metric, valuesOf(metric, labels), value)
  }

  set<M extends Declared<'gauge'>>(metric: M, labels: LabelsOf<M>, value: number | null): void {
    this.#put(metric, valuesOf(metric, labels), value)
  }

  observe<M extends Declared<'histogram'>>(metric: M, labels: LabelsOf<M>, value: number): void {
    this.#histogram(metric).series(valuesOf(metric, labels), true)?.observe(value)
  }

  samples(): Iterable<Sample> {
    const samples: Sample[] = []
    for (const family of this.#families) family.sample(samples)
    return samples
  }

  *cycle(): Generator<readonly Sample[], void, undefined> {
    for (const family of this.#families) yield* family.cycle()
  }

  expose(format: ExpositionFormat): Generator<string, void, undefined> {
    return expose(this.#inUse(), { format })
  }

  /** Families without series are left out. */
  *#inUse(): Generator<Family> {
    for (const family of this.#families) if (family.size > 0) yield family
  }

  #put(metric: Metric, values: readonly string[], value: number | null): void {
    const family = this.#scalar(metric)
    if (value === null) return family.remove(values)
    const series = family.series(values, false)
    if (series !== undefined) series.value = value
  }

  #scalar(metric: Metric): Family<Scalar> {
    const family = this.#scalars.get(metric.name)
    if (family === undefined) throw new RangeError(`${metric.name} is no counter or gauge of the catalog`)
    return family
  }

  #histogram(metric: Metric): Family<Histogram> {
    const family = this.#histograms.get(metric.name)
    if (family === undefined) throw new RangeError(`${metric.name} is no histogram of the catalog`)
    return family
  }
}

const valuesOf = <M extends Metric>(metric: M, labels: LabelsOf<M>): readonly string[] =>
  metric.labels.map(name => (labels as Readonly<Record<string, string>>)[name] ?? '')
