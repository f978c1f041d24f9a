/**
 * What Celeriac publishes to Amazon CloudWatch: one table, from which the publisher, the alarms and the dashboard are made, so that
 * nobody asks for a metric or for dimensions that do not exist (guide-flaw 51).
 *
 * CloudWatch counts every set of dimensions as a metric of its own and never adds up over one that is left out. So each number is
 * published under the narrow sets and again under the broker alone: there a gauge has one value for each of its series, and Maximum
 * is the worst of them. An alarm on that watches every queue, also those that do not exist yet (guide-flaw 20).
 */
import type { Alert, CloudWatchAlarm } from './alert.ts'
import type { ConfiguredAlert } from './configure.ts'
import { latest } from './expr.ts'
import { type LabelName, metrics } from './metrics.ts'
import type { Expr, Metric, Unit } from './spec.ts'

/** Units of CloudWatch (MetricDatum, `Unit`); a ratio has none. */
export type CloudWatchUnit = 'Count' | 'Count/Second' | 'Seconds' | 'Bytes' | 'Percent' | 'None'

interface PublishedBase {
  /** MetricName. */
  readonly name: string
  readonly help: string
  readonly unit: CloudWatchUnit
  /** Labels by which it is told, the narrowest set first; the last is always the broker alone. */
  readonly dimensionSets: readonly (readonly LabelName[])[]
  /** The statistics that say something true of it. */
  readonly statistics: readonly string[]
  /** Queues and tasks left out under the wider sets: they have limits of their own, and alarms of their own for them. */
  readonly apart: { readonly queues: readonly string[]; readonly tasks: readonly string[] }
}

/** A value now: the vector of an expression. */
export interface PublishedGauge extends PublishedBase {
  readonly kind: 'gauge'
  readonly expr: Expr
}

/** What was added to a counter since it was last published. */
export interface PublishedIncrease extends PublishedBase {
  readonly kind: 'increase'
  readonly counter: Metric
}

/** The observations of a histogram since it was last published, as values with their counts. */
export interface PublishedDistribution extends PublishedBase {
  readonly kind: 'distribution'
  readonly histogram: Metric
}

export type PublishedMetric = PublishedGauge | PublishedIncrease | PublishedDistribution

/** Where it is published unless config says otherwise. */
export const CLOUDWATCH_NAMESPACE = 'Celeriac'

/** How often, unless config says otherwise: the resolution of CloudWatch's standard metrics. No alarm has a shorter period. */
export const CLOUDWATCH_INTERVAL_SECONDS = 60

/** A label as CloudWatch's users write dimensions: `broker` is `Broker`. */
export const dimensionName = (label: LabelName): string =>
  label.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase())

const UNITS: Readonly<Record<Unit, CloudWatchUnit>> = {
  count: 'Count',
  per_second: 'Count/Second',
  seconds: 'Seconds',
  bytes: 'Bytes',
  percent: 'Percent',
  ratio: 'None',
}

/** No Sum: a gauge added up over a period is multiplied by how often it was published (guide-flaw 52). */
const GAUGE = ['Average', 'Maximum', 'Minimum'] as const
const NONE = { queues: [], tasks: [] } as const
const INCREASE = ['Sum'] as const
const DISTRIBUTION = ['Average', 'Maximum', 'SampleCount', 'p50', 'p90', 'p95', 'p99'] as const

/** `broker, task, queue`: by task, by queue, and by the broker alone. */
function setsOf(labels: readonly LabelName[]): readonly (readonly LabelName[])[] {
  const narrow = labels.filter(label => label !== 'broker').map((label): LabelName[] => ['broker', label])
  return [...narrow, ['broker']]
}

const QUEUE_SETS = setsOf(['broker', 'queue'])
const BROKER_SETS = setsOf(['broker'])

/** What dashboards need besides what alarms watch. */
const more: readonly PublishedMetric[] = [
  gauge('ActiveTasks', metrics.activeTasks),
  increase('TasksSucceeded', metrics.taskSucceeded),
  increase('TasksFailed', metrics.taskFailed),
  increase('TasksRetried', metrics.taskRetry),
  distribution('TaskRuntime', metrics.taskRuntime),
  distribution('QueueWait', metrics.taskWait),
]

function gauge(name: string, of: Metric<string, 'broker', 'gauge'>): PublishedMetric {
  return {
    name,
    kind: 'gauge',
    expr: latest(of),
    help: of.help,
    unit: UNITS[of.unit],
    dimensionSets: BROKER_SETS,
    statistics: GAUGE,
    apart: NONE,
  }
}

function increase(name: string, counter: Metric<string, string, 'counter'>): PublishedMetric {
  return {
    name,
    kind: 'increase',
    counter,
    help: counter.help,
    unit: UNITS[counter.unit],
    dimensionSets: QUEUE_SETS,
    statistics: INCREASE,
    apart: NONE,
  }
}

function distribution(name: string, histogram: Metric<string, string, 'histogram'>): PublishedMetric {
  return {
    name,
    kind: 'distribution',
    histogram,
    help: histogram.help,
    unit: UNITS[histogram.unit],
    dimensionSets: QUEUE_SETS,
    statistics: DISTRIBUTION,
    apart: NONE,
  }
}

const watched = (alert: Alert, form: CloudWatchAlarm, apart: PublishedMetric['apart']): PublishedMetric => ({
  name: form.metric,
  kind: 'gauge',
  expr: form.publishes,
  help: `What ${alert.name} watches.`,
  unit: UNITS[alert.threshold.unit],
  dimensionSets: setsOf(form.dimensions),
  statistics: GAUGE,
  apart,
})

/** The table, for alerts with config laid over them. A metric that is watched by an alert is published whether that is on or not. */
export function publishedMetrics(alerts: readonly ConfiguredAlert[]): readonly PublishedMetric[] {
  const table = new Map<string, PublishedMetric>()
  for (const { alert, queues, tasks } of alerts) {
    if (alert.cloudwatch === null) continue
    const known = table.get(alert.cloudwatch.metric)?.apart ?? NONE
    const apart = {
      queues: [...new Set([...known.queues, ...Object.keys(queues)])].toSorted(),
      tasks: [...new Set([...known.tasks, ...Object.keys(tasks)])].toSorted(),
    }
    table.set(alert.cloudwatch.metric, watched(alert, alert.cloudwatch, apart))
  }
  return [...table.values(), ...more]
}

/**
 * How many metrics CloudWatch counts, and charges, for a broker: one for each set of dimensions that occurs. `tasks` is the number of
 * those that have limits of their own, or of all where single tasks are published too.
 */
export function publishedCount(
  table: readonly PublishedMetric[],
  {
    queues,
    containers,
    tasks,
  }: { readonly queues: number; readonly containers: number; readonly tasks: number },
): number {
  const sizeOf = (labels: readonly LabelName[]): number =>
    labels.includes('task')
      ? tasks
      : labels.includes('container')
        ? containers
        : labels.includes('queue')
          ? queues
          : 1
  return table.reduce(
    (sum, { dimensionSets }) => sum + dimensionSets.reduce((n, set) => n + sizeOf(set), 0),
    0,
  )
}
